import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  Actor,
  createActor,
  createMachine,
  emit,
  fromTransition,
  type AnyActor,
  type AnyStateMachine,
  type InspectionEvent,
} from 'xstate';
import { createMachineActor, type MachineActorOptions } from '../../src/runtime/machine-actor.ts';

const logger = (): void => {};
const idle = fromTransition((state: null) => state, null);
const options = (): MachineActorOptions => ({
  parent: createActor(idle, { logger }).start(),
  id: 'service',
  src: 'm',
  input: { some: 'input' },
});
const machine = (): AnyStateMachine =>
  createMachine({
    id: 'm',
    context: ({ input }: { input: unknown }) => ({ input }),
    on: { go: { actions: emit({ type: 'said' }) } },
  } as never) as AnyStateMachine;

// The first one of a process is XState's own.
createMachineActor(machine(), options());

type Make = (machine: AnyStateMachine, options: MachineActorOptions) => AnyActor;
const makes: readonly Make[] = [createMachineActor, (of, by) => createActor(of, by)];
const both = (what: (make: Make) => unknown): void => {
  const [ours, theirs] = makes.map(what);
  expect(ours).toEqual(theirs);
};

interface Internals {
  readonly _actorScope: Readonly<Record<string, unknown>> & {
    stopChild: (child: unknown) => void;
    actionExecutor: (action: object) => void;
  };
  readonly mailbox: object;
  readonly _deferred: readonly unknown[];
}
const internalsOf = (actor: AnyActor): Internals => actor as unknown as Internals;
const kindOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? [value.constructor.name, Object.keys(value)] : typeof value;

describe('the actor of a machine', () => {
  it('has the fields that XState gives it, of the same kinds and in the same order, and its prototype', () => {
    both((make) => Object.entries(make(machine(), options())).map(([name, value]) => [name, kindOf(value)]));
    both((make) => internalsOf(make(machine(), options())).mailbox.constructor);
    expect(Object.getPrototypeOf(createMachineActor(machine(), options()))).toBe(Actor.prototype);
  });

  it('is not made by XState itself, but for the first of a process', () => {
    const [ours, theirs] = makes.map((make) => String(internalsOf(make(machine(), options()))._actorScope['emit']));
    expect(ours).not.toBe(theirs);
  });

  it('has the values of its options, of its parent and of its system', () => {
    both((make) => {
      const given = options();
      const logic = machine();
      const actor = make(logic, given);
      const { clock, options: kept, system, _parent, ref, src, id, sessionId } = actor;
      const { logger: its } = actor as unknown as { logger: unknown };
      const { _actorScope: scope } = internalsOf(actor);
      const isBooked = /^x:\d+$/.test(sessionId);
      return [
        [clock === given.parent.system._clock, its === logger, system === given.parent.system, isBooked],
        [_parent === given.parent, ref === actor, src, id, (actor as unknown as { logic: unknown }).logic === logic],
        Object.entries(kept).filter(([name]) => name !== 'parent'),
        [Object.keys(scope), scope['self'] === actor, scope['system'] === system, scope['logger'] === logger],
        [scope['id'], scope['sessionId'] === sessionId, (actor.getSnapshot() as { context: unknown }).context],
      ];
    });
  });

  it('is told of to inspectors before it begins', () => {
    both((make) => {
      const given = options();
      const seen: unknown[] = [];
      given.parent.system.inspect((event: InspectionEvent) =>
        seen.push([event.type, (event.actorRef as AnyActor).getSnapshot() === undefined]),
      );
      make(machine(), given).start();
      return seen;
    });
  });

  it('sends also when `send` is taken from it', () => {
    both((make) => {
      const actor = make(machine(), options()).start();
      const send = Reflect.get(actor, 'send') as (event: { type: string }) => void;
      const emitted: unknown[] = [];
      actor.on('said', (event) => emitted.push(event));
      actor.on('*', (event) => emitted.push(['any', event]));
      actor.on('other', (event) => emitted.push(event));
      send({ type: 'go' });
      return emitted;
    });
  });

  it('lets a listener that throws throw later, and tells the others', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    both((make) => {
      const actor = make(machine(), options()).start();
      let told = 0;
      actor.on('said', () => {
        throw new Error('boom');
      });
      actor.on('*', () => told++);
      actor.send({ type: 'go' });
      let thrown: unknown;
      try {
        vi.runAllTimers();
      } catch (error) {
        thrown = error;
      }
      return [told, String(thrown)];
    });
  });

  it('stops its own children and no others', () => {
    both((make) => {
      const actor = make(machine(), options()).start();
      const child = createActor(idle, { parent: actor }).start();
      const stranger = createActor(idle, { id: 'stranger' }).start();
      const { stopChild } = internalsOf(actor)._actorScope;
      stopChild(child);
      expect(() => stopChild(stranger)).toThrow(
        'Cannot stop child actor stranger of service because it is not a child',
      );
      return [
        child.getSnapshot().status,
        stranger.getSnapshot().status,
        (child as unknown as { _processingStatus: number })._processingStatus,
      ];
    });
  });

  it('keeps actions until it runs, and calls them as methods of what it was given', () => {
    both((make) => {
      const done: unknown[] = [];
      const actor = make(machine(), options());
      const { _actorScope: scope } = internalsOf(actor);
      const action = {
        type: 'act',
        info: 'info',
        params: 'params',
        exec(this: unknown, ...args: unknown[]) {
          done.push([this === action, ...args]);
        },
      };
      scope.actionExecutor(action);
      scope.actionExecutor({ type: 'nothing', info: 'info', params: undefined, exec: undefined });
      done.push(internalsOf(actor)._deferred.length);
      actor.start();
      scope.actionExecutor(action);
      return done;
    });
  });
});
