/**
 * A WebSocket on a network stream, with `ws` behind it for whatever is unusual.
 *
 * Theory of operation
 *
 * Most connections never see more of the protocol than messages in one frame,
 * pings, and a close frame from the remote side. All of that is done here, with
 * this object and five listeners that all connections share. For the rest there
 * is the *general* implementation, which is `ws` on the same stream. It is only
 * made for a connection that needs it, and then stays: for a frame that
 * `fast-frames.ts` does not read, before our own close frame, and before the
 * socket is paused, since what was not read then may arrive with the end. Those
 * are the cases with states of their own, and they have one implementation.
 * Until then nothing has happened that the general one would have to know of:
 * no fragment has arrived and no close frame has been sent.
 *
 * What is done here follows `ws` step by step, and `test/transport/` compares
 * the two: bytes, order, what is told, and when the stream ends.
 *
 * Source: RFC 6455 §5.5 and §7.1.
 */
import type { Duplex } from 'node:stream';
import type { Socket as NetSocket } from 'node:net';
import type { Socket, SocketListener } from './contract.ts';
import { FastFrames, type FrameReader } from './fast-frames.ts';

/** The whole protocol, on the stream of a {@link StreamSocket}. */
export interface General {
  readonly isOpen: boolean;
  /** Reads `bytes`; returns how many messages, pings and pongs it found complete and right. */
  read(bytes: Buffer): number;
  closeByUs(code: number, reason: string): void;
  terminate(): void;
  pause(): void;
  resume(): void;
}

/** What the general implementation tells. */
export interface GeneralObserver {
  readonly listener: SocketListener;
  /** It reads nothing more: the remote side has sent its close frame, or broken the protocol. */
  readsNoMore(): void;
  /** To be answered while it is open. */
  onPing(payload: Buffer): void;
}

/** Makes the general implementation on `stream`, for what happens from now on. */
export type MakeGeneral = (stream: Duplex, observer: GeneralObserver) => General;

/** More pings at once than this end the connection: nobody needs them, and their answers would be buffered. */
const MOST_PENDING_PONGS = 60;

/** From so many buffered bytes on it is told when they have been taken: no stream of Node tells it for less. */
const NOTEWORTHY_BYTES = 65_536;

const NOTHING = new Uint8Array(0);
const CLOSE_HEADER = 0x88;
const PONG_HEADER = 0x8a;
const EMPTY_PING = Uint8Array.of(0x89, 0);

/** Tells that a close frame carried no code. */
const NO_CODE = 1005;

const OPEN = 0;
const CLOSING = 1;
const CLOSED = 2;

/** Where a stream has its socket, so that listeners need not be made for each. */
const SOCKET = Symbol('socket');

interface Carrier extends Duplex {
  [SOCKET]?: StreamSocket;
}

/** What all sockets of a transport have in common. */
export interface SocketSetting {
  readonly maxPayload: number;
  readonly closeTimeoutMs: number;
  readonly makeGeneral: MakeGeneral;
}

export class StreamSocket implements Socket, FrameReader, GeneralObserver {
  readonly #stream: Carrier;
  readonly #setting: SocketSetting;
  readonly #frames: FastFrames;
  readonly deflateWindowBits: number | undefined;
  #listener: SocketListener = nobody;
  #general: General | undefined;
  /** Means nothing any more once there is the general implementation. */
  #state: typeof OPEN | typeof CLOSING | typeof CLOSED = OPEN;
  #isCloseReceived = false;
  #isDrainAwaited = false;
  #pendingPongs = 0;
  #closeTimer: NodeJS.Timeout | undefined;

  /** Begins to read `stream`, in the next tick. */
  constructor(stream: Duplex, setting: SocketSetting, deflateWindowBits?: number) {
    this.#stream = stream;
    this.#setting = setting;
    this.#frames = new FastFrames(this, setting.maxPayload);
    this.deflateWindowBits = deflateWindowBits;
    this.#stream[SOCKET] = this;
  }

  /** Whether somebody has a socket on `stream` already. */
  static isOn(stream: Duplex): boolean {
    return (stream as Carrier)[SOCKET] !== undefined;
  }

  /** Does itself what it can. */
  begin(): void {
    const stream = this.#stream;
    this.#frames.readsControl = true;
    stream.on('close', onClose);
    stream.on('data', onData);
    stream.on('end', onEnd);
    stream.on('error', onError);
  }

  /** Leaves to `general` from the beginning what that can do. */
  beginWith(general: General): void {
    this.#general = general;
    this.#stream.on('data', onData);
  }

  /** Tells `listener` of everything from now on. */
  observe(listener: SocketListener): void {
    this.#listener = listener;
  }

  get listener(): SocketListener {
    return this.#listener;
  }

  readsNoMore(): void {
    this.#frames.end();
  }

  // What the stream tells.

  read(bytes: Buffer): void {
    this.#listener.onReading();
    try {
      this.#frames.read(bytes);
    } finally {
      // Whatever happens: all outboxes of the process wait for it.
      this.#listener.onRead();
    }
  }

  drained(): void {
    this.#listener.onDrain();
  }

