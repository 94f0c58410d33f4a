/**
 * What this node wants to hear: the topics that have members here.
 *
 * A topic is subscribed to when its first member comes, and left a while after
 * the last one went, so that coming and going costs the engine nothing. What is
 * wanted while there is no link is subscribed to by the repair of the next one.
 *
 * Of a group it also keeps when it was removed last, as far as this node knows:
 * a later removal that was missed shows in the comparison.
 */
import type { BackplaneLink, Generation, Topic } from '../../backplane/contract.ts';
import type { Clock } from '../clock.ts';

/** How long a topic without members is still listened to, in ms. */
const LINGER_MS = 1000;
/** How many topics are subscribed to, or compared, at once. */
const BATCH = 500;

/** `accepted`: the other nodes' messages come as soon as there is a link again. */
export type Joined = 'ok' | 'retired' | 'accepted';

interface Wanted {
  readonly topic: Topic;
  /** The link that was asked for it last; undefined: none yet. */
  link: BackplaneLink | undefined;
  /** That one did not take it. */
  isRefused: boolean;
  pending: Promise<Joined> | undefined;
  /** When it was removed last; undefined: nobody was asked yet, so its members came after whatever there was. */
  generation: number | undefined;
  /** Runs while nobody is left. */
  linger: unknown;
}

export interface InterestSetting {
  readonly clock: Clock;
  /** The link in use. */
  link(): BackplaneLink | undefined;
  /** A group turns out to have been removed. */
  removed(group: string, removal: Generation): void;
}

export class Interest {
  readonly #setting: InterestSetting;
  readonly #wanted = new Map<Topic, Wanted>();
  /** Left while a link was repaired, which may have them. */
  readonly #left = new Set<Topic>();

  constructor(setting: InterestSetting) {
    this.#setting = setting;
  }

  /** The first member of `topic` is here, or another one. Undefined: it is heard already. Never rejects. */
  join(topic: Topic): Promise<Joined> | undefined {
    let wanted = this.#wanted.get(topic);
    if (wanted === undefined) {
      const unasked = { link: undefined, isRefused: false, pending: undefined, generation: undefined };
      wanted = { topic, ...unasked, linger: undefined };
      this.#wanted.set(topic, wanted);
    }
    this.#stay(wanted);
    const link = this.#setting.link();
    if (link === undefined) return Promise.resolve('accepted');
    if (wanted.link === link && !wanted.isRefused) return wanted.pending;
    wanted.link = link;
    wanted.isRefused = false;
    const pending = this.#subscribe(wanted, link).finally(() => {
      if (wanted.pending === pending) wanted.pending = undefined;
    });
    wanted.pending = pending;
    return pending;
  }

  /** The last member of `topic` has gone. */
  leave(topic: Topic): void {
    const wanted = this.#wanted.get(topic);
    if (wanted === undefined || wanted.linger !== undefined) return;
    wanted.linger = this.#setting.clock.setTimeout(() => {
      this.#wanted.delete(topic);
      if (wanted.link === undefined) return;
      if (wanted.link === this.#setting.link()) wanted.link.unsubscribe([topic]);
      else this.#left.add(topic);
    }, LINGER_MS);
  }

  /** Whether `removal` is news; it is known from now on. */
  learn(group: string, { generation }: Generation): boolean {
    const wanted = this.#wanted.get(`g:${group}`);
    if (wanted === undefined) return true;
    if (wanted.generation !== undefined && wanted.generation >= generation) return false;
    wanted.generation = generation;
    return true;
  }

  /** It was removed here, and whether everywhere is not known: who is a member now came later. */
  unlearn(group: string): void {
    const wanted = this.#wanted.get(`g:${group}`);
    if (wanted !== undefined) wanted.generation = undefined;
  }

  /** What came and went while `link` was repaired, and what it refused. */
  resume(link: BackplaneLink): void {
    const left = [...this.#left].filter((topic) => !this.#wanted.has(topic));
    this.#left.clear();
    if (left.length > 0) link.unsubscribe(left);
    for (const { topic, link: used, isRefused, linger } of this.#wanted.values())
      if ((used !== link || isRefused) && linger === undefined) void this.join(topic);
  }

  /** Subscribes to all that is wanted, and looks which groups were removed. Rejects when the link does. */
  async repair(link: BackplaneLink): Promise<number> {
    const all = [...this.#wanted.values()];
    this.#left.clear();
    for (const some of batchesOf(all)) {
      // Some may have been left while others were subscribed to.
      const wanted = some.filter((one) => this.#wanted.get(one.topic) === one);
      for (const one of wanted) {
        one.link = link;
        one.isRefused = false;
      }
      if (wanted.length > 0) await link.subscribe(wanted.map(({ topic }) => topic));
    }
    let removed = 0;
    const groups = all.filter(({ topic }) => topic.startsWith('g:'));
    for (const some of batchesOf(groups)) {
      const names = some.map(({ topic }) => topic.slice(2));
      for (const [at, removal] of (await link.generations(names)).entries()) {
        const group = names[at]!;
        const isFirst = some[at]!.generation === undefined;
        const isMissed = this.learn(group, removal) && !isFirst;
        if (!isMissed && !removal.retired) continue;
        removed++;
        this.#setting.removed(group, removal);
      }
    }
    return removed;
  }

  /** Nothing is wanted any more. */
  clear(): void {
    for (const wanted of this.#wanted.values()) this.#stay(wanted);
    this.#wanted.clear();
    this.#left.clear();
  }

  #stay(wanted: Wanted): void {
    if (wanted.linger === undefined) return;
    this.#setting.clock.clearTimeout(wanted.linger);
    wanted.linger = undefined;
  }

  async #subscribe(wanted: Wanted, link: BackplaneLink): Promise<Joined> {
    const { topic } = wanted;
    try {
      await link.subscribe([topic]);
      if (!topic.startsWith('g:')) return 'ok';
      // Asked when removals are heard already: one that is neither in the answer nor heard was before the first member.
      const [removal] = await link.generations([topic.slice(2)]);
      if (removal === undefined) return 'ok';
      wanted.generation = Math.max(wanted.generation ?? 0, removal.generation);
      if (!removal.retired) return 'ok';
      this.#setting.removed(topic.slice(2), removal);
      return 'retired';
    } catch {
      // The link is lost, and the next one is asked; or it is asked once more at the next audit.
      if (wanted.link === link) wanted.isRefused = true;
      return 'accepted';
    }
  }
}

/** `all` in parts that an engine takes at once. */
export function* batchesOf<Item>(all: readonly Item[]): Iterable<readonly Item[]> {
  for (let from = 0; from < all.length; from += BATCH) yield all.slice(from, from + BATCH);
}
