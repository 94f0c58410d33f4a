/**
 * When groups were removed: the generation of each, which rises.
 *
 * A removal is written down before it is told, so that nobody hears of one that
 * a later look does not find. What is published to the group meanwhile waits, for
 * it was published after.
 */
import type { Generation } from '../contract.ts';
import type { Bucket } from './bucket.ts';
import type { EngineClock } from './clock.ts';
import { Lanes } from './lanes.ts';
import { encoded } from './subjects.ts';

/** Longer than the day that a removal is remembered at least, in ms. */
export const REMEMBERED_MS = 2 * 24 * 60 * 60 * 1000;

export interface RemovalParts {
  readonly removals: Bucket;
  readonly retired: Bucket;
  readonly clock: EngineClock;
  /** Tells those who subscribe. */
  tell(group: string, removal: Generation): void;
  /** Publishes what was held back. */
  publish(group: string, payload: Uint8Array): void;
}

export class Removals {
  readonly #parts: RemovalParts;
  readonly #lanes = new Lanes<never>();
  /** By group, for each removal that is under way, what was published after it. */
  readonly #held = new Map<string, Uint8Array[][]>();

  constructor(parts: RemovalParts) {
    this.#parts = parts;
  }

  /** Whether nothing at all is held, as nearly always. */
  get isIdle(): boolean {
    return this.#held.size === 0;
  }

  /** Whether `payload` waits for a removal of its group, to be published after it. */
  holds(group: string, payload: Uint8Array): boolean {
    const latest = this.#held.get(group)?.at(-1);
    latest?.push(payload);
    return latest !== undefined;
  }

  remove(group: string, retire: boolean): Promise<number> {
    const held = this.#held.get(group) ?? [];
    this.#held.set(group, held);
    const after: Uint8Array[] = [];
    held.push(after);
    return this.#lanes.run(group, async () => {
      try {
        const removal = await this.#write(group, retire);
        this.#parts.tell(group, removal);
        return removal.generation;
      } finally {
        held.shift();
        if (held.length === 0) this.#held.delete(group);
        for (const payload of after) this.#parts.publish(group, payload);
      }
    });
  }

  async latest(group: string): Promise<Generation> {
    const { generation, isRetired } = await this.#read(group);
    return { generation, retired: isRetired };
  }

  async #write(group: string, retire: boolean): Promise<Generation> {
    const { removals, retired, clock } = this.#parts;
    for (;;) {
      const { generation: previous, revision, isRetired } = await this.#read(group);
      const generation = clock.after(previous);
      const value = Buffer.from(String(generation));
      // First: whoever sees the removal then also sees that the name is retired.
      if (retire) await retired.put(encoded(group), value);
      const written = await removals.replace(encoded(group), value, revision);
      if (written !== undefined) return { generation, retired: retire || isRetired };
    }
  }

  async #read(group: string): Promise<{ generation: number; revision: number; isRetired: boolean }> {
    const key = encoded(group);
    const [removal, retirement] = await Promise.all([this.#parts.removals.read(key), this.#parts.retired.read(key)]);
    return {
      generation: Math.max(numberIn(removal?.value), numberIn(retirement?.value)),
      revision: removal?.revision ?? 0,
      isRetired: retirement !== undefined,
    };
  }
}

function numberIn(value: Uint8Array | undefined): number {
  return value === undefined ? 0 : Number(Buffer.from(value).toString());
}
