/** One WebSocket of the generator: a raw socket, which costs less than what it measures. */
import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Dialect } from './dialect.ts';
import { clientFrame, opcodes, readFrame, type Frame } from './frames.ts';
import type { FrameRing } from './sequence.ts';
import { closeReason, Verifier, WrongMessage } from './verifier.ts';

const key = Buffer.from('the sample nonce').toString('base64');
const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
const closeFrame = clientFrame(opcodes.close, Buffer.from([1000 >> 8, 1000 & 0xff]));

/** All connections read into it, one after another, and are done with it when they return. */
const readBuffer = Buffer.allocUnsafe(256 * 1024);

export interface RawConnectionOptions {
  readonly port: number;
  readonly dialect: Dialect;
  /** What errors call it. */
  readonly label: string;
  /** What the connection is stored under, where the role stores; else ''. */
  readonly name: string;
  /** The source address: each has ports of its own. */
  readonly localAddress?: string;
}

export class RawConnection {
  readonly #socket: Socket;
  readonly #dialect: Dialect;
  readonly #label: string;
  readonly #opened: { resolve: () => void; reject: (error: Error) => void };
  /** Resolves when the server has answered the upgrade and, if it does, greeted. */
  readonly opened: Promise<void>;
  #greetingsLeft: number;
  #handshake: Buffer | undefined = Buffer.alloc(0);
  #verifier: Verifier | undefined;
  #onMessages: (count: number) => void = () => {};
  #onError: (error: Error) => void = () => {};
  #closing: { resolve: () => void; reject: (error: Error) => void } | undefined;
  #closeEchoed = false;
  /** The start of a frame that is not all there, while closing. */
  #tail = Buffer.alloc(0);
  #failure: Error | undefined;

  constructor({ port, dialect, label, name, localAddress }: RawConnectionOptions) {
    this.#dialect = dialect;
    this.#label = `connection ${label}`;
    this.#greetingsLeft = dialect.greetings;
    let settle = { resolve: (): void => {}, reject: (_error: Error): void => {} };
    this.opened = new Promise((resolve, reject) => (settle = { resolve, reject }));
    this.#opened = settle;
    this.#socket = connect({
      port,
      host: '127.0.0.1',
      ...(localAddress === undefined ? {} : { localAddress }),
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (size, buffer) => {
          this.#receive((buffer as Buffer).subarray(0, size));
          return true;
        },
      },
    });
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#ended());
    this.#socket.write(
      `GET ${dialect.path(name)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
  }

  /** From now on exactly these messages may come. */
  expect(messages: FrameRing, onMessages: (count: number) => void, onError: (error: Error) => void): void {
    this.#verifier = new Verifier(messages, this.#label, (frame) => this.#isAllowed(frame));
    this.#onMessages = onMessages;
    this.#onError = onError;
    if (this.#failure !== undefined) onError(this.#failure);
  }

  write(frames: Buffer): void {
    this.#socket.write(frames);
  }

  /** Makes the close handshake; resolves when the server has answered it and ended the TCP connection. */
  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#closing = { resolve, reject };
      this.#onError = reject;
      this.#socket.write(closeFrame);
    });
  }

  destroy(): void {
    this.#onError = () => {};
    this.#socket.destroy();
  }

  #receive(bytes: Buffer): void {
    try {
      if (this.#handshake !== undefined) this.#shakeHands(bytes);
      else if (this.#closing !== undefined) this.#awaitClose(bytes);
      else this.#takeMessages(bytes);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #takeMessages(bytes: Buffer): void {
    if (this.#verifier === undefined) {
      // Nothing may come but signs of life.
      for (let frame = readFrame(bytes); frame !== undefined; frame = readFrame(bytes)) {
        if (!this.#isAllowed(frame)) throw new WrongMessage(`${this.#label} received what nobody sent`);
        bytes = bytes.subarray(frame.size);
      }
      return;
    }
    const count = this.#verifier.take(bytes);
    if (count > 0) this.#onMessages(count);
  }

  #isAllowed(frame: Frame): boolean {
    const closed = closeReason(frame);
    if (closed !== undefined) throw new Error(`the server closed ${this.#label}: ${closed}`);
    if (frame.opcode === opcodes.ping) {
      this.#socket.write(clientFrame(opcodes.pong, frame.payload));
      return true;
    }
    const answer = this.#dialect.keepAlive(frame);
    if (answer !== undefined) this.#socket.write(clientFrame(opcodes.text, Buffer.from(answer)));
    return answer !== undefined;
  }

  #shakeHands(bytes: Buffer): void {
    let rest = Buffer.concat([this.#handshake ?? Buffer.alloc(0), bytes]);
    if (this.#greetingsLeft === this.#dialect.greetings && rest.subarray(0, 4).toString() === 'HTTP') {
      const end = rest.indexOf('\r\n\r\n');
      this.#handshake = rest;
      if (end < 0) return;
      const head = rest.subarray(0, end).toString('latin1');
      if (!head.startsWith('HTTP/1.1 101') || !head.includes(accept)) throw new Error(`no upgrade: ${head}`);
      rest = rest.subarray(end + 4);
    }
    while (this.#greetingsLeft > 0) {
      const frame = readFrame(rest);
      this.#handshake = rest;
      if (frame === undefined) return;
      const answer = this.#dialect.greeting(frame.payload.toString());
      if (answer !== undefined) this.#socket.write(clientFrame(opcodes.text, Buffer.from(answer)));
      rest = rest.subarray(frame.size);
      this.#greetingsLeft--;
    }
    this.#handshake = undefined;
    this.#opened.resolve();
    if (rest.length > 0) this.#takeMessages(rest);
  }

  #awaitClose(bytes: Buffer): void {
    let rest = Buffer.concat([this.#tail, bytes]);
    // Something may have been on its way already; the close frame is the last.
    for (let frame = readFrame(rest); frame !== undefined; frame = readFrame(rest)) {
      this.#closeEchoed ||= frame.opcode === opcodes.close;
      rest = rest.subarray(frame.size);
    }
    this.#tail = Buffer.from(rest);
  }

  #ended(): void {
    if (this.#closing === undefined) this.#fail(new Error(`the server ended ${this.#label}`));
    else if (this.#closeEchoed) this.#closing.resolve();
    else this.#closing.reject(new Error(`${this.#label} ended without an answer to its close frame`));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#opened.reject(error);
    this.#onError(error);
    this.#socket.destroy();
  }
}
