/** The middle of a memory engine: its links, what passes between them, and what is wrong with it at the moment. */
import type { BackplaneSink, DirectOutcome, Generation, PushOutcome, Topic } from './contract.ts';
import type { MemoryDirectory, Owner } from './memory-directory.ts';
import { MemoryLink } from './memory-link.ts';

/** What a node was sent by the engine, answers aside. */
export interface MemoryTraffic {
  /** Messages of topics. */
  messages: number;
  /** Removals of groups. */
  removals: number;
  /** Direct pushes to stored connections. */
  pushes: number;
  /** Names that were lost. */
  notices: number;
}

/** Where an engine gets its time from: ms of any beginning. XState's `SimulatedClock` fits. */
export interface MemoryEngineClock {
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
  now(): number;
}

/** A contract's `connect` has 10 s; what is left is for those who ask by the same clock. */
const CONNECT_MS = 9_500;

export class MemoryHub {
  readonly directory: MemoryDirectory;
  /** Those that the engine serves. */
  readonly links = new Set<MemoryLink>();
  /** Those too that have not heard yet that they are lost. */
  readonly unended = new Set<MemoryLink>();
  readonly #clock: MemoryEngineClock;
  readonly #traffic = new Map<string, MemoryTraffic>();
  /** Attempts to connect that hang. */
  readonly #attempts = new Set<() => void>();
  readonly #cut = new Set<string>();
  #isFrozen = false;
  #isStopped = false;

  constructor(directory: MemoryDirectory, clock: MemoryEngineClock) {
    this.directory = directory;
    this.#clock = clock;
  }

  connect(nodeId: string, sink: BackplaneSink, signal: AbortSignal): Promise<MemoryLink> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(asError(signal.reason));
      const settle = (done: () => void): void => {
        this.#attempts.delete(attempt);
        this.#clock.clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        done();
      };
      const attempt = (): void => {
        if (this.isHanging(nodeId)) return void this.#attempts.add(attempt);
        if (this.#isStopped) return settle(() => reject(new Error('The engine refuses connections: it was stopped.')));
        this.directory.renew(nodeId);
        const link = new MemoryLink(this, nodeId, sink);
        this.links.add(link);
        this.unended.add(link);
        settle(() => resolve(link));
      };
      const abort = (): void => {
        clearImmediate(immediate);
        settle(() => reject(asError(signal.reason)));
      };
      const timer = this.#clock.setTimeout(() => {
        clearImmediate(immediate);
        settle(() => reject(new Error(`The engine did not answer for ${CONNECT_MS} ms.`)));
      }, CONNECT_MS);
      signal.addEventListener('abort', abort);
      const immediate = setImmediate(attempt);
    });
  }

  publish(from: MemoryLink, topic: Topic, payload: Uint8Array): void {
    for (const link of this.links) {
      if (link.nodeId === from.nodeId || !link.topics.has(topic)) continue;
      // Each node has bytes of its own, in the midst of others, as if they had come over a wire.
      link.hear('messages', (sink) => sink.message(topic, Buffer.from(payload)), payload.byteLength);
    }
  }

  groupRemoved(from: MemoryLink, group: string, removal: Generation): void {
    for (const link of this.links) {
      if (link.nodeId === from.nodeId || !link.topics.has(`g:${group}`)) continue;
      link.hear('removals', (sink) => sink.groupRemoved(group, removal));
    }
  }

  /** Tells the node of an owner that it is the owner no more. */
  tell(name: string, { nodeId, connectionId, epoch }: Owner, why: 'replaced' | 'removed'): void {
    this.#linkOf(nodeId)?.hear('notices', (sink) => sink.nameLost(name, connectionId, epoch, why));
  }

  push(name: string, payload: Uint8Array, answer: (outcome: PushOutcome) => void, attemptsLeft = 2): void {
    const owner = this.directory.ownerOf(name);
    if (owner === undefined || attemptsLeft === 0) return answer('unknown');
    const link = this.#linkOf(owner.nodeId);
    if (link === undefined || this.isHanging(owner.nodeId)) return answer('unreachable');
    const answered = (outcome: DirectOutcome): void => {
      if (outcome === 'moved') this.push(name, payload, answer, attemptsLeft - 1);
      else answer(outcome);
    };
    const hand = (sink: BackplaneSink): void => {
      const outcome = sink.direct(name, owner.connectionId, Buffer.from(payload));
      setImmediate(() => answered(outcome));
    };
    link.hear('pushes', hand, payload.byteLength, () => answer('timeout'));
  }

  isHanging(nodeId: string): boolean {
    return this.#isFrozen || this.#cut.has(nodeId);
  }

  count(nodeId: string, kind: keyof MemoryTraffic): void {
    const traffic = this.received(nodeId);
    traffic[kind] += 1;
    this.#traffic.set(nodeId, traffic);
  }

  received(nodeId: string): MemoryTraffic {
    return { messages: 0, removals: 0, pushes: 0, notices: 0, ...this.#traffic.get(nodeId) };
  }

  stop(): void {
    this.#isStopped = true;
    for (const link of [...this.links]) link.lose(new Error('The engine was stopped.'));
  }

  start(isEmpty: boolean): void {
    if (isEmpty) this.directory.forget();
    this.#isStopped = false;
  }

  cut(nodeId: string): void {
    this.#cut.add(nodeId);
    for (const link of this.links) if (link.nodeId === nodeId) link.hang();
  }

  heal(nodeId: string): void {
    this.#cut.delete(nodeId);
    this.#go();
  }

  freeze(): void {
    this.#isFrozen = true;
  }

  thaw(): void {
    this.#isFrozen = false;
    this.#go();
  }

  #go(): void {
    for (const attempt of [...this.#attempts]) {
      this.#attempts.delete(attempt);
      attempt();
    }
    for (const link of this.unended) link.go();
  }

  /** The latest one of a node, should an earlier one not have ended yet. */
  #linkOf(nodeId: string): MemoryLink | undefined {
    return [...this.links].findLast((link) => link.nodeId === nodeId);
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('The attempt was aborted.', { cause: reason });
}
