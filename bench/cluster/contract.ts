/** What one node of a cluster offers, and the words in which it is asked for it. */
import type { ServerName } from '../contract.ts';

/**
 * - `group` puts each connection into one group and sends to that,
 * - `stored` stores each connection under the name that is its path and sends to a name,
 * - `relay` has senders, `s3`, whose texts go to the group `g3`, and members of that, `m3`,
 * - `named` is the same with one connection that is stored as `g3`,
 * - `claims` stores its connections again and again when it is told to.
 */
export type ClusterRole = 'group' | 'stored' | 'relay' | 'named' | 'claims';

export interface ClusterNode {
  readonly port: number;
  /** To the group: from outside any handler. */
  send(text: string): void;
  /** To one stored connection: from outside any handler. */
  sendTo(name: string, text: string): void;
  /** Stores each connection under the name that is its path, so many at a time. */
  claim?(parallel: number): Promise<void>;
}

/** What a node tells as it happens. */
export interface Tally {
  /** A connection is where its role wants it to be, as far as the node can tell. */
  settled(): void;
  /** A connection lost its name to another one. */
  replaced(): void;
}

export interface NodeSetting {
  readonly server: ServerName;
  readonly role: ClusterRole;
  /** Its URL; undefined: a node by itself. */
  readonly engine: string | undefined;
  readonly tally: Tally;
}

/** What each kind of node exports as `start`. */
export type StartNode = (setting: NodeSetting) => Promise<ClusterNode>;

/** Sends texts `from` to `from + ticks * together - 1`: `together` in one turn of the event loop, then the next. */
export interface TicksOrder {
  readonly from: number;
  readonly ticks: number;
  readonly together: number;
  readonly bytes: number;
}

/** Sends one text to each of the names from `first` on, all in one turn. */
export interface NamesOrder {
  readonly sequence: number;
  readonly first: number;
  readonly names: number;
  readonly bytes: number;
}

/** Whom the sender with this path sends to, and its member joins or is stored as. */
export function roomOf(path: string): string {
  return `g${path.slice(1)}`;
}

export function isMember(path: string): boolean {
  return path.startsWith('m');
}
