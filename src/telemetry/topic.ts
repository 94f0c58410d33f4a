/** Who hears of one kind of fact. */
import { channel } from 'node:diagnostics_channel';
import type { TroupeEventListener, TroupeEventName } from './facts.ts';

type Listener<Name extends TroupeEventName> = TroupeEventListener<Name>;

export class Topic<Name extends TroupeEventName> {
  /** Held for good: Node forgets a channel that nobody holds, and who subscribed to it. */
  readonly channel;
  /** Replaced at each change: a fact goes to those who listened when it happened. */
  listeners: readonly Listener<Name>[] = [];
  /** Hear of it without being listeners: failures that only they hear of become warnings all the same. */
  eavesdroppers: readonly Listener<Name>[] = [];
  readonly #isAlwaysHeard: boolean;
  #isHeardHere: boolean;

  constructor(name: Name, isAlwaysHeard: boolean) {
    this.channel = channel(`troupe:${name}`);
    this.#isAlwaysHeard = isAlwaysHeard;
    this.#isHeardHere = isAlwaysHeard;
  }

  /** Whether anybody would hear of it. */
  get isHeard(): boolean {
    return this.#isHeardHere || this.channel.hasSubscribers;
  }

  listen(listener: Listener<Name>): () => void {
    this.listeners = [...this.listeners, listener];
    this.#count();
    return () => {
      this.listeners = this.listeners.filter((other) => other !== listener);
      this.#count();
    };
  }

  overhear(listener: Listener<Name>): () => void {
    this.eavesdroppers = [...this.eavesdroppers, listener];
    this.#count();
    return () => {
      this.eavesdroppers = this.eavesdroppers.filter((other) => other !== listener);
      this.#count();
    };
  }

  #count(): void {
    this.#isHeardHere = this.#isAlwaysHeard || this.listeners.length + this.eavesdroppers.length > 0;
  }
}
