/** The frames of `@statelyai/inspect`, which every viewer gets: a part of `protocol.ts`. */
import type { DescribedEvent, DescribedSnapshot } from './protocol-values.ts';

/** What all frames of `@statelyai/inspect` carry. */
export interface StatelyEnvelope {
  readonly _version: string;
  /** In ms since 1970, as a string. */
  readonly createdAt: string;
  readonly id: null;
  readonly rootId: string;
  readonly sessionId: string;
}

/** An actor exists. Told again for an actor that is watched again. */
export interface ActorFrame extends StatelyEnvelope {
  readonly type: '@xstate.actor';
  /** The actor's id: `supervisor`, `server`, `named-connections`, `groups`, a service's name, a connection's id. */
  readonly name: string;
  readonly parentId: string | undefined;
  /** The configuration of its machine as a JSON string; no more than `{"id":…}` for an actor that runs none. */
  readonly definition: string;
  readonly snapshot: DescribedSnapshot;
  /** Ours: when it was as told here; see {@link SnapshotFrame}. */
  readonly moment: number;
}

/** An actor is given an event. */
export interface EventFrame extends StatelyEnvelope {
  readonly type: '@xstate.event';
  readonly event: DescribedEvent;
  /** The sender; absent when the event came from outside of the actors. */
  readonly sourceId: string | undefined;
  /** Ours: the number of the actor's step that begins with it. What belongs to the step has the same, and nothing else. */
  readonly step: number;
  /** Ours: when it was sent; see {@link SnapshotFrame}. */
  readonly moment: number;
}

/** An actor has dealt with an event; its snapshot may be as before. */
export interface SnapshotFrame extends StatelyEnvelope {
  readonly type: '@xstate.snapshot';
  readonly event: DescribedEvent;
  readonly snapshot: DescribedSnapshot;
  /** Ours: the number of the step that ends with it, the one of the {@link EventFrame} if that was told. */
  readonly step: number;
  /**
   * Ours: when the actor took the snapshot, as a number that rises over all actors of the server. Of two actors each was
   * together with the latest snapshot of the other that has a smaller number, though it may have been told of later: what
   * comes of a step is told before its end.
   */
  readonly moment: number;
}

/** What every viewer gets. */
export type StatelyFrame = ActorFrame | EventFrame | SnapshotFrame;
