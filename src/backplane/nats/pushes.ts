/**
 * Pushes by name: finds the owner, hands it what is pushed, and waits for its answer.
 *
 * Owners are remembered, and one that has changed is noticed by its answer. What
 * is pushed to a name while its owner is looked up waits in order.
 */
import type { DirectOutcome, PushOutcome } from '../contract.ts';
import type { Owner } from './directory.ts';

/** What an attempt at one owner came to; `nobody`: its node does not listen. */
export type Attempt = DirectOutcome | 'nobody' | 'timeout' | 'overloaded';

export interface PushParts {
  /** Undefined: nobody owns the name. Rejects when the engine does not say. */
  find(name: string): Promise<Owner | undefined>;
  /** Whether its node was known to live at the last beat, so that it need not be looked up. */
  isTrusted(owner: Owner): boolean;
  /** What is sent is sent within the call. MUST NOT reject. */
  send(name: string, owner: Owner, payload: Uint8Array): Promise<Attempt>;
}

const MAX_REMEMBERED = 10_000;
/** What may wait for owners and answers, in bytes, counting for each push what it takes itself. */
const MAX_WAITING = 16 * 1024 * 1024;
const OVERHEAD = 512;

interface Waiting {
  readonly payload: Uint8Array;
  readonly settle: (outcome: PushOutcome | Promise<PushOutcome>) => void;
}

export class Pushes {
  readonly #parts: PushParts;
  readonly #owners = new Map<string, Owner>();
  readonly #waiting = new Map<string, Waiting[]>();
  #bytes = 0;

  constructor(parts: PushParts) {
    this.#parts = parts;
  }

  async push(name: string, payload: Uint8Array): Promise<PushOutcome> {
    const size = payload.byteLength + OVERHEAD;
    if (this.#bytes + size > MAX_WAITING) return 'overloaded';
    this.#bytes += size;
    try {
      return await this.#inOrder(name, payload);
    } finally {
      this.#bytes -= size;
    }
  }

  #inOrder(name: string, payload: Uint8Array): Promise<PushOutcome> {
    const waiting = this.#waiting.get(name);
    const owner = this.#owners.get(name);
    if (waiting === undefined && owner !== undefined && this.#parts.isTrusted(owner)) {
      return this.#send(name, owner, payload);
    }
    return new Promise((settle) => {
      if (waiting !== undefined) {
        waiting.push({ payload, settle });
        return;
      }
      this.#waiting.set(name, [{ payload, settle }]);
      void this.#lookUp(name);
    });
  }

  /** Then sends all that waits, in one go: what is pushed later comes after it. */
  async #lookUp(name: string): Promise<void> {
    const found = await this.#find(name);
    const waiting = this.#waiting.get(name) ?? [];
    this.#waiting.delete(name);
    for (const { payload, settle } of waiting) {
      settle(typeof found === 'string' ? found : this.#send(name, found, payload));
    }
  }

  async #send(name: string, owner: Owner, payload: Uint8Array): Promise<PushOutcome> {
    const first = await this.#parts.send(name, owner, payload);
    if (first !== 'moved' && first !== 'nobody') {
      if (first === 'timeout') this.#forget(name, owner);
      return first;
    }
    // The owner has changed, or was told of what it owns after it was pushed to: once more.
    this.#forget(name, owner);
    const found = await this.#find(name);
    if (typeof found === 'string') return found;
    if (first === 'nobody' && found.nodeId === owner.nodeId) return 'unreachable';
    const second = await this.#parts.send(name, found, payload);
    if (second === 'nobody') return 'unreachable';
    return second === 'moved' ? 'unknown' : second;
  }

  async #find(name: string): Promise<Owner | 'unknown' | 'down'> {
    try {
      const owner = await this.#parts.find(name);
      if (owner === undefined) {
        this.#owners.delete(name);
        return 'unknown';
      }
      const [oldest] = this.#owners.keys();
      if (this.#owners.size >= MAX_REMEMBERED && oldest !== undefined) this.#owners.delete(oldest);
      this.#owners.set(name, owner);
      return owner;
    } catch {
      return 'down';
    }
  }

  #forget(name: string, owner: Owner): void {
    if (this.#owners.get(name) === owner) this.#owners.delete(name);
  }
}
