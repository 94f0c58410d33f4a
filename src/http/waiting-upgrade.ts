/**
 * Keeps an upgrade while its service judges it.
 *
 * Nothing is read meanwhile: what the remote side sends before it has its answer stays in the stream, which takes in
 * as much as its high-water mark and then lets TCP slow the sender down, and is there when the WebSocket begins. The
 * stream still tells of its end, unless so much was sent that it lies behind that; the handshake's deadline bounds
 * this.
 */
import type { Duplex } from 'node:stream';
import type { Admission, Handshake, Verdict } from '../service/admission.ts';

/** How the waiting ends: with one of these. */
export interface WaitingEnds {
  judged(verdict: Verdict): void;
  /** The remote side went away before. */
  abandoned(): void;
}

/** Has `admission` judge. */
export function awaitVerdict(stream: Duplex, admission: Admission, handshake: Handshake, ends: WaitingEnds): void {
  const stopListening = (): void => {
    stream.off('error', ignore);
    stream.off('end', gone);
    stream.off('close', gone);
  };
  const gone = (): void => {
    stopListening();
    stream.on('error', ignore);
    stream.destroy();
    abandon();
    ends.abandoned();
  };
  stream.on('error', ignore);
  stream.on('end', gone);
  stream.on('close', gone);
  const abandon = admission.begin(handshake, (verdict) => {
    stopListening();
    ends.judged(verdict);
  });
  // It may have gone while its headers were read.
  if (stream.destroyed) gone();
}

function ignore(): void {}
