/** What a push and a registry function answer. */

/**
 * The result of a push or a broadcast.
 *
 * `delivered` means handed to the sockets of `count` connections. It is no
 * acknowledgement: what the remote side has read, only the remote side can say.
 */
export interface Delivery {
  readonly status: DeliveryStatus;
  /** How many connections it was handed to, as far as this node knows. */
  readonly count: number;
}

/**
 * - `delivered`: handed to the sockets (of a broadcast or a group: of `count` members, which may be 0)
 * - `accepted`: on its way, the outcome is not known here; it waits for a congested connection, for example, whose
 *   policy may still drop it
 * - `unknown`: no connection has that name, no group that name exists, no service is registered under it
 * - `closed`: the connection is closing or closed
 * - `congested`: refused, because the remote side reads too slowly
 * - `unreachable`, `timeout`, `down`, `overloaded`: the node of the target or the backplane, with many nodes
 */
export type DeliveryStatus =
  | 'delivered'
  | 'accepted'
  | 'unknown'
  | 'closed'
  | 'congested'
  | 'unreachable'
  | 'timeout'
  | 'down'
  | 'overloaded';

/** The result of a function that changes names, groups or connections. */
export interface Outcome {
  readonly status: OutcomeStatus;
  /** How many connections it concerned. */
  readonly count: number;
}

/**
 * - `ok`: done
 * - `unknown`: there is no such name or group
 * - `closed`: the connection is closing or closed
 * - `not-a-member`: the connection was not in that group
 * - `retired`: the group was removed with `retire` and may not be used again
 * - the others as for {@link DeliveryStatus}
 */
export type OutcomeStatus =
  | 'ok'
  | 'accepted'
  | 'unknown'
  | 'closed'
  | 'not-a-member'
  | 'retired'
  | 'unreachable'
  | 'timeout'
  | 'down'
  | 'overloaded';

/** Answered at once on one node, possibly later with many; `await` works on both. It never rejects. */
export type Answer<Result> = Result | PromiseLike<Result>;

/** One page of a query. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** Pass it as `after` for the next page; absent on the last one. */
  readonly next?: string;
}

/** Which part of a query's result to return. */
export interface PageRequest {
  /** How many items at most: 1 to 1000. @defaultValue 100 */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
}
