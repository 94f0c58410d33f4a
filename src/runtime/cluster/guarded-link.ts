/** A link of whoever's making, held to what the runtime relies on: nothing that it throws or rejects gets past here. */
import type {
  BackplaneLink,
  BackplaneSink,
  Binding,
  Claimed,
  Generation,
  PublishOutcome,
  PushOutcome,
  Topic,
} from '../../backplane/contract.ts';

const ENDED = new Error('The link to the backplane has ended.');

export class GuardedLink implements BackplaneLink {
  readonly #link: BackplaneLink;
  readonly #failed: (error: unknown) => void;
  /** How many questions of a repair were answered: whether it goes on. */
  answers = 0;
  /** Ends what was asked and is not answered. */
  readonly #open = new Set<() => void>();

  constructor(link: BackplaneLink, failed: (error: unknown) => void) {
    this.#link = link;
    this.#failed = failed;
  }

  beat(): Promise<'held' | 'lapsed'> {
    return this.#held(() => this.#link.beat());
  }

  nodes(): Promise<readonly string[]> {
    return this.#held(() => this.#link.nodes());
  }

  subscribe(topics: readonly Topic[]): Promise<void> {
    return this.#counted(() => this.#link.subscribe(topics));
  }

  claim(name: string, connectionId: string): Promise<Claimed> {
    return this.#held(() => this.#link.claim(name, connectionId));
  }

  release(name: string, connectionId: string): Promise<boolean> {
    return this.#counted(() => this.#link.release(name, connectionId));
  }

  remove(name: string): Promise<boolean> {
    return this.#held(() => this.#link.remove(name));
  }

  restore(bindings: readonly Binding[]): Promise<readonly (number | 'fenced')[]> {
    return this.#counted(() => this.#link.restore(bindings));
  }

  async push(name: string, payload: Uint8Array): Promise<PushOutcome> {
    try {
      return await this.#held(() => this.#link.push(name, payload));
    } catch (error) {
      if (error !== ENDED) this.#failed(error);
      return 'timeout';
    }
  }

  removeGroup(group: string, retire: boolean): Promise<number> {
    return this.#held(() => this.#link.removeGroup(group, retire));
  }

  generations(groups: readonly string[]): Promise<readonly Generation[]> {
    return this.#counted(() => this.#link.generations(groups));
  }

  leave(): Promise<void> {
    return this.#held(() => this.#link.leave());
  }

  publish(topic: Topic, payload: Uint8Array): PublishOutcome {
    try {
      return this.#link.publish(topic, payload);
    } catch (error) {
      this.#failed(error);
      return 'down';
    }
  }

  unsubscribe(topics: readonly Topic[]): void {
    try {
      this.#link.unsubscribe(topics);
    } catch (error) {
      this.#failed(error);
    }
  }

  disconnect(): void {
    try {
      this.#link.disconnect();
    } catch (error) {
      this.#failed(error);
    }
    for (const end of this.#open) end();
    this.#open.clear();
  }

  /** What `ask` settles with, and a rejection if the link ends first; what is thrown at the call is one as well. */
  #held<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const end = (): void => reject(ENDED);
      ask()
        .then(resolve, reject)
        .finally(() => this.#open.delete(end));
      this.#open.add(end);
    });
  }

  async #counted<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    const answer = await this.#held(ask);
    this.answers++;
    return answer;
  }
}

/** What a link may tell its node: only while it is the one in use, and without harm to it. */
export function guardedSink(
  sink: BackplaneSink,
  isInUse: () => boolean,
  failed: (error: unknown) => void,
): BackplaneSink {
  const attempt = (tell: () => void): void => {
    if (!isInUse()) return;
    try {
      tell();
    } catch (error) {
      failed(error);
    }
  };
  return {
    message: (topic, payload) => attempt(() => sink.message(topic, payload)),
    nameLost: (name, connectionId, epoch, why) => attempt(() => sink.nameLost(name, connectionId, epoch, why)),
    groupRemoved: (group, removal) => attempt(() => sink.groupRemoved(group, removal)),
    lost: (cause) => sink.lost(cause),
    direct(name, connectionId, payload) {
      if (!isInUse()) return 'moved';
      try {
        return sink.direct(name, connectionId, payload);
      } catch (error) {
        failed(error);
        return 'closed';
      }
    },
  };
}
