/**
 * Pushes by name: finds the owner, hands it what is pushed, and waits for its answer.
 *
 * Owners are remembered, and one that has changed is noticed by its answer. What
 * is pushed to a name while its owner is looked up waits in order, and what the
 * owner of before refused goes to the next one before it.
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

interface Push {
  readonly payload: Uint8Array;
  /** Its place among those to the same name. */
  readonly number: number;
  readonly settle: (outcome: PushOutcome) => void;
  /** Who refused it, the first time. */
  refused?: { readonly by: Owner; readonly how: 'moved' | 'nobody' };
}

/** What is pushed to one name and not answered yet. */
interface Lane {
  pushed: number;
  /** Sent to the owner. */
  flying: number;
  /** Refused by an owner of before. */
  readonly refused: Push[];
  /** Pushed while its owner was looked up. */
  readonly waiting: Push[];
  isLookedUp: boolean;
}

export class Pushes {
  readonly #parts: PushParts;
  readonly #owners = new Map<string, Owner>();
  readonly #lanes = new Map<string, Lane>();
  #bytes = 0;

  constructor(parts: PushParts) {
    this.#parts = parts;
  }

  async push(name: string, payload: Uint8Array): Promise<PushOutcome> {
    const size = payload.byteLength + OVERHEAD;
    if (this.#bytes + size > MAX_WAITING) return 'overloaded';
    this.#bytes += size;
    try {
      return await new Promise<PushOutcome>((settle) => this.#inOrder(name, payload, settle));
    } finally {
      this.#bytes -= size;
    }
  }

  #inOrder(name: string, payload: Uint8Array, settle: Push['settle']): void {
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      lane = { pushed: 0, flying: 0, refused: [], waiting: [], isLookedUp: false };
      this.#lanes.set(name, lane);
    }
    const push: Push = { payload, number: (lane.pushed += 1), settle };
    const owner = this.#owners.get(name);
    const isFirst = !lane.isLookedUp && lane.refused.length === 0;
    if (isFirst && owner !== undefined && this.#parts.isTrusted(owner)) {
      void this.#send(name, lane, owner, push);
      return;
    }
    lane.waiting.push(push);
    this.#goOn(name, lane);
  }

  async #send(name: string, lane: Lane, owner: Owner, push: Push): Promise<void> {
    lane.flying += 1;
    const attempt = await this.#parts.send(name, owner, push.payload);
    lane.flying -= 1;
    const isRefused = attempt === 'moved' || attempt === 'nobody';
    if (isRefused || attempt === 'timeout') this.#forget(name, owner);
    if (!isRefused) push.settle(attempt);
    else if (push.refused !== undefined) push.settle(attempt === 'moved' ? 'unknown' : 'unreachable');
    else {
      // The owner has changed, or was told of what it owns after it was pushed to: once more.
      push.refused = { by: owner, how: attempt };
      lane.refused.push(push);
    }
    this.#goOn(name, lane);
  }

  #goOn(name: string, lane: Lane): void {
    if (lane.isLookedUp) return;
    if (lane.refused.length + lane.waiting.length > 0) {
      // Others that fly are refused as well, and were pushed before what waits.
      if (lane.refused.length === 0 || lane.flying === 0) void this.#lookUp(name, lane);
    } else if (lane.flying === 0) this.#lanes.delete(name);
  }

  /** Then sends all that waits, in one go: what is pushed later comes after it. */
  async #lookUp(name: string, lane: Lane): Promise<void> {
    lane.isLookedUp = true;
    const found = await this.#find(name);
    lane.isLookedUp = false;
    if (lane.refused.length === 0 || lane.flying === 0) {
      const refused = lane.refused.splice(0).toSorted((one, other) => one.number - other.number);
      for (const push of [...refused, ...lane.waiting.splice(0)]) {
        if (typeof found === 'string') push.settle(found);
        else if (push.refused?.how === 'nobody' && push.refused.by.nodeId === found.nodeId) push.settle('unreachable');
        else void this.#send(name, lane, found, push);
      }
    }
    this.#goOn(name, lane);
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
