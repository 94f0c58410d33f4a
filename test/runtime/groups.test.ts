import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { frameText } from '../../src/delivery/frame.ts';
import { createGroupsState, groupsLogic, REMEMBERED_EMPTIED_GROUPS } from '../../src/runtime/groups.ts';
import { ask } from '../../src/runtime/registry.ts';
import { itemsOf } from '../../src/runtime/few.ts';
import { fakeMembers, type FakeMember } from '../support/members.ts';

const frame = frameText('hi');

function newRegistry(count = 3) {
  const actor = createActor(groupsLogic<FakeMember>(), { input: createGroupsState<FakeMember>() }).start();
  const state = actor.getSnapshot().context;
  const members = fakeMembers(count);
  const [ann, bob, cas] = members as [FakeMember, FakeMember, FakeMember];
  const later = { known: false, delivered: -1, accepted: -1, missed: -1 };
  return {
    actor,
    state,
    members,
    ann,
    bob,
    cas,
    add: (group: string, connection: FakeMember) => ask(actor, { type: 'group.add', group, connection }, 'retired'),
    leave: (group: string, connection: FakeMember) => ask(actor, { type: 'group.leave', group, connection }, 'unknown'),
    push: (group: string, except?: ReadonlySet<string>) =>
      ask(actor, { type: 'group.push', group, frame, except }, later),
    remove: (group: string, retire = false) => ask(actor, { type: 'group.remove', group, retire }, 'unknown'),
    purge: (connection: FakeMember) => actor.send({ type: 'connection.purge', connection }),
  };
}

describe('the registry of groups', () => {
  it('creates a group with its first member', () => {
    const { push, add, ann } = newRegistry();
    expect(push('g')).toEqual({ known: false, delivered: 0, accepted: 0, missed: 0 });
    expect(add('g', ann)).toBe('ok');
    expect(push('g')).toEqual({ known: true, delivered: 1, accepted: 0, missed: 0 });
    expect(ann.frames).toEqual([frame]);
  });

  it('counts a member once, however often it is added', () => {
    const { push, add, ann } = newRegistry();
    expect([add('g', ann), add('g', ann)]).toEqual(['ok', 'ok']);
    expect(push('g').delivered).toBe(1);
    expect(ann.frames).toHaveLength(1);
  });

  it('hands every member the same bytes', () => {
    const { push, add, members } = newRegistry();
    for (const member of members) add('g', member);
    push('g');
    for (const member of members) expect(member.frames[0]).toBe(frame);
  });

  it('leaves out whom it is told to', () => {
    const { push, add, ann, bob } = newRegistry();
    add('g', ann);
    add('g', bob);
    expect(push('g', new Set([ann.id, 'somebody else']))).toEqual({
      known: true,
      delivered: 1,
      accepted: 0,
      missed: 0,
    });
    expect([ann.frames.length, bob.frames.length]).toEqual([0, 1]);
  });

  it('counts those that read too slowly, not those that are closing', () => {
    const { push, add, ann, bob, cas } = newRegistry();
    for (const member of [ann, bob, cas]) add('g', member);
    ann.answer = 'congested';
    bob.answer = 'closed';
    expect(push('g')).toEqual({ known: true, delivered: 1, accepted: 0, missed: 1 });
  });

  it('lets a member leave that group only', () => {
    const { leave, push, add, ann } = newRegistry();
    add('g', ann);
    add('h', ann);
    expect(leave('g', ann)).toBe('ok');
    expect(push('h').delivered).toBe(1);
    expect(leave('g', ann)).toBe('not-a-member');
    expect(leave('nowhere', ann)).toBe('unknown');
  });

  it('still knows a group that its last member has left', () => {
    const { leave, push, add, ann, state } = newRegistry();
    add('g', ann);
    leave('g', ann);
    expect(push('g')).toEqual({ known: true, delivered: 0, accepted: 0, missed: 0 });
    expect(state.emptied.size).toBe(1);
    add('g', ann);
    expect(state.emptied.size).toBe(0);
    expect(push('g').delivered).toBe(1);
  });

  it('removes a group and nothing else', () => {
    const { remove, push, add, leave, ann, bob } = newRegistry();
    add('g', ann);
    add('g', bob);
    add('h', ann);
    expect(remove('g')).toEqual([ann, bob]);
    expect(push('g').known).toBe(false);
    expect(leave('g', ann)).toBe('unknown');
    expect(remove('g')).toBe('unknown');
    expect(push('h').delivered).toBe(1);
    expect(ann.closes).toEqual([]);
  });

  it('begins anew, without members, when a removed group is used again', () => {
    const { remove, push, add, ann, bob } = newRegistry();
    add('g', ann);
    remove('g');
    expect(add('g', bob)).toBe('ok');
    expect(push('g').delivered).toBe(1);
    expect(ann.frames).toEqual([]);
  });

  it('removes an emptied group', () => {
    const { remove, leave, push, add, ann, state } = newRegistry();
    add('g', ann);
    leave('g', ann);
    expect(remove('g')).toEqual([]);
    expect(push('g').known).toBe(false);
    expect(state.emptied.size).toBe(0);
  });

  it('refuses a retired name for ever', () => {
    const { remove, push, add, ann, bob } = newRegistry();
    add('g', ann);
    expect(remove('g', true)).toEqual([ann]);
    expect(add('g', bob)).toBe('retired');
    expect(push('g').known).toBe(false);
    expect(remove('g')).toBe('unknown');
    expect(add('g', bob)).toBe('retired');
  });

  it('retires a name that is not in use', () => {
    const { remove, add, ann } = newRegistry();
    expect(remove('g', true)).toBe('unknown');
    expect(add('g', ann)).toBe('retired');
  });

  it('takes a purged connection out of every group, and no other', () => {
    const { purge, push, add, ann, bob, state } = newRegistry();
    for (const group of ['g', 'h', 'i']) add(group, ann);
    add('g', bob);
    purge(ann);
    expect([push('g').delivered, push('h').delivered, push('i').delivered]).toEqual([1, 0, 0]);
    expect(ann.frames).toEqual([]);
    expect(ann.joinedGroups).toBeUndefined();
    expect([...state.emptied].map(({ name }) => name)).toEqual(['h', 'i']);
  });

  it.each(['__proto__', 'constructor', 'hasOwnProperty'])('takes %s for a name like any other', (name) => {
    const { push, add, ann } = newRegistry();
    expect(push(name).known).toBe(false);
    add(name, ann);
    expect(push(name).delivered).toBe(1);
  });

  it('lets a member be purged by the push that meets it, without missing another', () => {
    const { push, add, purge, ann, bob, cas } = newRegistry();
    for (const member of [ann, bob, cas]) add('g', member);
    ann.onPush = () => {
      purge(ann);
      purge(bob);
    };
    ann.answer = 'congested';
    expect(push('g')).toEqual({ known: true, delivered: 2, accepted: 0, missed: 1 });
    expect(push('g')).toEqual({ known: true, delivered: 1, accepted: 0, missed: 0 });
  });
});

