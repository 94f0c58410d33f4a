/**
 * Who owns a name.
 *
 * An owner is replaced by compare-and-set on the revision that was read, so each
 * winner knows the one before it and tells its node. A name that nobody owns has
 * no entry; its last epoch is kept beside it for a few seconds, longer than the
 * clocks of two nodes can be apart (`clock.ts`), so that epochs rise whoever is next.
 */
import type { Binding, Claimed } from '../contract.ts';
import type { Bucket } from './bucket.ts';
import type { EngineClock } from './clock.ts';
import { Lanes } from './lanes.ts';
import { decoded, encoded, epochKey } from './subjects.ts';

export interface Owner {
  readonly nodeId: string;
  readonly connectionId: string;
  readonly epoch: number;
}

/** What the engine says of a name. */
export interface Finding {
  readonly owner: Owner | undefined;
  /** That of the owner, or of the last one as far as that is remembered. */
  readonly epoch: number;
  readonly revision: number;
}

export interface DirectoryParts {
  readonly nodeId: string;
  readonly names: Bucket;
  readonly leases: Bucket;
  readonly clock: EngineClock;
  /** Tells the node of `owner` what it lost. */
  tell(name: string, owner: Owner, why: 'replaced' | 'removed'): void;
}

/** After how many others that were first to give up: they all got what they wanted, so something else is wrong. */
const MAX_ATTEMPTS = 1000;

export class Directory {
  readonly #parts: DirectoryParts;
  readonly #lanes = new Lanes<Finding>();
  /** What this link has made its node own, and in which revision. */
  readonly #own = new Map<string, { readonly connectionId: string; readonly revision: number }>();

  constructor(parts: DirectoryParts) {
    this.#parts = parts;
  }

  async find(name: string): Promise<Finding> {
    const entry = await this.#parts.names.read(encoded(name));
    if (entry !== undefined) return recordOf(entry.value, entry.revision);
    return { owner: undefined, epoch: 0, revision: 0 };
  }

  claim(name: string, connectionId: string): Promise<Claimed> {
    return this.#change(name, async (known, write) => {
      const owner = { nodeId: this.#parts.nodeId, connectionId, epoch: this.#parts.clock.after(known.epoch) };
      if (!(await write(owner))) return undefined;
      const { owner: previous } = known;
      if (previous === undefined) return { epoch: owner.epoch };
      if (previous.nodeId !== this.#parts.nodeId) this.#parts.tell(name, previous, 'replaced');
      return { epoch: owner.epoch, previous: { nodeId: previous.nodeId, connectionId: previous.connectionId } };
    });
  }

