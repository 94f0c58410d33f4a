/** What the property of planned machines does not hold: see `planned-machine.property.test.ts` for the rest. */
import { describe, expect, it, vi } from 'vitest';
import { createActor, createMachine, fromTransition, type AnyActor, type AnyStateMachine } from 'xstate';
import { isolateSystem } from '../../src/runtime/isolation.ts';
import { createMachineActor } from '../../src/runtime/machine-actor.ts';
import { planMachine, type PlanCounts } from '../../src/runtime/planned-machine.ts';

interface Beneath {
  readonly actor: AnyActor;
  readonly counts: PlanCounts;
  readonly failures: readonly [actor: unknown, error: unknown][];
}

/** An actor whose one action is `act`, in a system where nobody follows anything. */
function unfollowed(act: () => unknown): Beneath {
  const failures: [unknown, unknown][] = [];
  const root = createActor(fromTransition((state: null) => state, null)).start();
  isolateSystem(root.system, {
    actorFailed: (actor, error) => failures.push([actor, error]),
    observerFailed: () => {},
    during: (userCode) => userCode(),
    isFollowed: () => false,
  });
  const machine = createMachine({
    on: { go: { actions: act as () => void } },
  }) as AnyStateMachine;
  const counts = planMachine(machine, ['go']);
  const options = { parent: root, id: 'service', src: 'm', input: undefined };
  // The first one of a process is XState's own.
  createMachineActor(machine, options);
  return {
    actor: createMachineActor(machine, options).start(),
    counts,
    failures,
  };
}

describe('an event that nobody follows', () => {
  it('is taken quietly also by the first actor of a process, which XState makes', async () => {
    vi.resetModules();
    const isolation = await import('../../src/runtime/isolation.ts');
    const first = await import('../../src/runtime/machine-actor.ts');
    const plans = await import('../../src/runtime/planned-machine.ts');
    const root = createActor(fromTransition((state: null) => state, null)).start();
    const ignored = { actorFailed: () => {}, observerFailed: () => {}, during: (userCode: () => void) => userCode() };
    isolation.isolateSystem(root.system, { ...ignored, isFollowed: () => false });
    const machine = createMachine({ on: { go: { actions: () => {} } } }) as AnyStateMachine;
    const counts = plans.planMachine(machine, ['go']);
    const actor = first
      .createMachineActor(machine, { parent: root, id: 'service', src: 'm', input: undefined })
      .start();
    for (let index = 0; index < 3; index++) actor.send({ type: 'go' });
    expect(counts).toMatchObject({ planned: 3, quiet: 2 });
  });

  it('is taken quietly from the second of its kind on, when it is known what it does', () => {
    let acted = 0;
    const { actor, counts } = unfollowed(() => acted++);
    for (let index = 0; index < 3; index++) actor.send({ type: 'go' });
    expect(acted).toBe(3);
    expect(counts).toMatchObject({ planned: 3, quiet: 2 });
  });

  it('is left to whoever has replaced what the machine does with it', () => {
    let acted = 0;
    const { actor, counts } = unfollowed(() => acted++);
    for (let index = 0; index < 2; index++) actor.send({ type: 'go' });
    const machine = actor.logic as AnyStateMachine;
    machine.transition = (snapshot) => snapshot;
    actor.send({ type: 'go' });
    expect(acted).toBe(2);
    expect(counts.quiet).toBe(1);
  });

  it('tells of an async action that rejects, as every other does', async () => {
    const { actor, counts, failures } = unfollowed(() => Promise.reject(new Error('boom')));
    for (let index = 0; index < 2; index++) actor.send({ type: 'go' });
    await new Promise(setImmediate);
    expect(counts.quiet).toBe(1);
    expect(failures).toEqual([
      [actor, new Error('boom')],
      [actor, new Error('boom')],
    ]);
  });
});
