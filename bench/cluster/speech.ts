/** What one node says to an audience that sits on several: the next messages when the last have arrived everywhere. */
import type { ServerName } from '../contract.ts';
import { within } from '../deadline.ts';
import { dialectOf } from '../generator/dialect.ts';
import type { RawConnection } from '../generator/raw-connection.ts';
import { FrameRing, messagesInRing } from '../generator/sequence.ts';
import { nameOf, textOf } from '../payload.ts';
import { Audience } from '../workloads/broadcast.ts';
import type { Node } from './nodes.ts';

const bytes = 128;
const patienceMs = 30_000;

function ring(server: ServerName, tag = ''): FrameRing {
  const { wrap } = dialectOf(server);
  return FrameRing.fromServer(
    Array.from({ length: messagesInRing }, (_, sequence) => wrap(textOf(sequence, bytes, tag))),
  );
}

/** To the group. */
export class Speech {
  readonly #speaker: Node;
  readonly #audience: Audience;
  readonly #listeners: number;
  #next = 0;

  constructor(speaker: Node, listeners: readonly RawConnection[]) {
    this.#speaker = speaker;
    const same = ring(speaker.server);
    this.#audience = new Audience(listeners, () => same);
    this.#listeners = listeners.length;
  }

  /** Says `count` things, each in a turn of its own, `underWay` of them before all have arrived. @returns deliveries */
  async say(count: number, underWay: number): Promise<number> {
    for (let said = 0; said < count; said += underWay) {
      const ticks = Math.min(underWay, count - said);
      const arrived = this.#audience.receives(ticks * this.#listeners);
      // The text tells where in the ring it is.
      const from = this.#next % messagesInRing;
      this.#next += ticks;
      const order = { from, ticks, together: 1, bytes };
      await within(
        patienceMs,
        `message ${this.#next} everywhere`,
        both(this.#speaker.process.ask('send', order), arrived),
      );
    }
    return count * this.#listeners;
  }
}

/** To each of the names `n0`, `n1` and so on. */
export class Calls {
  readonly #speaker: Node;
  readonly #audience: Audience;
  readonly #names: number;
  #next = 0;

  constructor(speaker: Node, named: readonly RawConnection[]) {
    this.#speaker = speaker;
    this.#audience = new Audience(named, (index) => ring(speaker.server, nameOf(index)));
    this.#names = named.length;
  }

  /** One text to each, `count` times over; the next when the last ones have arrived. @returns deliveries */
  async call(count: number): Promise<number> {
    for (let nth = 0; nth < count; nth++) {
      const arrived = this.#audience.receives(this.#names);
      const order = { sequence: this.#next++ % messagesInRing, first: 0, names: this.#names, bytes };
      await within(patienceMs, 'all calls', both(this.#speaker.process.ask('sendToEach', order), arrived));
    }
    return count * this.#names;
  }
}

async function both(one: Promise<unknown>, other: Promise<unknown>): Promise<void> {
  await Promise.all([one, other]);
}