describe('emptied groups', () => {
  function empty({ add, leave, ann }: ReturnType<typeof newRegistry>, group: string): void {
    add(group, ann);
    leave(group, ann);
  }

  it('are remembered up to a bound, the one emptied first is forgotten first', () => {
    const registry = newRegistry();
    const { push, state } = registry;
    for (let index = 0; index < REMEMBERED_EMPTIED_GROUPS; index++) empty(registry, `group ${index}`);
    expect(push('group 0').known).toBe(true);
    empty(registry, 'one more');
    expect(push('group 0').known).toBe(false);
    expect(push('group 1').known).toBe(true);
    expect(push('one more').known).toBe(true);
    expect(state.byName.size).toBe(REMEMBERED_EMPTIED_GROUPS);
    expect(state.emptied.size).toBe(REMEMBERED_EMPTIED_GROUPS);
  });

  it('are young again when they are used and emptied again', () => {
    const registry = newRegistry();
    for (let index = 0; index < REMEMBERED_EMPTIED_GROUPS; index++) empty(registry, `group ${index}`);
    empty(registry, 'group 0');
    empty(registry, 'one more');
    expect(registry.push('group 0').known).toBe(true);
    expect(registry.push('group 1').known).toBe(false);
  });

  it('are never forgotten in the place of a group with members', () => {
    const registry = newRegistry();
    registry.add('busy', registry.bob);
    for (let index = 0; index <= REMEMBERED_EMPTIED_GROUPS + 5; index++) empty(registry, `group ${index}`);
    expect(registry.push('busy').delivered).toBe(1);
  });

  it('are bounded when one connection leaves many groups at once', () => {
    const registry = newRegistry();
    for (let index = 0; index < REMEMBERED_EMPTIED_GROUPS + 100; index++) registry.add(`group ${index}`, registry.ann);
    registry.purge(registry.ann);
    expect(registry.state.byName.size).toBe(REMEMBERED_EMPTIED_GROUPS);
    expect(registry.ann.joinedGroups).toBeUndefined();
  });
});

/* The registry beside a simple model: sets of members by name. */
interface Model {
  readonly groups: Map<string, Set<FakeMember>>;
  readonly retired: Set<string>;
}

type Registry = ReturnType<typeof newRegistry>;

class Add implements fc.Command<Model, Registry> {
  readonly group: string;
  readonly member: number;
  constructor(group: string, member: number) {
    this.group = group;
    this.member = member;
  }
  check(): boolean {
    return true;
  }
  run({ groups, retired }: Model, real: Registry): void {
    const member = real.members[this.member]!;
    const isRetired = retired.has(this.group);
    expect(real.add(this.group, member)).toBe(isRetired ? 'retired' : 'ok');
    if (!isRetired) groups.set(this.group, (groups.get(this.group) ?? new Set()).add(member));
  }
  toString(): string {
    return `add ${this.member} to ${this.group}`;
  }
}

