/**
 * What an engine knows: leases, owners of names, removals of groups. Nothing in it takes time or sends anything.
 *
 * It answers in the order in which it is asked. Whom to tell of what it did is in its answers.
 */
import type { Binding, Claimed, Generation } from './contract.ts';

/** A removal is forgotten after a day, unless the name was retired. */
const REMEMBERED_MS = 86_400_000;

export interface Owner {
  readonly nodeId: string;
  readonly connectionId: string;
  readonly epoch: number;
}

/** What became of a restored binding; `displaced` is who has to be told that it is not the owner any more. */
export interface Restored {
  readonly epoch: number | 'fenced';
  readonly displaced?: Owner;
}

export class MemoryDirectory {
  readonly #now: () => number;
  readonly #leaseMs: number;
  /** When the lease of each node ends. */
  readonly #leases = new Map<string, number>();
  readonly #owners = new Map<string, Owner>();
  readonly #removals = new Map<string, Generation & { readonly atMs: number }>();
  /** It survives `forget`: the time of an engine that begins anew has gone on as well. */
  #lastStamp = 0;

  constructor(now: () => number, leaseMs: number) {
    this.#now = now;
    this.#leaseMs = leaseMs;
  }

  forget(): void {
    this.#leases.clear();
    this.#owners.clear();
    this.#removals.clear();
  }

  /** Takes the lease of a node, or renews it; says whether it was held. */
  renew(nodeId: string): boolean {
    this.#sweep();
    const wasHeld = this.#leases.has(nodeId);
    this.#leases.set(nodeId, this.#now() + this.#leaseMs);
    return wasHeld;
  }

  /** The lease ends now, as if the node had not been heard of for too long. */
  lapse(nodeId: string): void {
    if (this.#leases.has(nodeId)) this.#leases.set(nodeId, Number.NEGATIVE_INFINITY);
  }

  giveUp(nodeId: string): void {
    this.lapse(nodeId);
    this.#sweep();
  }

  nodes(): string[] {
    this.#sweep();
    return [...this.#leases.keys()];
  }

  ownerOf(name: string): Owner | undefined {
    this.#sweep();
    const owner = this.#owners.get(name);
    // Claimed between the end of its lease and the beat that finds out.
    return owner !== undefined && this.#leases.has(owner.nodeId) ? owner : undefined;
  }

  claim(name: string, nodeId: string, connectionId: string): Claimed & { readonly displaced?: Owner } {
    const displaced = this.ownerOf(name);
    const epoch = this.#stamp(displaced?.epoch);
    this.#owners.set(name, { nodeId, connectionId, epoch });
    if (displaced === undefined) return { epoch };
    return { epoch, previous: { nodeId: displaced.nodeId, connectionId: displaced.connectionId }, displaced };
  }

  release(name: string, nodeId: string, connectionId: string): boolean {
    const owner = this.ownerOf(name);
    if (owner?.nodeId !== nodeId || owner.connectionId !== connectionId) return false;
    return this.#owners.delete(name);
  }

  remove(name: string): Owner | undefined {
    const owner = this.ownerOf(name);
    this.#owners.delete(name);
    return owner;
  }

  restore({ name, connectionId, epoch }: Binding, nodeId: string): Restored {
    const owner = this.ownerOf(name);
    if (owner !== undefined && owner.nodeId !== nodeId && owner.epoch >= epoch) return { epoch: 'fenced' };
    // Its own may be the later one: a claim whose answer was lost.
    const inForce = owner?.nodeId === nodeId ? Math.max(owner.epoch, epoch) : epoch;
    this.#owners.set(name, { nodeId, connectionId, epoch: inForce });
    this.#lastStamp = Math.max(this.#lastStamp, inForce);
    return owner === undefined || owner.nodeId === nodeId ? { epoch: inForce } : { epoch: inForce, displaced: owner };
  }

  removeGroup(group: string, retire: boolean): Generation {
    const before = this.generationOf(group);
    const removal = { generation: this.#stamp(before.generation), retired: retire || before.retired };
    this.#removals.set(group, { ...removal, atMs: this.#now() });
    return removal;
  }

  generationOf(group: string): Generation {
    const removal = this.#removals.get(group);
    if (removal === undefined) return { generation: 0, retired: false };
    const { generation, retired, atMs } = removal;
    if (retired || this.#now() - atMs <= REMEMBERED_MS) return { generation, retired };
    this.#removals.delete(group);
    return { generation: 0, retired: false };
  }

  /** The time in µs; greater than `previous` and than whatever was answered before, also within one millisecond. */
  #stamp(previous = 0): number {
    this.#lastStamp = Math.max(Math.floor(this.#now() * 1_000), previous + 1, this.#lastStamp + 1);
    return this.#lastStamp;
  }

  /** Dead nodes are forgotten with their names, whoever asks for whatever: nobody sees what is over. */
  #sweep(): void {
    for (const [nodeId, endsAt] of this.#leases) {
      if (endsAt > this.#now()) continue;
      this.#leases.delete(nodeId);
      for (const [name, owner] of this.#owners) if (owner.nodeId === nodeId) this.#owners.delete(name);
    }
  }
}
