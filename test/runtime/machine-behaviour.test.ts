import { describe, expect, it } from 'vitest';
import {
  assign,
  createActor,
  createMachine,
  fromTransition,
  SimulatedClock,
  type AnyActor,
  type AnyActorRef,
  type AnyStateMachine,
  type InspectionEvent,
} from 'xstate';
import { watchInspection } from '../../src/runtime/inspection.ts';
import { createMachineBehaviour } from '../../src/runtime/machine-behaviour.ts';
import type { Performer, Seat } from '../../src/runtime/behaviour.ts';
import type { Connection } from '../../src/service/connection.ts';

const info = { id: 'c1' };
const connection = { info: () => info } as unknown as Connection;
const machineInput = { connection: connection.info(), auth: { user: 'u1' }, params: {}, query: undefined };
const text = { type: 'ws.text', text: 'hi' } as never;

interface Seated {
  readonly actor: AnyActor;
  readonly root: AnyActor;
  readonly told: unknown[];
  readonly inspected: InspectionEvent[];
  readonly receive: () => void;
  readonly stop: () => void;
}

/** `machine` at work for a connection, inspected or not. */
function seat(machine: AnyStateMachine, { isInspected = false } = {}): Seated {
  const clock = new SimulatedClock();
  const root = createActor(
    fromTransition((state: null) => state, null),
    { clock },
  ).start();
  watchInspection(root.system, false);
  const inspected: InspectionEvent[] = [];
  let actor: AnyActor | undefined;
  const inspection = root.system.inspect((event) => {
    if (event.type === '@xstate.actor') actor ??= event.actorRef as AnyActor;
    else inspected.push(event);
  });
  const told: unknown[] = [];
  const seat: Seat = {
    connection,
    machineInput,
    actor: root,
    stopChild: (child) => (child as unknown as { _stop(): void })._stop(),
    failed: (error, during) => told.push(['failed', during, (error as Error).message]),
    finished: () => told.push(['finished']),
  };
  const performer: Performer = createMachineBehaviour(machine).perform(seat);
  if (!isInspected) inspection.unsubscribe();
  inspected.length = 0;
  return {
    actor: actor!,
    root,
    told,
    inspected,
    receive: () => void performer.receive(connection, text),
    stop: () => performer.stop?.(),
  };
}

const counting = (): AnyStateMachine =>
  createMachine({
    id: 'counting',
    context: ({ input }: { input: unknown }) => ({ n: 0, input }),
    on: {
      'ws.text': {
        actions: assign({ n: ({ context }: { context: { n: number } }) => context.n + 1 } as never),
      },
    },
  } as never) as AnyStateMachine;

const numberOf = (actor: AnyActorRef): unknown => (actor.getSnapshot() as { context: { n: number } }).context.n;

describe('the machine of a connection', () => {
  it('has the options that XState gives an actor', () => {
    const { actor, root } = seat(counting());
    const input = machineInput;
    const theirs = createActor(counting(), { parent: root, id: 'service', src: 'counting', input });
    expect(Object.entries(actor.options)).toEqual(Object.entries(theirs.options));
    expect(Object.keys(actor)).toEqual(Object.keys(theirs));
    expect((actor.getSnapshot() as { context: object }).context).toEqual({ n: 0, input });
  });

  it.each([true, false])('receives messages and takes them in order, inspected: %s', (isInspected) => {
    const { actor, receive, inspected } = seat(counting(), { isInspected });
    receive();
    receive();
    expect(numberOf(actor)).toBe(2);
    const types = ['@xstate.event', '@xstate.microstep', '@xstate.snapshot'];
    expect(inspected.map(({ type }) => type)).toEqual(isInspected ? [...types, ...types] : []);
  });

  it('shows an inspector that comes later what happens from then on, and that its connection sends it', () => {
    const { actor, root, receive } = seat(counting());
    receive();
    const seen: unknown[] = [];
    const inspection = root.system.inspect((event) => {
      if (event.type === '@xstate.event') seen.push([(event.actorRef as AnyActorRef).id, event.sourceRef, event.event]);
    });
    receive();
    inspection.unsubscribe();
    receive();
    expect(seen).toEqual([['service', root, text]]);
    expect(numberOf(actor)).toBe(3);
  });

  it('tells of its failure once, and takes nothing more', () => {
    const { actor, told, receive } = seat(
      createMachine({
        on: {
          'ws.text': {
            actions: () => {
              throw new Error('boom');
            },
          },
        },
      }),
    );
    receive();
    receive();
    expect(told).toEqual([['failed', 'machine', 'boom']]);
    expect((actor.getSnapshot() as { status: string }).status).toBe('error');
  });

  it('tells of its end once', () => {
    const { told, receive } = seat(
      createMachine({ initial: 'a', states: { a: { on: { 'ws.text': 'b' } }, b: { type: 'final' } } }),
    );
    receive();
    receive();
    expect(told).toEqual([['finished']]);
  });

  it('tells of its end also when it is stopped', () => {
    const { told, stop, actor } = seat(counting());
    stop();
    expect(told).toEqual([['finished']]);
    expect((actor.getSnapshot() as { status: string }).status).toBe('stopped');
  });
});
