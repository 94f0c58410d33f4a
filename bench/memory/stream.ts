/**
 * A stream as a server is given it with an upgrade, whose other end is a client
 * in the same process: everything above the kernel runs as it does on a socket.
 */
import { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { FarEnd } from '../crowd/link.ts';
import { upgradeHeaders } from '../crowd/wire.ts';

export class MemoryStream extends Duplex {
  readonly remoteAddress = '127.0.0.1';
  readonly #farEnd: FarEnd;
  #hasEnded = false;
  #isStalled = false;
  #held: (() => void) | undefined;

  constructor(farEnd: FarEnd) {
    super();
    this.#farEnd = farEnd;
  }

  /** Bytes from the client. They wait here when the server does not read: no backpressure. */
  deliver(bytes: Uint8Array): void {
    // A copy, as a kernel makes one: a server unmasks what it is given in place.
    this.push(Buffer.from(bytes));
  }

  /** The client ends its side. */
  deliverEnd(): void {
    this.push(null);
  }

  override _read(): void {
    // What there is was pushed already.
  }

  /** The client reads no more, until `resumeFarEnd`: what is written waits on the server's side. */
  stallFarEnd(): void {
    this.#isStalled = true;
  }

  resumeFarEnd(): void {
    this.#isStalled = false;
    const handOver = this.#held;
    this.#held = undefined;
    handOver?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#handOver([{ chunk }], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.#handOver(chunks, done);
  }

  override _final(done: () => void): void {
    this.#end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#end();
    done(error);
  }

  #handOver(chunks: readonly { chunk: Buffer }[], done: () => void): void {
    if (this.#isStalled) {
      this.#held = () => this.#handOver(chunks, done);
      return;
    }
    for (const { chunk } of chunks) this.#farEnd.onBytes(chunk);
    done();
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#farEnd.onEnd();
  }
}

/** The request that `node:http` would have parsed for this upgrade. */
export function upgradeRequest(stream: MemoryStream, path: string): IncomingMessage {
  // A socket is all that its type asks for; what is read of it is the remote address.
  const request = new IncomingMessage(stream as Duplex as Socket);
  return Object.assign(request, {
    method: 'GET',
    url: path,
    httpVersion: '1.1',
    httpVersionMajor: 1,
    httpVersionMinor: 1,
    headers: upgradeHeaders,
  });
}
