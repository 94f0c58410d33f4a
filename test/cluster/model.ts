/**
 * What names and groups should be, simpler than the code: sets of what is possible.
 *
 * Theory of operation
 *
 * While nothing fails, each step has one result. In a *storm*, from the beginning of a fault until all nodes have been
 * compared again, some have several: who was to be told that a name is not theirs any more may not hear it, and take
 * the name back once nobody has it; who missed that a group was removed may be dropped later or not at all. So the
 * model keeps the owners that are possible, and for each member of a group whether it must or may be one. What a
 * comparison finds is what holds from there on.
 */
import type { Puppet } from './nodes.ts';

export const NOBODY = 'nobody';
export type Owner = Puppet | typeof NOBODY;

interface Name {
  possible: Set<Owner>;
  /** Who had it and may not know that it is gone. */
  stale: Set<Puppet>;
  /** The owner when it was last compared, until the name is removed: to be told if another one has it. */
  before: { readonly owner: Puppet; readonly told: number } | undefined;
}

interface Group {
  readonly members: Map<Puppet, 'must' | 'may'>;
  /** Whether it was removed in this storm. */
  wasRemoved: boolean;
}

/** Statuses after which it is not known whether it was done. */
const unsure = new Set(['timeout', 'gone', 'closed']);

export class Model {
  readonly names: ReadonlyMap<string, Name>;
  readonly groups: ReadonlyMap<string, Group>;
  isStorm = false;

  constructor(names: readonly string[], groups: readonly string[]) {
    this.names = new Map(
      names.map((name) => [name, { possible: new Set([NOBODY]), stale: new Set(), before: undefined }]),
    );
    this.groups = new Map(groups.map((group) => [group, { members: new Map(), wasRemoved: false }]));
  }

  stored(puppet: Puppet, name: string, status: string): void {
    const held = this.names.get(name)!;
    if (status === 'ok') {
      this.#outdate(held);
      held.stale.delete(puppet);
      held.possible = new Set([puppet]);
    } else if (unsure.has(status)) this.#loosen(held);
  }

  nameRemoved(name: string, status: string): void {
    const held = this.names.get(name)!;
    if (status === 'down') return;
    held.before = undefined;
    if (status === 'ok' && !this.isStorm) held.possible = new Set([NOBODY]);
    else this.#loosen(held);
  }

  added(puppet: Puppet, group: string, status: string): void {
    const { members, wasRemoved } = this.groups.get(group)!;
    if (status === 'ok' || status === 'accepted') members.set(puppet, wasRemoved ? 'may' : 'must');
  }

  left(puppet: Puppet, group: string, status: string): void {
    if (status !== 'gone') this.groups.get(group)!.members.delete(puppet);
  }

  groupRemoved(puppet: Puppet, group: string, status: string): void {
    if (status === 'down') return;
    const removed = this.groups.get(group)!;
    if (!this.isStorm) return removed.members.clear();
    removed.wasRemoved = true;
    for (const member of removed.members.keys()) {
      if (member.node === puppet.node) removed.members.delete(member);
      else removed.members.set(member, 'may');
    }
  }

  /** A connection has ended, in whatever way. */
  ended(puppet: Puppet): void {
    for (const held of this.names.values()) {
      held.stale.delete(puppet);
      if (held.before?.owner === puppet) held.before = undefined;
      if (held.possible.delete(puppet)) this.#loosen(held);
    }
    for (const { members } of this.groups.values()) members.delete(puppet);
  }

  /** `owner` was found. What is wrong with that; undefined: nothing. */
  wrongOwner(name: string, owner: Owner): string | undefined {
    const { possible, before } = this.names.get(name)!;
    if (!possible.has(owner)) return `${label(owner)} has ${name}, not ${[...possible].map(label).join(' or ')}`;
    if (before === undefined || owner === NOBODY || owner === before.owner) return undefined;
    if (timesTold(before.owner, name) > before.told) return undefined;
    return `${label(before.owner)} was not told that ${label(owner)} has ${name}`;
  }

  wrongMembers(group: string, found: ReadonlySet<Puppet>): string | undefined {
    const { members } = this.groups.get(group)!;
    const missing = [...members].filter(([puppet, how]) => how === 'must' && !found.has(puppet));
    const extra = [...found].filter((puppet) => !members.has(puppet));
    if (missing.length + extra.length === 0) return undefined;
    const [lacks, has] = [missing.map(([puppet]) => label(puppet)), extra.map(label)].map((all) => all.join(', '));
    return `${group} lacks [${lacks}] and has [${has}] besides`;
  }

  /** That is how it is from now on. */
  found(owners: ReadonlyMap<string, Owner>, members: ReadonlyMap<string, ReadonlySet<Puppet>>): void {
    for (const [name, owner] of owners) {
      const held = this.names.get(name)!;
      held.possible = new Set([owner]);
      held.stale.clear();
      held.before = owner === NOBODY ? undefined : { owner, told: timesTold(owner, name) };
    }
    for (const [name, puppets] of members) {
      const group = this.groups.get(name)!;
      group.members.clear();
      for (const puppet of puppets) group.members.set(puppet, 'must');
      group.wasRemoved = false;
    }
    this.isStorm = false;
  }

  #outdate({ possible, stale }: Name): void {
    if (!this.isStorm) return;
    for (const owner of possible) if (owner !== NOBODY) stale.add(owner);
  }

  /** Nobody may have it, or who had it before takes it back. */
  #loosen(held: Name): void {
    held.possible.add(NOBODY);
    for (const puppet of held.stale) held.possible.add(puppet);
  }
}

function timesTold(puppet: Puppet, name: string): number {
  return puppet.replaced.filter((lost) => lost === name).length;
}

export function label(owner: Owner): string {
  return owner === NOBODY ? owner : owner.label;
}
