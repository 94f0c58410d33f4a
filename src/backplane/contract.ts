/**
 * What a backplane must do: relay bytes between the nodes of one program, and keep the directory of names.
 *
 * Theory of operation
 *
 * A backplane knows how to reach an engine (Redis, NATS); a *link* is one life of
 * its connections there. A link does not mend itself: when it can carry no more
 * it says so once, by `lost`, and the runtime makes another one, subscribes anew,
 * restores its names and looks for what it missed. So how long to wait, what to
 * repair and in which order is decided in one place (`machines/backplane.ts`),
 * the same for every engine.
 *
 * What is sent is bytes to a link; what they mean, only the runtime knows. Local
 * members and owners are served before a link hears of anything.
 *
 * `troupe/testing` has the conformance suite that holds a backplane to the MUSTs
 * of this file.
 *
 * Source: semantics.md §6, backplane.md.
 */

/** Where messages are published: the members of a service, of a group, or nodes. At most 520 bytes of any characters. */
export type Topic = `s:${string}` | `g:${string}` | `n:${string}`;

/** Reaches one engine. Making it does no I/O and MUST check its options. */
export interface Backplane {
  /** What it speaks to, `redis` for example: for events, health and the inspector. */
  readonly engine: string;
  /**
   * One attempt: connects, registers the lease of `nodeId`, and is ready to receive. MUST reject within 10 s when that is
   * not possible, or when `signal` is aborted, and then hold nothing. A node makes one link after another, all with the
   * same `nodeId`; MUST NOT share anything between two links that outlives the first.
   */
  connect(nodeId: string, sink: BackplaneSink, signal: AbortSignal): Promise<BackplaneLink>;
}

/**
 * One life of the connections to the engine.
 *
 * Promises MUST settle once the link is lost or disconnected; those that say nothing else reject then, with any error.
 * What is asked of one name MUST be done in that order.
 */
export interface BackplaneLink {
  /**
   * Renews this node's lease by way of a message that is published *and received*, so that one dead direction is noticed.
   * The runtime calls it every 2 s and gives it 1.5 s; then it disconnects. `lapsed`: the lease was not held any more, so
   * that others may have taken this node's names away. It is where an engine is swept of nodes that died: their names
   * MUST be `unknown` 10 s after their last beat.
   */
  beat(): Promise<'held' | 'lapsed'>;
  /** The ids of all nodes with a lease, this one included. */
  nodes(): Promise<readonly string[]>;

  /** Resolves when each message published from now on, by whichever node, is received. */
  subscribe(topics: readonly Topic[]): Promise<void>;
  unsubscribe(topics: readonly Topic[]): void;
  /**
   * Sends to all *other* nodes that subscribe to `topic`; MUST NOT come back to this one. MUST NOT throw, wait or buffer
   * while there is no connection (`down`), nor hold an unbounded amount that the engine has not taken (`overloaded`).
   * What one node publishes on one topic arrives in that order, at most once. `payload` is never changed afterwards.
   */
  publish(topic: Topic, payload: Uint8Array): PublishOutcome;

  /**
   * Makes this connection the owner of `name`, whoever was it: one after another in the engine's order. Unless it is on
   * this node, the previous owner's node MUST be told (`nameLost`, `replaced`).
   */
  claim(name: string, connectionId: string): Promise<Claimed>;
  /**
   * Takes the name away if this node's connection with that id still owns it, and says whether it did. Once it has resolved,
   * an earlier claim of that connection that was not answered, by this link or one before, MUST NOT take the name from its
   * owner any more: a network may deliver it when the link it was made by is long over.
   */
  release(name: string, connectionId: string): Promise<boolean>;
  /** Takes the name from whoever owns it, and tells that node (`removed`), also if it is this one. False: nobody did. */
  remove(name: string): Promise<boolean>;
  /**
   * After a gap, and now and then: makes this node the owner again of each name that nobody owns, that it owns, or that
   * is owned with a lesser epoch; such an owner MUST be told (`replaced`). Of what this node owns, the connection becomes
   * the one given here, and the greater epoch stays: it may be that of a claim whose answer was lost. Answers in the order
   * of `bindings`, of which there are at most 500: the epoch that is now in force, or `fenced` where another node's is
   * greater.
   */
  restore(bindings: readonly Binding[]): Promise<readonly (number | 'fenced')[]>;
  /**
   * Hands `payload` to the owner of `name`, which may be this node. MUST NOT reject. What one node pushes to one name
   * arrives in that order, at most once.
   */
  push(name: string, payload: Uint8Array): Promise<PushOutcome>;

  /**
   * Tells all *other* nodes that subscribe to `g:<group>` that the group was removed (`groupRemoved`): after what this node
   * published there before, and before what it publishes there once this has resolved. Remembers it for a day at least,
   * and answers the generation. With `retire` it is remembered for good.
   */
  removeGroup(group: string, retire: boolean): Promise<number>;
  /** The latest removal of each group, in the order asked for, of which there are at most 500. */
  generations(groups: readonly string[]): Promise<readonly Generation[]>;

  /** Says goodbye: gives up the lease and all names of this node, then disconnects. */
  leave(): Promise<void>;
  /** Cuts the connections now; the sink hears nothing more. More than once does nothing. */
  disconnect(): void;
}

/** What a link tells its node. Its functions do not throw and return at once. */
export interface BackplaneSink {
  message(topic: Topic, payload: Uint8Array): void;
  /** A push to a stored connection of this node. `moved`: it does not own that name (any more). */
  direct(name: string, connectionId: string, payload: Uint8Array): DirectOutcome;
  /** What this node owned with that epoch it does not own any more. May come before the answer to the claim itself. */
  nameLost(name: string, connectionId: string, epoch: number, why: 'replaced' | 'removed'): void;
  groupRemoved(group: string, removal: Generation): void;
  /** The link can carry no more. MUST be called once for each link that ends otherwise than by `leave` or `disconnect`. */
  lost(cause: unknown): void;
}

export interface Binding {
  readonly name: string;
  readonly connectionId: string;
  readonly epoch: number;
}

export interface Claimed {
  /**
   * Greater than that of any earlier owner; also when the engine has forgotten them, so it is taken from the time: the
   * greater of the engine's clock in µs and the previous epoch + 1.
   */
  readonly epoch: number;
  readonly previous?: { readonly nodeId: string; readonly connectionId: string };
}

export interface Generation {
  /** When the group was removed last, by the engine's clock in µs and rising; 0: never, or so long ago that it is forgotten. */
  readonly generation: number;
  /** Whether the name may never be used again. */
  readonly retired: boolean;
}

/**
 * - `accepted`: handed to the engine
 * - `down`: there is no connection to it
 * - `overloaded`: it takes less than is sent, or never takes one that large
 */
export type PublishOutcome = 'accepted' | 'down' | 'overloaded';

/** What became of a direct push, at the owner. */
export type DirectOutcome = 'delivered' | 'accepted' | 'congested' | 'closed' | 'moved';

/**
 * As for {@link PublishOutcome} and {@link DirectOutcome}, and
 * - `unknown`: nobody owns the name
 * - `unreachable`: its owner does not listen; it may come back or be forgotten with its lease
 * - `timeout`: whether it arrived is not known
 */
export type PushOutcome = PublishOutcome | Exclude<DirectOutcome, 'moved'> | 'unknown' | 'unreachable' | 'timeout';
