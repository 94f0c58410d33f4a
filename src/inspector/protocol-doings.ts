/** What watched actors do, beside the frames of `@statelyai/inspect`: a part of `protocol.ts`. */
import type { DescribedEvent } from './protocol-values.ts';

/** One edge that was taken. */
export interface TakenEdge {
  /** The id of the transition in the {@link Graph} of its machine; absent if it cannot be told. */
  readonly transition?: string;
  /** The id of the state it leaves. */
  readonly source: string;
  /** What it is taken for, as the machine says it: `ws.text`, `*`, `xstate.after.1000.chat.idle`, `''` for `always`. */
  readonly event: string;
  /** The ids of the states it leads to; none for a transition without target. */
  readonly targets: readonly string[];
}

/** A watched actor took transitions; comes before the SnapshotFrame of the whole step. */
export interface MicrostepFrame {
  readonly type: 'troupe.microstep';
  readonly at: number;
  readonly sessionId: string;
  /** As of the {@link EventFrame} that began the step; `event` may be another one, which the machine raised meanwhile. */
  readonly step: number;
  /** When; see {@link SnapshotFrame}. */
  readonly moment: number;
  readonly event: DescribedEvent;
  /** In the order in which they were taken; more than one in parallel states. */
  readonly edges: readonly TakenEdge[];
  /** The ids of all states that are active afterwards. */
  readonly active: readonly string[];
}

/**
 * From here on not everything that a watched actor does is told, for there is too much; an ActorFrame ends it. What comes
 * in between is true, but is not all.
 */
export interface MissedFrame {
  readonly type: 'troupe.missed';
  readonly at: number;
  readonly sessionId: string;
}

/** A watched actor has come to its end: it is not watched any more. */
export interface EndedFrame {
  readonly type: 'troupe.ended';
  readonly at: number;
  readonly sessionId: string;
  /** When, at the latest; see {@link SnapshotFrame}. */
  readonly moment: number;
}
