/** Takes the bytes of a server apart, whatever they came by: the answer to the handshake, then frames. */
import { readFrame } from '../generator/frames.ts';

/** The upgrade request's header fields. The key is the sample of RFC 6455 §1.3. */
export const upgradeHeaders = {
  host: '127.0.0.1',
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
} as const;

export function upgradeText(path: string): string {
  const fields = Object.entries(upgradeHeaders).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\n${fields.join('')}\r\n`;
}

/** What RFC 6455 §1.3 gives as the answer to that key. */
const ACCEPTED = /^HTTP\/1\.1 101 [^\r]*\r\n(?:[^\r]+\r\n)*sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/i;

const NOTHING = Buffer.alloc(0);

export interface WireListener {
  onOpen(): void;
  /** The payload is only lent, until this returns. */
  onFrame(opcode: number, payload: Buffer): void;
}

export class WireReader {
  readonly #listener: WireListener;
  #isOpen = false;
  /** A beginning that is not all there. */
  #rest: Buffer = NOTHING;

  constructor(listener: WireListener) {
    this.#listener = listener;
  }

  /** @throws {Error} for a handshake that was refused and for frames that no server may send */
  read(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    if (!this.#isOpen) bytes = this.#readAnswer(bytes);
    if (this.#isOpen) bytes = this.#readFrames(bytes);
    // The carrier uses its buffer again.
    this.#rest = bytes.length === 0 ? NOTHING : Buffer.from(bytes);
  }

  #readAnswer(bytes: Buffer): Buffer {
    const end = bytes.indexOf('\r\n\r\n');
    if (end === -1) return bytes;
    const answer = bytes.toString('latin1', 0, end + 2);
    if (!ACCEPTED.test(answer)) throw new Error(`the server answered the handshake with ${answer}`);
    this.#isOpen = true;
    this.#listener.onOpen();
    return bytes.subarray(end + 4);
  }

  #readFrames(bytes: Buffer): Buffer {
    for (let frame = readFrame(bytes); frame !== undefined; frame = readFrame(bytes)) {
      // Complete, uncompressed, unmasked: nothing else is asked for.
      if ((bytes[0]! & 0xf0) !== 0x80 || (bytes[1]! & 0x80) !== 0) throw new Error('the server sent a broken frame');
      this.#listener.onFrame(frame.opcode, frame.payload);
      bytes = bytes.subarray(frame.size);
    }
    return bytes;
  }
}
