import { Duplex } from 'node:stream';

/**
 * The server's end of a TCP connection, as far as a program sees it: a test feeds it, and sees what is written, when
 * the server ends its half, and when it gives the connection up. Writes may be held back, as by a full network.
 */
export class ScriptedStream extends Duplex {
  /** What the remote side has got. */
  sent: Buffer = Buffer.alloc(0);
  /** The server has ended its half. */
  hasFin = false;
  #isStalled = false;
  #waiting: (() => void) | undefined;

  constructor() {
    super({ allowHalfOpen: true, highWaterMark: 300 });
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    const take = (): void => {
      this.sent = Buffer.concat([this.sent, bytes]);
      done();
    };
    if (this.#isStalled) this.#waiting = take;
    else take();
  }

  override _final(done: () => void): void {
    this.hasFin = true;
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#waiting = undefined;
    done(error);
  }

  /** From now on the remote side takes nothing. */
  stall(): void {
    this.#isStalled = true;
  }

  /** It takes everything again. */
  flow(): void {
    this.#isStalled = false;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }
}
