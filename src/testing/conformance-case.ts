/** What a conformance case is, and what it is run with. */
import type { Backplane } from '../backplane/contract.ts';
import type { Stage } from './conformance-node.ts';

/** An engine that one case has for itself. */
export interface EngineOfItsOwn {
  /** Reaches this engine, as often as asked. */
  readonly make: () => Backplane | Promise<Backplane>;
  /** Ends the engine at once, as a crash does: every link to it is lost, and connecting fails. */
  readonly stop: () => unknown;
  /** Starts it again under the same address. It may have forgotten all. */
  readonly start: () => unknown;
  /** Ends it for good, whatever it does at that moment. */
  readonly end: () => unknown;
}

/** An engine that one case has for itself and makes hang. */
export interface HangingEngine {
  readonly make: () => Backplane | Promise<Backplane>;
  /** From now on it answers nothing and takes nothing, as a process does that was sent `SIGSTOP`. */
  readonly freeze: () => unknown;
  /** Ends it for good, as it is. */
  readonly end: () => unknown;
}

export interface ConformanceOptions {
  /** Makes a backplane that reaches the engine under test; called for each node of each case. */
  readonly make: () => Backplane | Promise<Backplane>;
  /** An engine for one case alone, which it stops and starts. Without it, cases about lost links are skipped. */
  readonly own?: () => EngineOfItsOwn | Promise<EngineOfItsOwn>;
  /**
   * An engine for one case alone, which it makes hang. Without it, such cases are skipped. One of them takes as long as
   * `connect` waits for an engine that does not answer.
   */
  readonly hanging?: () => HangingEngine | Promise<HangingEngine>;
  /** Makes the lease of a node lapse: waits until it has, or tells the engine to. Without it, such cases are skipped. */
  readonly lapse?: (nodeId: string) => unknown;
  /**
   * Whether `push` answers what the owner's sink answered. Where an engine does not carry that back, `accepted` is as good.
   * @defaultValue true
   */
  readonly confirms?: boolean;
  /**
   * How many rounds of 300 claims of one name race.
   * @defaultValue 3
   */
  readonly claimRounds?: number;
  /**
   * How long a case may take, in ms.
   * @defaultValue 15 000
   */
  readonly limitMs?: number;
}

/** One case: run each in a test of its own. */
export interface ConformanceTest {
  readonly name: string;
  /** Why it cannot be run with these options. */
  readonly skip?: string;
  /** Resolves when the backplane does as it must, rejects otherwise, and cleans up in both cases. */
  readonly run: () => Promise<void>;
}

export interface ConformanceCase {
  readonly name: string;
  /** The options without which it cannot be run. */
  readonly needs?: 'own' | 'hanging' | 'lapse';
  readonly run: (stage: Stage, options: ConformanceOptions) => Promise<void>;
}
