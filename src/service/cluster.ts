/** What all nodes of a program know together. */
import type { ConnectionInfo } from './connection.ts';
import type { PageRequest } from './outcome.ts';
import type { GroupInfo, StoredNameInfo } from './queries.ts';

/** How many nodes were asked and how many answered in time: the others may hold more. */
export interface Coverage {
  readonly asked: number;
  readonly answered: number;
}

/** An item and the id of the node that it is on. */
export type OnNode<Item> = Item & { readonly node: string };

/** Up to `limit` items of each node. */
export interface ClusterPage<Item> extends Coverage {
  readonly items: readonly OnNode<Item>[];
  /** Pass it as `after` for the next page; absent on the last one. */
  readonly next?: string;
}

/** Which part of the result to return, and how long to wait for it. */
export interface ClusterRequest extends PageRequest {
  /** How many items of each node at most: 1 to 1000. @defaultValue 100 */
  readonly limit?: number;
  /** How long to wait for the nodes, in ms. @defaultValue 2000 */
  readonly timeoutMs?: number;
}

/**
 * Questions to all nodes. Each asks whoever has a lease and answers with what came until the deadline; `asked` and
 * `answered` say how complete that is. They reject for wrong arguments only: without a backplane, or while there is no link to it, this
 * node is asked and answers alone. There is no moment that holds for all nodes: what moves may be met twice or not.
 *
 * @example
 * ```ts
 * import { createTroupe } from 'troupe';
 *
 * const troupe = createTroupe();
 * const { items, asked, answered } = await troupe.cluster.members('lobby', { timeoutMs: 500 });
 * process.stdout.write(`${items.length} members, as ${answered} of ${asked} nodes say\n`);
 * ```
 *
 * Source: semantics.md §3 and §6.
 */
export interface Cluster {
  /** This node: new with each `createTroupe`. */
  readonly nodeId: string;
  /** The ids of all nodes, as far as the engine knows; this one alone while there is no link. */
  nodes(): Promise<readonly string[]>;
  /** The open connections of the services with that name. */
  connections(service: string, request?: ClusterRequest): Promise<ClusterPage<ConnectionInfo>>;
  /** The groups of each node, emptied ones included, with their members there. */
  groups(request?: ClusterRequest): Promise<ClusterPage<GroupInfo>>;
  members(group: string, request?: ClusterRequest): Promise<ClusterPage<ConnectionInfo>>;
  isMember(
    group: string,
    connectionId: string,
    request?: Pick<ClusterRequest, 'timeoutMs'>,
  ): Promise<Coverage & { readonly isMember: boolean }>;
  storedNames(request?: ClusterRequest): Promise<ClusterPage<StoredNameInfo>>;
}
