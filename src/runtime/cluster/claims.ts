/**
 * Which names this node owns in the directory of the backplane, as against who
 * holds them here.
 *
 * Theory of operation
 *
 * A name is bound here when the engine has answered the claim, and unbound when
 * it tells that somebody else has it. The two come by different ways, so the news
 * that a claim was overtaken may be here before the answer to the claim itself:
 * while one is pending, news of its name is remembered by its epoch, which says
 * which of several claims it is about.
 *
 * What is given up while there is no link, or with an answer outstanding, is
 * released by the repair of the next one.
 */
import type { BackplaneLink, Binding, Claimed } from '../../backplane/contract.ts';
import type { Events } from '../../telemetry/events.ts';
import { itemsOf } from '../few.ts';
import type { LiveConnection } from '../connection.ts';
import type { NamedConnectionsRef, StoredName } from '../named-connections.ts';
import { ask } from '../registry.ts';
import { batchesOf } from './interest.ts';

/** What is awaited of one name. */
interface Pending {
  claims: number;
  /** The epoch of the latest that was answered. */
  latest: number;
  /** Of the claims of this node that were overtaken already, by epoch, how; `told`: its connection knows. */
  readonly overtaken: Map<number, Why | 'told'>;
  readonly settled: Promise<void>;
  readonly settle: () => void;
}

type Why = 'replaced' | 'removed';

export class Claims {
  readonly #names: NamedConnectionsRef<LiveConnection>;
  readonly #events: Events;
  readonly #link: () => BackplaneLink | undefined;
  readonly #pending = new Map<string, Pending>();
  /** Connections that gave up a name which the engine may still have as theirs: name, then id. */
  readonly #owed = new Map<string, Set<string>>();

  constructor(names: NamedConnectionsRef<LiveConnection>, events: Events, link: () => BackplaneLink | undefined) {
    this.#names = names;
    this.#events = events;
    this.#link = link;
  }

  /** Who holds `name` here. */
  get(name: string): StoredName<LiveConnection> | undefined {
    return this.#names.getSnapshot().context.byName.get(name);
  }

  /** Settles when no claim of `name` is outstanding; undefined: none is. */
  settled(name: string): Promise<void> | undefined {
    return this.#pending.get(name)?.settled;
  }

  /** Stores `connection` under `name` in the whole cluster. Never rejects. */
  async store(name: string, connection: LiveConnection): Promise<'ok' | 'closed' | 'down' | 'timeout'> {
    const link = this.#link();
    if (link === undefined) return 'down';
    const pending = this.#begin(name);
    let claimed: Claimed;
    try {
      claimed = await link.claim(name, connection.id);
    } catch {
      this.#withdraw(name, connection, pending);
      this.#end(name, pending);
      return 'timeout';
    }
    const overtaken = pending.overtaken.get(claimed.epoch);
    try {
      return this.#settle(name, connection, claimed, pending, overtaken);
    } finally {
      this.#end(name, pending);
    }
  }

  /** The engine says that this node lost `name`. */
  lost(name: string, connectionId: string, epoch: number, why: Why): void {
    const holder = this.get(name);
    const overtaken = this.#pending.get(name)?.overtaken;
    if (holder?.connection.id === connectionId && holder.epoch <= epoch) {
      // It has claimed it anew, and that was overtaken.
      if (holder.epoch < epoch) overtaken?.set(epoch, 'told');
      this.#unbind(holder, why);
    } else overtaken?.set(epoch, why);
  }

