/**
 * Which nodes live: each keeps a key that the engine forgets when it is not
 * written again. The engine's clock alone decides.
 */
import type { Bucket } from './bucket.ts';
import type { EngineClock } from './clock.ts';
import { decoded, leaseKey, LEASES } from './subjects.ts';

/** How long a node is held to live after it was heard of, in ms. */
export const LEASE_MS = 6000;

const HELD = Uint8Array.of(1);

export class Leases {
  readonly #bucket: Bucket;
  readonly #clock: EngineClock;
  readonly #nodeId: string;
  readonly #key: string;
  #revision = 0;
  /** As of the last beat, and who was found to live since. */
  #alive = new Set<string>();

  constructor(bucket: Bucket, clock: EngineClock, nodeId: string) {
    this.#bucket = bucket;
    this.#clock = clock;
    this.#nodeId = nodeId;
    this.#key = leaseKey(nodeId);
  }

  /** Whatever an earlier link of this node has left there. */
  async register(): Promise<void> {
    this.#revision = await this.#bucket.put(this.#key, HELD);
    await this.refresh();
  }

  async renew(): Promise<'held' | 'lapsed'> {
    const revision = await this.#bucket.replace(this.#key, HELD, this.#revision);
    this.#revision = revision ?? (await this.#bucket.put(this.#key, HELD));
    return revision === undefined ? 'lapsed' : 'held';
  }

  /** Those who live now. After a write of one's own it also tells the time. */
  async refresh(): Promise<ReadonlySet<string>> {
    const { keys, writtenMs } = await this.#bucket.keys(LEASES);
    this.#clock.observe(writtenMs);
    this.#alive = new Set([...keys.map(decoded), this.#nodeId]);
    // The caller's own: this one grows.
    return new Set(this.#alive);
  }

  /** The other nodes that lived at the last beat. */
  others(): string[] {
    return [...this.#alive].filter((nodeId) => nodeId !== this.#nodeId);
  }

  /** Whether it lived at the last beat. */
  wasAlive(nodeId: string): boolean {
    return this.#alive.has(nodeId);
  }

  async isAlive(nodeId: string): Promise<boolean> {
    if (nodeId === this.#nodeId) return true;
    const isAlive = (await this.#bucket.read(leaseKey(nodeId))) !== undefined;
    if (isAlive) this.#alive.add(nodeId);
    return isAlive;
  }

  async giveUp(): Promise<void> {
    await this.#bucket.erase(this.#revision);
  }
}