class Leave extends Add {
  override run({ groups }: Model, real: Registry): void {
    const member = real.members[this.member]!;
    const group = groups.get(this.group);
    const expected = group === undefined ? 'unknown' : group.delete(member) ? 'ok' : 'not-a-member';
    expect(real.leave(this.group, member)).toBe(expected);
  }
  override toString(): string {
    return `take ${this.member} out of ${this.group}`;
  }
}

class Push extends Add {
  override run({ groups }: Model, real: Registry): void {
    const except = real.members[this.member]!;
    const receivers = [...(groups.get(this.group) ?? [])].filter((member) => member !== except);
    const before = real.members.map(({ frames }) => frames.length);
    const known = groups.has(this.group);
    const answer = real.push(this.group, new Set([except.id]));
    expect(answer).toEqual({ known, delivered: receivers.length, accepted: 0, missed: 0 });
    real.members.forEach((member, index) => {
      expect(member.frames.length - before[index]!).toBe(receivers.includes(member) ? 1 : 0);
    });
  }
  override toString(): string {
    return `push to ${this.group} except ${this.member}`;
  }
}

class Remove implements fc.Command<Model, Registry> {
  readonly group: string;
  readonly retire: boolean;
  constructor(group: string, retire: boolean) {
    this.group = group;
    this.retire = retire;
  }
  check(): boolean {
    return true;
  }
  run({ groups, retired }: Model, real: Registry): void {
    const group = groups.get(this.group);
    expect(real.remove(this.group, this.retire)).toEqual(group === undefined ? 'unknown' : [...group]);
    groups.delete(this.group);
    if (this.retire) retired.add(this.group);
  }
  toString(): string {
    return `${this.retire ? 'retire' : 'remove'} ${this.group}`;
  }
}

class Purge implements fc.Command<Model, Registry> {
  readonly member: number;
  constructor(member: number) {
    this.member = member;
  }
  check(): boolean {
    return true;
  }
  run({ groups }: Model, real: Registry): void {
    const member = real.members[this.member]!;
    real.purge(member);
    for (const group of groups.values()) group.delete(member);
  }
  toString(): string {
    return `purge ${this.member}`;
  }
}

/** After each command: the maps say what the model says, both ways, and pages can rely on their order. */
class Look implements fc.Command<Model, Registry> {
  check(): boolean {
    return true;
  }
  run({ groups, retired }: Model, { state, members }: Registry): void {
    const held = new Map([...state.byName].map(([name, group]) => [name, new Set(group.members.keys())]));
    expect(held).toEqual(groups);
    expect(state.retired).toEqual(retired);
    const emptied = [...groups].filter(([, group]) => group.size === 0).map(([name]) => name);
    expect([...state.emptied].map(({ name }) => name).toSorted()).toEqual(emptied.toSorted());
    for (const member of members) {
      const own = [...groups].filter(([, group]) => group.has(member)).map(([name]) => name);
      const known = [...itemsOf(member.joinedGroups)].map(({ name }) => name);
      expect(known.toSorted()).toEqual(own.toSorted());
      expect(member.joinedGroups !== undefined, 'nothing is kept for who is in no group').toBe(own.length > 0);
    }
    const rising = (ordinals: number[]): void => expect(ordinals).toEqual(ordinals.toSorted((a, b) => a - b));
    rising([...state.byName.values()].map(({ ordinal }) => ordinal));
    for (const group of state.byName.values()) rising([...group.members.values()]);
  }
  toString(): string {
    return 'look';
  }
}

it('is what a simple model says, over random commands', () => {
  const group = fc.constantFrom('g', 'h', 'i', '__proto__');
  const member = fc.nat({ max: 3 });
  const commands = [
    fc.tuple(group, member).map(([name, index]) => new Add(name, index)),
    fc.tuple(group, member).map(([name, index]) => new Add(name, index)),
    fc.tuple(group, member).map(([name, index]) => new Leave(name, index)),
    fc.tuple(group, member).map(([name, index]) => new Push(name, index)),
    fc.tuple(group, fc.nat({ max: 5 })).map(([name, retire]) => new Remove(name, retire === 0)),
    member.map((index) => new Purge(index)),
    fc.constant(new Look()),
    fc.constant(new Look()),
  ];
  fc.assert(
    fc.property(fc.commands(commands, { maxCommands: 80, size: 'max' }), (drawn) => {
      const setup = () => ({ model: { groups: new Map(), retired: new Set<string>() }, real: newRegistry(4) });
      fc.modelRun(setup, drawn);
    }),
  );
});
