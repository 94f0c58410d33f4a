import type { Outbox } from '../../src/delivery/outbox.ts';
import type { Socket } from '../../src/transport/contract.ts';

/** A socket whose operating system takes what the test says: the outbox is bookkeeping and needs no network. */
export class FakeSocket implements Socket {
  /** Each call of `write`. */
  readonly writes: Uint8Array[] = [];
  /** What the operating system takes at once; the rest is buffered. */
  takes = Infinity;
  bufferedBytes = 0;
  readonly bytesReceived = 0;

  write(bytes: Uint8Array): void {
    this.writes.push(bytes);
    const taken = Math.min(bytes.length, this.takes);
    this.takes -= taken;
    this.bufferedBytes += bytes.length - taken;
  }

  /** The remote side reads everything. */
  drain(outbox: Outbox): void {
    this.takes = Infinity;
    this.bufferedBytes = 0;
    outbox.drained();
  }

  ping(): void {}
  close(): void {}
  destroy(): void {}
  pause(): void {}
  resume(): void {}
}