  release(name: string, connectionId: string): Promise<boolean> {
    return this.#change(name, async ({ owner }, write) => {
      if (owner?.nodeId === this.#parts.nodeId && owner.connectionId === connectionId) {
        return (await write(undefined)) ? true : undefined;
      }
      // A claim of before that was given up with its link may be on its way still: no revision that it knows may stay.
      if (owner !== undefined && !(await write(owner))) return undefined;
      return false;
    });
  }

  remove(name: string): Promise<boolean> {
    return this.#change(name, async ({ owner }, write) => {
      if (owner === undefined) return false;
      if (!(await write(undefined))) return undefined;
      this.#parts.tell(name, owner, 'removed');
      return true;
    });
  }

  restore({ name, connectionId, epoch }: Binding): Promise<number | 'fenced'> {
    const { nodeId } = this.#parts;
    return this.#change(name, async (known, write) => {
      const { owner } = known;
      if (owner !== undefined && owner.nodeId !== nodeId && owner.epoch >= epoch) return 'fenced';
      const next = { nodeId, connectionId, epoch: restoredEpoch(known, nodeId, epoch) };
      const isAsItWas = owner?.connectionId === connectionId && owner.epoch === next.epoch;
      // An entry of before this link, or of before its lease lapsed, may be swept at this moment: it is written anew.
      if (isAsItWas && owner.nodeId === nodeId && this.#own.get(name)?.revision === known.revision) return next.epoch;
      if (!(await write(next))) return undefined;
      if (owner !== undefined && owner.nodeId !== nodeId) this.#parts.tell(name, owner, 'replaced');
      return next.epoch;
    });
  }

  /** Takes a name from a node that died, if that is still what the engine says. */
  async forget(name: string, { owner, revision }: Finding): Promise<void> {
    if (owner !== undefined) await this.#erase(name, owner.epoch, revision);
  }

  /** Forgets the names of nodes for which `isAlive` says no. */
  async sweep(isAlive: (nodeId: string) => Promise<boolean>): Promise<void> {
    const alive = new Set<string>();
    for await (const entry of this.#parts.names.entries()) {
      const record = recordOf(entry.value, entry.revision);
      if (record.owner === undefined) continue;
      const { nodeId } = record.owner;
      if (alive.has(nodeId)) continue;
      // Asked after each entry was read: a node that is back meanwhile has written its names anew, or new ones.
      if (await isAlive(nodeId)) alive.add(nodeId);
      else await this.forget(decoded(entry.key), record);
    }
  }

  /** Others may have taken everything away. */
  lapse(): void {
    this.#own.clear();
  }

  /** This node lost the name to another. */
  lost(name: string, connectionId: string): void {
    if (this.#own.get(name)?.connectionId === connectionId) this.#own.delete(name);
  }

  async leave(): Promise<void> {
    await Promise.allSettled([...this.#own].map(([name, { connectionId }]) => this.release(name, connectionId)));
  }

  /**
   * Runs `step` on what the engine says of the name, again when somebody else was first: it answers undefined when `write`
   * did not succeed.
   */
  #change<T>(
    name: string,
    step: (known: Finding, write: (owner: Owner | undefined) => Promise<boolean>) => Promise<T | undefined>,
  ): Promise<T> {
    return this.#lanes.run(name, async (lane) => {
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
        const { memo } = lane;
        lane.memo = undefined;
        const known = memo ?? (await this.#read(name));
        let hasWritten = false;
        const result = await step(known, async (owner) => {
          hasWritten = true;
          lane.memo = await this.#write(name, known, owner);
          return lane.memo !== undefined;
        });
        // What was true a moment ago is enough to write upon, which fails when it is not true any more, but not to answer.
        if (result !== undefined && (hasWritten || memo === undefined)) return result;
        if (attempt > 2) await pause(attempt);
      }
      throw new Error('the directory of names does not settle');
    });
  }

  async #read(name: string): Promise<Finding> {
    const found = await this.find(name);
    if (found.owner !== undefined) return found;
    // After the name itself: whoever takes one away has noted its epoch before.
    const last = await this.#parts.leases.read(epochKey(name));
    return last === undefined ? found : { ...found, epoch: Number(Buffer.from(last.value).toString()) };
  }

  /** What the engine says then; undefined if somebody else was first. */
  async #write(name: string, known: Finding, owner: Owner | undefined): Promise<Finding | undefined> {
    if (owner === undefined) {
      if (!(await this.#erase(name, known.epoch, known.revision))) return undefined;
      this.#own.delete(name);
      return { owner: undefined, epoch: known.epoch, revision: 0 };
    }
    const revision = await this.#put(name, owner, known.revision);
    if (revision === undefined) return undefined;
    if (owner.nodeId === this.#parts.nodeId) this.#own.set(name, { connectionId: owner.connectionId, revision });
    return { owner, epoch: owner.epoch, revision };
  }

  async #put(name: string, owner: Owner, known: number): Promise<number | undefined> {
    const value = Buffer.from(JSON.stringify({ n: owner.nodeId, c: owner.connectionId, e: owner.epoch }));
    try {
      return await this.#parts.names.replace(encoded(name), value, known);
    } catch (error) {
      // Without an answer it may have been written all the same.
      const now = await this.find(name);
      if (now.owner?.nodeId === owner.nodeId && now.owner.epoch === owner.epoch) return now.revision;
      throw error;
    }
  }

  async #erase(name: string, epoch: number, revision: number): Promise<boolean> {
    await this.#parts.leases.put(epochKey(name), Buffer.from(String(epoch)));
    return this.#parts.names.erase(revision);
  }
}

/** Not less than what others have seen of the name. */
function restoredEpoch({ owner, epoch }: Finding, nodeId: string, mine: number): number {
  if (owner === undefined) return epoch > mine ? epoch + 1 : mine;
  return owner.nodeId === nodeId ? Math.max(epoch, mine) : mine;
}

function recordOf(value: Uint8Array, revision: number): Finding {
  const { n, c, e } = JSON.parse(Buffer.from(value).toString()) as { n: string; c: string; e: number };
  return { owner: { nodeId: n, connectionId: c, epoch: e }, epoch: e, revision };
}

/** Longer and longer, and for each of those who compete another time. */
function pause(attempt: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(attempt, 20)));
}
