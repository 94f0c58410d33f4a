/** What the registries and a service know of a connection: enough to address it, nothing of its life. */
import type { Frame } from '../delivery/frame.ts';

export interface Member {
  /** Unique on all nodes. */
  readonly id: string;
  /** Rises with each connection of this node; pages are in this order. */
  readonly ordinal: number;
  /** Whether it may hold names and be in groups. */
  readonly isOpen: boolean;
  /** Hands over a frame. */
  push(frame: Frame): 'delivered' | 'closed' | 'congested';
  /** Begins the closing handshake. */
  requestClose(code: number, reason: string): void;
}
