import { describe, expect, it } from 'vitest';
import {
  createActor,
  fromTransition,
  type ActorLogic,
  type AnyActorRef,
  type EventObject,
  type Snapshot,
} from 'xstate';
import { inspectionOf, watchActors, watchInspection, type ActorWatcher } from '../../src/runtime/inspection.ts';

const newSystem = () => createActor(fromTransition((state: null) => state, null)).system;

describe('the inspection of a system', () => {
  it('counts as on where nobody watches over it, so that no inspector misses anything', () => {
    expect(inspectionOf(newSystem()).isOn).toBe(true);
  });

  it('is on while there is an inspector, and off when the last one has gone', () => {
    const system = newSystem();
    watchInspection(system, false);
    const inspection = inspectionOf(system);
    expect(inspection.isOn).toBe(false);
    const [one, other] = [system.inspect(() => {}), system.inspect(() => {})];
    one.unsubscribe();
    expect(inspection.isOn).toBe(true);
    one.unsubscribe();
    expect(inspection.isOn).toBe(true);
    other.unsubscribe();
    expect(inspection.isOn).toBe(false);
  });

  it('stays on for good in a system that was made with an inspector', () => {
    const system = newSystem();
    watchInspection(system, true);
    system.inspect(() => {}).unsubscribe();
    expect(inspectionOf(system).isOn).toBe(true);
  });

  it('hands on what happens, until the inspector has gone', () => {
    const root = createActor(fromTransition((state: null) => state, null));
    watchInspection(root.system, false);
    const seen: string[] = [];
    const subscription = root.system.inspect(({ type }) => void seen.push(type));
    root.start();
    subscription.unsubscribe();
    root.send({ type: 'x' });
    expect(seen).toEqual(['@xstate.event', '@xstate.snapshot']);
  });
});

describe('an actor that fails', () => {
  const error = new Error('it broke');
  const initial = { status: 'active', output: undefined, error: undefined } as const;
  const failing = (transition: () => Snapshot<undefined>): ActorLogic<Snapshot<undefined>, EventObject> => ({
    transition,
    getInitialSnapshot: () => initial,
    getPersistedSnapshot: (snapshot) => snapshot,
  });

  it.each<[string, () => Snapshot<undefined>]>([
    [
      'throws',
      () => {
        throw error;
      },
    ],
    ['says so', () => ({ ...initial, status: 'error', error })],
  ])('because its logic %s is told of once, before its parent is told', (_how, transition) => {
    const root = createActor(fromTransition((state: null) => state, null));
    watchInspection(root.system, false);
    const child = createActor(failing(transition), { parent: root, id: 'child' });
    for (const actor of [root, child]) actor.start();
    const seen: unknown[] = [];
    root.system.inspect((event) => {
      const status = event.type === '@xstate.snapshot' ? event.snapshot.status : undefined;
      seen.push([event.actorRef === child ? 'child' : 'root', event.type, status]);
    });
    child.send({ type: 'x' });
    expect(seen).toEqual([
      ['child', '@xstate.event', undefined],
      ['child', '@xstate.snapshot', 'error'],
      ['root', '@xstate.event', undefined],
      ['root', '@xstate.snapshot', 'active'],
    ]);
  });
});

describe('a watcher of some actors', () => {
  /** A root with two children, and a list of what a watcher is told: of `wanted`, and of children that are made. */
  function newFamily() {
    const logic = fromTransition((state: null) => state, null);
    const root = createActor(logic);
    watchInspection(root.system, false);
    const child = (id: string): AnyActorRef => createActor(logic, { parent: root, id });
    const [one, other] = [child('one'), child('other')];
    const told: string[] = [];
    const watcher: ActorWatcher = {
      wantsChildrenOf: (parentId) => parentId === root.sessionId,
      next: ({ type, actorRef }) => void told.push(`${(actorRef as AnyActorRef).id} ${type}`),
    };
    for (const actor of [root, one, other]) actor.start();
    return { root, one, other, child, told, watcher };
  }

  it('is told of those that it wants, and of no others', () => {
    const { root, one, other, told, watcher } = newFamily();
    const watching = watchActors(root.system, watcher);
    watching.add(one);
    one.send({ type: 'x' });
    other.send({ type: 'x' });
    expect(told).toEqual(['one @xstate.event', 'one @xstate.snapshot']);
    watching.add(other);
    other.send({ type: 'x' });
    watching.end();
    one.send({ type: 'x' });
    expect(told.slice(2)).toEqual(['other @xstate.event', 'other @xstate.snapshot']);
  });

  it('is told of an actor that another watches as well until it watches it no longer', () => {
    const { root, one, told, watcher } = newFamily();
    const alsoTold: string[] = [];
    const [first, second] = [watcher, { ...watcher, next: () => void alsoTold.push('told') }].map((each) =>
      watchActors(root.system, each),
    );
    for (const watching of [first!, first!, second!]) watching.add(one);
    first!.remove(one);
    first!.remove(one);
    one.send({ type: 'x' });
    expect([told.length, alsoTold.length]).toEqual([0, 2]);
    second!.end();
    one.send({ type: 'x' });
    expect([told.length, alsoTold.length]).toEqual([0, 2]);
    expect(inspectionOf(root.system).watches(one)).toBe(false);
  });

  it('is told of new actors of the parents that it wants', () => {
    const { root, one, child, told, watcher } = newFamily();
    const watching = watchActors(root.system, watcher);
    const third = child('third');
    createActor(
      fromTransition((state: null) => state, null),
      { parent: one, id: 'grandchild' },
    );
    watching.end();
    child('fourth');
    expect(third.id).toBe('third');
    expect(told).toEqual(['third @xstate.actor']);
  });

  it('lets the inspection of all others be off', () => {
    const { root, one, other, watcher } = newFamily();
    const inspection = inspectionOf(root.system);
    const watching = watchActors(root.system, watcher);
    watching.add(one);
    expect(inspection.isOn).toBe(true);
    expect([inspection.watches(one), inspection.watches(other)]).toEqual([true, false]);
    expect(inspection.watchesChildrenOf(root.sessionId)).toBe(true);
    expect(inspection.watchesChildrenOf(one.sessionId)).toBe(false);
    watching.end();
    expect(inspection.isOn).toBe(false);
    expect([inspection.watches(one), inspection.watches(other)]).toEqual([false, false]);
  });

  it('leaves an inspector of everything what it has', () => {
    const { root, one, other, told, watcher } = newFamily();
    const seen: string[] = [];
    const everything = root.system.inspect(({ actorRef }) => void seen.push((actorRef as AnyActorRef).id));
    const watching = watchActors(root.system, watcher);
    watching.add(one);
    other.send({ type: 'x' });
    expect(inspectionOf(root.system).watches(other)).toBe(true);
    everything.unsubscribe();
    other.send({ type: 'x' });
    one.send({ type: 'x' });
    watching.end();
    expect(seen).toEqual(['other', 'other']);
    expect(told).toEqual(['one @xstate.event', 'one @xstate.snapshot']);
  });

  it('needs a system whose inspection is noticed', () => {
    expect(() => watchActors(newSystem(), newFamily().watcher)).toThrow('nobody notices');
  });
});
