/** What the registries and a service know of a connection: enough to address it, nothing of its life. */
import type { Frame } from '../delivery/frame.ts';
import type { Pushed } from '../delivery/outbox.ts';
import type { Few } from './few.ts';

/** What becomes of a frame: as for {@link Pushed}, or the connection is closing. */
export type PushStatus = Pushed | 'closed';

/** A group as its members know it. */
export interface JoinedGroup {
  readonly name: string;
}

export interface Member {
  /** The names it holds: kept for the registry of names, which alone may change them. */
  heldNames: Few<string>;
  /** The groups it is in: kept for the registry of groups, which alone may change them. */
  joinedGroups: Few<JoinedGroup>;
  /** Unique on all nodes. */
  readonly id: string;
  /** Rises with each connection of this node; pages are in this order. */
  readonly ordinal: number;
  /** Whether it may hold names and be in groups. */
  readonly isOpen: boolean;
  /** Hands over a frame. */
  deliver(frame: Frame): PushStatus;
  /** Begins the closing handshake. */
  requestClose(code: number, reason: string): void;
}
