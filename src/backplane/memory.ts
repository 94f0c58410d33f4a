/** An engine in the memory of one process: several nodes in one test, and whatever may go wrong between them. */
import { TroupeRangeError } from '../errors.ts';
import type { Backplane } from './contract.ts';
import { MemoryDirectory } from './memory-directory.ts';
import { type MemoryEngineClock, MemoryHub, type MemoryTraffic } from './memory-hub.ts';

export type { MemoryEngineClock, MemoryTraffic } from './memory-hub.ts';

export interface MemoryEngineOptions {
  /**
   * Where time comes from; XState's `SimulatedClock` makes leases lapse when it is moved.
   * @defaultValue Node's timers and the time of day
   */
  readonly clock?: MemoryEngineClock;
  /**
   * How long a node that is not heard of keeps its names, in ms.
   * @defaultValue 6 000
   */
  readonly leaseMs?: number;
}

/** What the nodes of one test share. */
export interface MemoryEngine {
  /** What a node is given: `createTroupe({ backplane: engine.backplane() })`. */
  readonly backplane: () => Backplane;
  /** What the node was sent over all its links, answers aside: a node without members is sent no messages. */
  readonly received: (nodeId: string) => Readonly<MemoryTraffic>;
  /** The nodes that are connected. */
  readonly connected: () => readonly string[];

  /** All links are lost, and connecting is refused. */
  readonly stop: () => void;
  /** Connecting works again; the engine knows what it knew, or nothing with `empty`. */
  readonly start: (options?: { readonly empty?: boolean }) => void;
  /**
   * Nothing comes or goes between the engine and this node, and neither is told; beats and connecting hang. Pushes to its
   * names are `unreachable`. What is under way arrives late, once it is healed, unless the node has disconnected.
   */
  readonly cut: (nodeId: string) => void;
  readonly heal: (nodeId: string) => void;
  /** The engine hangs: as if each node were cut off. */
  readonly freeze: () => void;
  readonly thaw: () => void;
  /** The lease of the node ends now, as if the clock had been moved for it alone. */
  readonly lapse: (nodeId: string) => void;
}

/**
 * Makes an engine for tests of several nodes in one process.
 *
 * It keeps to all that a backplane must do, and never calls a node within the node's own turn. It is not for more than
 * one process, and nothing of it outlives the process.
 *
 * @example
 * ```ts
 * import { memoryEngine } from 'troupe/backplane';
 *
 * const engine = memoryEngine();
 * const backplane = engine.backplane();
 * const silent = { message() {}, direct: () => 'closed' as const, nameLost() {}, groupRemoved() {}, lost() {} };
 * const link = await backplane.connect('node-1', silent, AbortSignal.timeout(5_000));
 * await link.claim('alice', 'connection-1');
 * engine.cut('node-1');
 * ```
 *
 * @throws {TroupeRangeError} `TROUPE_ARGUMENT_INVALID`: `leaseMs` is no positive number.
 */
export function memoryEngine(options: MemoryEngineOptions = {}): MemoryEngine {
  const { clock = ownClock, leaseMs = 6_000 } = options;
  if (!(leaseMs > 0)) {
    const fields = { argument: 'leaseMs', expected: 'a positive number of ms', received: String(leaseMs) };
    throw new TroupeRangeError('TROUPE_ARGUMENT_INVALID', fields);
  }
  const directory = new MemoryDirectory(() => clock.now(), leaseMs);
  const hub = new MemoryHub(directory, clock);
  return {
    backplane: () => ({ engine: 'memory', connect: (nodeId, sink, signal) => hub.connect(nodeId, sink, signal) }),
    received: (nodeId) => hub.received(nodeId),
    connected: () => [...new Set([...hub.links].map(({ nodeId }) => nodeId))],
    stop: () => hub.stop(),
    start: ({ empty = false } = {}) => hub.start(empty),
    cut: (nodeId) => hub.cut(nodeId),
    heal: (nodeId) => hub.heal(nodeId),
    freeze: () => hub.freeze(),
    thaw: () => hub.thaw(),
    lapse: (nodeId) => directory.lapse(nodeId),
  };
}

const ownClock: MemoryEngineClock = {
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
  now: () => Date.now(),
};