  /** `name` was given up here by the connection with that id. */
  release(name: string, connectionId: string): void {
    const link = this.#link();
    if (link === undefined) return this.#owe(name, connectionId);
    link.release(name, connectionId).catch(() => this.#owe(name, connectionId));
  }

  /** Takes the name from whoever holds it here. */
  unbind(name: string): LiveConnection | undefined {
    const holder = ask(this.#names, { type: 'name.remove', name }, 'unknown');
    return holder === 'unknown' ? undefined : holder;
  }

  releaseAll(connection: LiveConnection): void {
    for (const name of itemsOf(connection.heldNames)) this.release(name, connection.id);
  }

  /** Gives back what is owed and takes what is nobody's. How many names others have taken. Rejects when the link does. */
  async repair(link: BackplaneLink): Promise<number> {
    for (const some of batchesOf(this.#debts())) {
      await Promise.all(some.map(([name, id]) => link.release(name, id)));
      for (const [name, id] of some) this.#settleDebt(name, id);
    }
    return this.restore(link);
  }

  /** What was given up while the link was repaired. */
  resume(link: BackplaneLink): void {
    for (const [name, id] of this.#debts())
      link.release(name, id).then(
        () => this.#settleDebt(name, id),
        () => {},
      );
  }

  /** Makes sure that this node owns what is bound here. */
  async restore(link: BackplaneLink): Promise<number> {
    let fenced = 0;
    for (const batch of batchesOf([...this.#names.getSnapshot().context.byName.values()])) {
      // What is being claimed is settled by that, and somebody may have it since the batch before was asked for: a claim
      // that comes first must not be undone.
      const some = batch.filter((holder) => this.get(holder.name) === holder && !this.#pending.has(holder.name));
      if (some.length === 0) continue;
      const bindings = some.map(({ name, connection, epoch }): Binding => ({
        name,
        connectionId: connection.id,
        epoch,
      }));
      const answers = await link.restore(bindings);
      for (const [at, holder] of some.entries()) {
        // Somebody else may have it by now, or nobody.
        if (this.get(holder.name) !== holder) {
          if (this.get(holder.name)?.connection !== holder.connection) this.release(holder.name, holder.connection.id);
          continue;
        }
        const answer = answers[at];
        // Claimed anew since.
        if (holder.epoch !== bindings[at]!.epoch) continue;
        if (typeof answer === 'number') holder.epoch = answer;
        else if (answer === 'fenced') {
          fenced++;
          this.#unbind(holder, 'replaced');
        }
      }
    }
    return fenced;
  }

  clear(): void {
    this.#owed.clear();
  }

  #settle(
    name: string,
    connection: LiveConnection,
    { epoch, previous }: Claimed,
    pending: Pending,
    overtaken: Why | 'told' | undefined,
  ): 'ok' | 'closed' {
    const holder = this.get(name);
    // Answers may come in another order than the engine's, and a later owner may have gone already.
    const isLatest = epoch > Math.max(pending.latest, holder?.epoch ?? 0);
    pending.latest = Math.max(pending.latest, epoch);
    // Nobody tells a node of what its own connections take from each other.
    if (isLatest && holder !== undefined && holder.connection !== connection) this.#unbind(holder, 'replaced');
    if (!connection.isOpen) {
      this.release(name, connection.id);
      return 'closed';
    }
    if (previous !== undefined && previous.connectionId !== connection.id)
      this.#tell(name, connection.id, previous.connectionId);
    if (overtaken === undefined && isLatest) {
      ask(this.#names, { type: 'name.store', name, connection, epoch }, { replaced: undefined });
      this.#settleDebt(name, connection.id);
    } else if (overtaken !== 'removed' && overtaken !== 'told' && holder?.connection !== connection) {
      connection.tellReplaced(name);
    }
    return 'ok';
  }

  /** A claim has failed: it may have been carried out all the same. */
  #withdraw(name: string, connection: LiveConnection, pending: Pending): void {
    if (this.get(name)?.connection === connection) return;
    // Others of it may be under way, and would be undone.
    if (pending.claims > 1) this.#owe(name, connection.id);
    else this.release(name, connection.id);
  }

  #unbind({ name, connection }: StoredName<LiveConnection>, why: Why): void {
    this.unbind(name);
    if (why === 'replaced') connection.tellReplaced(name);
  }

  #tell(name: string, connection: string, previous: string): void {
    if (this.#events.has('connection.replaced'))
      this.#events.emit('connection.replaced', { name, connection, previous });
  }

  #begin(name: string): Pending {
    let pending = this.#pending.get(name);
    if (pending === undefined) {
      let settle!: () => void;
      const settled = new Promise<void>((resolve) => {
        settle = resolve;
      });
      pending = { claims: 0, latest: 0, overtaken: new Map(), settled, settle };
      this.#pending.set(name, pending);
    }
    pending.claims++;
    return pending;
  }

  #end(name: string, pending: Pending): void {
    pending.claims--;
    if (pending.claims > 0) return;
    this.#pending.delete(name);
    pending.settle();
  }

  #owe(name: string, connectionId: string): void {
    const ids = this.#owed.get(name);
    if (ids === undefined) this.#owed.set(name, new Set([connectionId]));
    else ids.add(connectionId);
  }

  /** What is owed, unless it is rightly held by now: name and id of the connection. */
  #debts(): readonly (readonly [name: string, id: string])[] {
    const debts = [...this.#owed].flatMap(([name, ids]) => [...ids].map((id) => [name, id] as const));
    return debts.filter(([name, id]) => this.get(name)?.connection.id !== id);
  }

  #settleDebt(name: string, connectionId: string): void {
    const ids = this.#owed.get(name);
    ids?.delete(connectionId);
    if (ids?.size === 0) this.#owed.delete(name);
  }
}
