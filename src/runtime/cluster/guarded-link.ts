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

export class GuardedLink implements BackplaneLink {
  readonly #link: BackplaneLink;
  readonly #failed: (error: unknown) => void;
  /** How many questions of a repair were answered: whether it goes on. */
  answers = 0;

  constructor(link: BackplaneLink, failed: (error: unknown) => void) {
    this.#link = link;
    this.#failed = failed;
  }

  // Asynchronous, so that what is thrown at the call is a rejection as well.

  async beat(): Promise<'held' | 'lapsed'> {
    return this.#link.beat();
  }

  async nodes(): Promise<readonly string[]> {
    return this.#link.nodes();
  }

  async subscribe(topics: readonly Topic[]): Promise<void> {
    await this.#link.subscribe(topics);
    this.answers++;
  }

  async claim(name: string, connectionId: string): Promise<Claimed> {
    return this.#link.claim(name, connectionId);
  }

  async release(name: string, connectionId: string): Promise<boolean> {
    const wasReleased = await this.#link.release(name, connectionId);
    this.answers++;
    return wasReleased;
  }

  async remove(name: string): Promise<boolean> {
    return this.#link.remove(name);
  }

  async restore(bindings: readonly Binding[]): Promise<readonly (number | 'fenced')[]> {
    const restored = await this.#link.restore(bindings);
    this.answers++;
    return restored;
  }

  async push(name: string, payload: Uint8Array): Promise<PushOutcome> {
    try {
      return await this.#link.push(name, payload);
    } catch (error) {
      this.#failed(error);
      return 'timeout';
    }
  }

  async removeGroup(group: string, retire: boolean): Promise<number> {
    return this.#link.removeGroup(group, retire);
  }

  async generations(groups: readonly string[]): Promise<readonly Generation[]> {
    const generations = await this.#link.generations(groups);
    this.answers++;
    return generations;
  }

  async leave(): Promise<void> {
    await this.#link.leave();
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