  /** The remote side has ended its half. */
  ended(): void {
    this.#state = CLOSING;
    if (!this.#stream.writableEnded) this.#stream.end();
  }

  /** The network failed; the end follows and says all there is to say. */
  failed(): void {
    this.#state = CLOSING;
    this.#stream.destroy();
  }

  closed(): void {
    this.#state = CLOSED;
    clearTimeout(this.#closeTimer);
    this.#listener.onClosed();
  }

  // What the frames tell.

  onText(text: string): void {
    this.#listener.onText(text);
  }

  onBinary(data: Uint8Array): void {
    this.#listener.onBinary(data);
  }

  onPing(payload: Buffer): void {
    if (this.#isOpen) {
      if (this.#pendingPongs < MOST_PENDING_PONGS) this.#sendPong(payload);
      else this.destroy();
    }
    this.#listener.onSignOfLife();
  }

  onPong(): void {
    this.#listener.onSignOfLife();
  }

  onCloseFrame(payload: Buffer): void {
    this.#isCloseReceived = true;
    // It may have been paused, and what else arrives has to be read until the end does.
    process.nextTick(resume, this.#stream);
    this.#listener.beforeClose();
    const code = payload.length === 0 ? NO_CODE : payload.readUInt16BE(0);
    this.#listener.onClosing({ code, reason: payload.length > 2 ? payload.toString('utf8', 2) : '' });
    if (this.#isOpen) this.#sendClose(payload);
  }

  onOther(bytes: Buffer): number {
    return this.#fallBack().read(bytes);
  }

  // What the connection asks.

  get bufferedBytes(): number {
    return this.#stream.writableLength;
  }

  get bytesReceived(): number {
    return (this.#stream as Partial<NetSocket>).bytesRead ?? 0;
  }

  write(bytes: Uint8Array): void {
    if (this.#isOpen) this.#send(bytes);
  }

  ping(): void {
    if (this.#isOpen) this.#send(EMPTY_PING);
  }

  close(code: number, reason: string): void {
    if (!this.#mayReceive) {
      if (this.#isCloseReceived && this.#isOpen) this.#sendClose(closePayload(code, reason));
    } else {
      this.#fallBack().closeByUs(code, reason);
    }
  }

  destroy(): void {
    if (this.#general !== undefined) {
      this.#general.terminate();
    } else if (this.#state !== CLOSED) {
      this.#state = CLOSING;
      this.#stream.destroy();
    }
  }

  pause(): void {
    if (this.#mayReceive) this.#fallBack().pause();
    else if (this.#state !== CLOSED) this.#stream.pause();
  }

  resume(): void {
    if (this.#general !== undefined) this.#general.resume();
    else if (this.#state !== CLOSED) this.#stream.resume();
  }

  /** Whether frames may still come: some may have arrived even when the socket is destroyed. */
  get #mayReceive(): boolean {
    if (this.#general !== undefined) return true;
    return this.#state !== CLOSED && !this.#isCloseReceived && !this.#stream.readableEnded;
  }

  get #isOpen(): boolean {
    return this.#general === undefined ? this.#state === OPEN : this.#general.isOpen;
  }

  #send(bytes: Uint8Array, sent?: () => void): void {
    const stream = this.#stream;
    const hasRoom = stream.write(bytes, sent);
    if (hasRoom && stream.writableLength < NOTEWORTHY_BYTES) return;
    if (!this.#isDrainAwaited) {
      this.#isDrainAwaited = true;
      stream.on('drain', onDrain);
    }
    // The server of an application may have been made with a larger mark, below which its streams never drain.
    if (stream.writableLength >= NOTEWORTHY_BYTES && !stream.writableNeedDrain) {
      stream.write(NOTHING, () => stream.writableLength === 0 && stream.emit('drain'));
    }
  }

  #sendPong(payload: Buffer): void {
    this.#pendingPongs++;
    this.#send(controlFrame(PONG_HEADER, payload), () => {
      this.#pendingPongs--;
    });
  }

  /** Answers the close frame of the remote side. The server ends the TCP connection first (RFC 6455 §7.1.1). */
  #sendClose(payload: Buffer): void {
    this.#state = CLOSING;
    const stream = this.#stream;
    stream.end(controlFrame(CLOSE_HEADER, payload));
    this.#closeTimer = setTimeout(destroy, this.#setting.closeTimeoutMs, stream);
  }

  #fallBack(): General {
    if (this.#general !== undefined) return this.#general;
    const stream = this.#stream;
    this.#frames.readsControl = false;
    stream.off('close', onClose);
    stream.off('end', onEnd);
    stream.off('error', onError);
    const general = (this.#general = this.#setting.makeGeneral(stream, this));
    if (this.#state !== OPEN) general.terminate();
    return general;
  }
}

function controlFrame(header: number, payload: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(2 + payload.length);
  frame[0] = header;
  frame[1] = payload.length;
  frame.set(payload, 2);
  return frame;
}

function closePayload(code: number, reason: string): Buffer {
  const payload = Buffer.allocUnsafe(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return payload;
}

function resume(stream: Duplex): void {
  stream.resume();
}

function destroy(stream: Duplex): void {
  stream.destroy();
}

/** Listens to nothing. */
export const nobody: SocketListener = {
  onReading() {},
  onRead() {},
  onText() {},
  onBinary() {},
  onSignOfLife() {},
  onDrain() {},
  beforeClose() {},
  onClosing() {},
  onViolation() {},
  onClosed() {},
};

// Listeners for all streams: one of its own for each connection would be a good part of its memory.

function onData(this: Carrier, bytes: Buffer): void {
  this[SOCKET]!.read(bytes);
}

function onDrain(this: Carrier): void {
  this[SOCKET]!.drained();
}

function onEnd(this: Carrier): void {
  this[SOCKET]!.ended();
}

function onError(this: Carrier): void {
  this[SOCKET]!.failed();
}

function onClose(this: Carrier): void {
  this[SOCKET]!.closed();
}
