import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { frameText } from '../../src/delivery/frame.ts';
import { createNamedConnectionsState, namedConnectionsLogic } from '../../src/runtime/named-connections.ts';
import { ask } from '../../src/runtime/registry.ts';
import { itemsOf } from '../../src/runtime/few.ts';
import { fakeMembers, type FakeMember } from '../support/members.ts';

const frame = frameText('hi');

function newRegistry(count = 3) {
  const actor = createActor(namedConnectionsLogic<FakeMember>(), {
    input: createNamedConnectionsState<FakeMember>(),
  }).start();
  const state = actor.getSnapshot().context;
  const members = fakeMembers(count);
  const [ann, bob, cas] = members as [FakeMember, FakeMember, FakeMember];
  return {
    actor,
    state,
    members,
    ann,
    bob,
    cas,
    store: (name: string, connection: FakeMember) =>
      ask(actor, { type: 'name.store', name, connection }, { replaced: undefined }).replaced,
    push: (name: string) => ask(actor, { type: 'name.push', name, frame }, 'accepted'),
    remove: (name: string) => ask(actor, { type: 'name.remove', name }, 'unknown'),
    purge: (connection: FakeMember) => actor.send({ type: 'connection.purge', connection }),
  };
}

type Registry = ReturnType<typeof newRegistry>;

function namesOf({ state }: Registry): Record<string, string> {
  return Object.fromEntries([...state.byName].map(([name, { connection }]) => [name, connection.id]));
}

describe('the registry of named connections', () => {
  it('pushes to the connection that is stored under a name', () => {
    const { store, push, ann, bob } = newRegistry();
    expect(store('a', ann)).toBeUndefined();
    expect(push('a')).toBe('delivered');
    expect(ann.frames).toEqual([frame]);
    expect(bob.frames).toEqual([]);
  });

  it('knows no other names', () => {
    const { push, remove } = newRegistry();
    expect(push('a')).toBe('unknown');
    expect(remove('a')).toBe('unknown');
  });

  it.each(['closed', 'congested'] as const)('answers what the connection answers: %s', (answer) => {
    const { store, push, ann } = newRegistry();
    ann.answer = answer;
    store('a', ann);
    expect(push('a')).toBe(answer);
  });

  it('replaces the holder of a name, who keeps its other names', () => {
    const registry = newRegistry();
    const { store, push, ann, bob } = registry;
    store('a', ann);
    store('also a', ann);
    expect(store('a', bob)).toBe(ann);
    expect(namesOf(registry)).toEqual({ 'also a': ann.id, a: bob.id });
    push('a');
    push('also a');
    expect([ann.frames.length, bob.frames.length]).toEqual([1, 1]);
  });

  it('replaces nobody when a connection stores itself again', () => {
    const registry = newRegistry();
    const { store, ann } = registry;
    store('a', ann);
    expect(store('a', ann)).toBeUndefined();
    expect(namesOf(registry)).toEqual({ a: ann.id });
  });

  it('lets one connection hold several names', () => {
    const registry = newRegistry();
    for (const name of ['a', 'b', 'c']) registry.store(name, registry.ann);
    expect(Object.values(namesOf(registry))).toEqual([registry.ann.id, registry.ann.id, registry.ann.id]);
  });

  it('takes away the name only', () => {
    const registry = newRegistry();
    const { store, remove, push, ann } = registry;
    store('a', ann);
    store('b', ann);
    expect(remove('a')).toBe(ann);
    expect(push('a')).toBe('unknown');
    expect(push('b')).toBe('delivered');
    expect(ann.closes).toEqual([]);
  });

  it('forgets every name of a connection that is purged, and no other', () => {
    const registry = newRegistry();
    const { store, purge, ann, bob } = registry;
    store('a', ann);
    store('b', ann);
    store('c', bob);
    purge(ann);
    expect(namesOf(registry)).toEqual({ c: bob.id });
    purge(ann);
    expect(ann.heldNames).toBeUndefined();
  });

  it('leaves a name alone that a purged connection has lost before', () => {
    const registry = newRegistry();
    const { store, purge, ann, bob } = registry;
    store('a', ann);
    store('a', bob);
    purge(ann);
    expect(namesOf(registry)).toEqual({ a: bob.id });
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('takes %s for a name like any other', (name) => {
    const { store, push, remove, ann } = newRegistry();
    expect(push(name)).toBe('unknown');
    store(name, ann);
    expect(push(name)).toBe('delivered');
    expect(remove(name)).toBe(ann);
  });

  it('keeps one snapshot, which holds what is known now', () => {
    const { actor, store, ann } = newRegistry();
    const before = actor.getSnapshot();
    store('a', ann);
    expect(actor.getSnapshot()).toBe(before);
    expect(before.context.byName.size).toBe(1);
  });

  it('carries out what it is asked from within itself right after', () => {
    const registry = newRegistry();
    const { actor, store, ann, bob } = registry;
    store('a', ann);
    store('b', bob);
    const answers: unknown[] = [];
    ann.onPush = () => answers.push(ask(actor, { type: 'name.push', name: 'b', frame }, 'accepted'));
    registry.push('a');
    expect(answers).toEqual(['accepted']);
    expect(bob.frames).toHaveLength(1);
  });

  it('is what a simple model says, over random sequences', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', '__proto__');
    const member = fc.nat({ max: 3 });
    const steps = fc.array(
      fc.oneof(
        { weight: 4, arbitrary: fc.record({ do: fc.constant('store' as const), name, member }) },
        { weight: 2, arbitrary: fc.record({ do: fc.constant('push' as const), name }) },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), name }) },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('purge' as const), member }) },
      ),
      { maxLength: 60, size: 'max' },
    );
    fc.assert(
      fc.property(steps, (drawn) => {
        const registry = newRegistry(4);
        const { members, state } = registry;
        const model = new Map<string, FakeMember>();
        const pushed = new Map<FakeMember, number>();
        for (const step of drawn) {
          switch (step.do) {
            case 'store': {
              const connection = members[step.member]!;
              const holder = model.get(step.name);
              expect(registry.store(step.name, connection)).toBe(holder === connection ? undefined : holder);
              model.set(step.name, connection);
              break;
            }
            case 'push': {
              const holder = model.get(step.name);
              expect(registry.push(step.name)).toBe(holder === undefined ? 'unknown' : 'delivered');
              if (holder !== undefined) pushed.set(holder, (pushed.get(holder) ?? 0) + 1);
              break;
            }
            case 'remove':
              expect(registry.remove(step.name)).toBe(model.get(step.name) ?? 'unknown');
              model.delete(step.name);
              break;
            case 'purge':
              registry.purge(members[step.member]!);
              for (const [one, holder] of model) if (holder === members[step.member]) model.delete(one);
              break;
          }
          expect(new Map([...state.byName].map(([one, { connection }]) => [one, connection]))).toEqual(model);
          const ordinals = [...state.byName.values()].map(({ ordinal }) => ordinal);
          expect(ordinals, 'pages are in this order').toEqual(ordinals.toSorted((a, b) => a - b));
          for (const connection of members) {
            const own = [...model].filter(([, holder]) => holder === connection).map(([one]) => one);
            expect([...itemsOf(connection.heldNames)].toSorted()).toEqual(own.toSorted());
            expect(connection.heldNames !== undefined, 'nothing is kept for who has no name').toBe(own.length > 0);
            expect(connection.frames.length).toBe(pushed.get(connection) ?? 0);
          }
        }
      }),
    );
  });
});
