/** Senders and receivers: what one client sends to its node reaches one client of the other node. */
import type { ServerName } from '../contract.ts';
import { dialectOf } from '../generator/dialect.ts';
import type { RawConnection } from '../generator/raw-connection.ts';
import { FrameRing, messagesInRing } from '../generator/sequence.ts';
import { nameOf, textOf } from '../payload.ts';

export class Pairs {
  readonly #senders: readonly RawConnection[];
  readonly #outgoing: readonly FrameRing[];
  /** When the n-th message of each sender was sent, and how many have arrived. */
  readonly #sentAt: number[][];
  readonly #arrived: number[];
  #latenciesMs: number[] = [];
  /** Each pair keeps so many messages on their way; 0: somebody else sends. */
  #window = 0;
  #missing = 0;
  #left = 0;
  #finish = { resolve: (): void => {}, reject: (_error: Error): void => {} };

  constructor(
    server: ServerName,
    senders: readonly RawConnection[],
    receivers: readonly RawConnection[],
    bytes: number,
  ) {
    const { wrap } = dialectOf(server);
    const texts = senders.map((_, index) =>
      Array.from({ length: messagesInRing }, (__, sequence) => wrap(textOf(sequence, bytes, nameOf(index)))),
    );
    this.#senders = senders;
    this.#outgoing = texts.map((of) => FrameRing.fromClient(of));
    this.#sentAt = texts.map(() => []);
    this.#arrived = texts.map(() => 0);
    for (const [index, receiver] of receivers.entries()) {
      receiver.expect(
        FrameRing.fromServer(texts[index] ?? []),
        (count) => this.#onMessages(index, count),
        (error) => this.#finish.reject(error),
      );
    }
    for (const sender of senders) {
      // Nobody answers them.
      sender.expect(
        FrameRing.fromServer(['-']),
        () => this.#finish.reject(new Error('a sender received something')),
        (error) => this.#finish.reject(error),
      );
    }
  }

  /** Sends `count` messages, so many of each sender at a time; resolves when all have arrived. */
  saturate(count: number, window: number): Promise<void> {
    const all = this.#await(count);
    this.#window = window;
    this.#left = count;
    for (let nth = 0; nth < window; nth++) {
      for (let index = 0; index < this.#senders.length; index++) this.#sendNext(index);
    }
    return all.finally(() => (this.#window = 0));
  }

  /** Sends `count` messages, `perMs` a millisecond. @returns how long each took, in ms */
  async pace(count: number, perMs: number): Promise<readonly number[]> {
    this.#latenciesMs = [];
    const all = this.#await(count);
    this.#left = count;
    const start = performance.now();
    const ticking = setInterval(() => {
      const due = Math.min(count, Math.floor((performance.now() - start) * perMs));
      for (let sent = count - this.#left; sent < due; sent++) this.#sendNext(sent % this.#senders.length);
      if (this.#left === 0) clearInterval(ticking);
    }, 1);
    try {
      await all;
    } finally {
      clearInterval(ticking);
    }
    return this.#latenciesMs;
  }

  #await(count: number): Promise<void> {
    this.#missing = count;
    return new Promise((resolve, reject) => (this.#finish = { resolve, reject }));
  }

  #sendNext(index: number): void {
    if (this.#left === 0) return;
    this.#left--;
    const sent = this.#sentAt[index]!;
    this.#senders[index]!.write(this.#outgoing[index]!.frames(sent.length, 1));
    sent.push(performance.now());
  }

  #onMessages(index: number, count: number): void {
    const now = performance.now();
    for (let nth = 0; nth < count; nth++) {
      const sentAt = this.#sentAt[index]![this.#arrived[index]!++];
      if (sentAt === undefined) return this.#finish.reject(new Error('a message came that was not sent'));
      this.#latenciesMs.push(now - sentAt);
    }
    this.#missing -= count;
    if (this.#missing === 0) return this.#finish.resolve();
    if (this.#window > 0) for (let nth = 0; nth < count; nth++) this.#sendNext(index);
  }
}
