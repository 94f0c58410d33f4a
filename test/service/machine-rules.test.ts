import { describe, expect, it } from 'vitest';
import { enqueueActions, setup, type AnyStateMachine } from 'xstate';
import { connectionActions, defineMessages, defineService, messageActionsFor } from 'troupe';
import { z } from 'zod';
import { connect } from '../support/client.ts';
import { serve, watch } from '../support/server.ts';

const messages = defineMessages({
  incoming: { say: z.object({}), 'door.open': z.object({}) },
  outgoing: { said: z.object({}), sure: { message: z.object({}), reply: z.boolean() } },
});

/** Whatever a program without types may write. */
function machineOf(config: object) {
  return setup({}).createMachine(config);
}

const handling = (type: string) => machineOf({ states: { a: { on: { [type]: 'b' } }, b: {} }, initial: 'a' });

describe('a machine of a service with messages', () => {
  it.each([
    ['message.shout', 'it handles "message.shout", but the service\'s incoming messages are "say", "door.open"'],
    ['message.door.shut.*', 'it handles "message.door.shut.*", but the service\'s incoming messages are'],
    ['reply.said', 'it handles "reply.said", but the service\'s requests are "sure"'],
    ['unanswered.say', 'it handles "unanswered.say", but the service\'s requests are "sure"'],
  ])('that handles %s, which nobody sends, is refused when the service is defined', (type, reason) => {
    expect(() => defineService({ basePath: '/a', messages, machine: handling(type) })).toThrow(
      expect.objectContaining({
        code: 'TROUPE_MACHINE_UNFIT',
        fields: { service: '/a', reason: expect.stringContaining(reason) as string },
      }),
    );
  });

  it.each([
    'message.say',
    'message.door.*',
    'message.*',
    'reply.sure',
    'unanswered.*',
    'reply.*',
    '*',
    'own',
    'replyto',
  ])('may handle %s', (type) => {
    expect(defineService({ basePath: '/a', messages, machine: handling(type) }).name).toBe('/a');
  });

  it('is told that there are none of that kind', () => {
    const silent = defineMessages({ outgoing: { said: z.object({}) } });
    expect(() => defineService({ basePath: '/a', messages: silent, machine: handling('message.say') })).toThrow(
      'incoming messages are none',
    );
  });
});

describe('a machine of a service without messages', () => {
  it('calls its own events what it likes', () => {
    expect(defineService({ basePath: '/a', machine: handling('message.shout') }).name).toBe('/a');
  });
});

describe('a machine without types', () => {
  const actions = { ...connectionActions, ...messageActionsFor(messages), own: () => undefined };
  const acting = (config: object): AnyStateMachine => setup({ actions }).createMachine(config);
  const define = (machine: AnyStateMachine) => () => defineService({ basePath: '/a', machine });
  const reasoned = (reason: string): unknown =>
    expect.objectContaining({
      code: 'TROUPE_MACHINE_UNFIT',
      fields: { service: '/a', reason: expect.stringContaining(reason) as string },
    });

  it.each(['ws.txet', 'ws.auth.refreshed', 'ws.message', 'ws.auth.gone.*'])(
    'that handles %s, which is no event of a connection, is refused',
    (type) => {
      expect(define(handling(type))).toThrow(
        reasoned(`it handles "${type}", but the events of a connection are "ws.open"`),
      );
    },
  );

  const typo = { actions: 'pushTexts' };
  it.each<[string, object]>([
    ['on an event', { on: { 'ws.text': typo } }],
    ['always', { initial: 'a', states: { a: { always: { ...typo, target: 'b' } }, b: {} } }],
    ['after a while', { initial: 'a', states: { a: { after: { 5: typo } } } }],
    [
      'when it enters',
      { initial: 'a', states: { a: { initial: 'b', states: { b: { entry: [{ type: 'pushTexts' }] } } } } },
    ],
    ['when it leaves', { exit: ['own', 'pushTexts'] }],
    ['at its beginning', { initial: { target: 'a', actions: ['pushTexts'] }, states: { a: {} } }],
    [
      'when a state is done',
      { initial: 'a', states: { a: { initial: 'b', onDone: typo, states: { b: { type: 'final' } } } } },
    ],
    ['when an actor has failed', { invoke: { src: 'own', onError: typo } }],
  ])('that names an action that nothing implements %s is refused', (_where, config) => {
    expect(define(acting(config))).toThrow(
      reasoned('it names the action "pushTexts", which nothing implements; implemented are "pushText", "pushBinary"'),
    );
  });

  it.each(['pushText', { type: 'addConnectionToGroup' }])('that asks for %j without params is refused', (action) => {
    expect(define(acting({ entry: action }))).toThrow(reasoned('without params; write { type:'));
  });

  it('that pushes messages is refused where none are declared', () => {
    const machine = acting({ entry: { type: 'push', params: { message: { type: 'said' } } } });
    expect(define(machine)).toThrow(reasoned('it names the action "push", which is for messages'));
    expect(defineService({ basePath: '/a', messages, machine }).name).toBe('/a');
  });

  it('may close without params, and act by functions', () => {
    const machine = acting({ entry: ['closeConnection', () => undefined, { type: 'own' }], on: { 'ws.auth.*': {} } });
    expect(define(machine)().name).toBe('/a');
  });

  it('is told at the latest when an action is carried out which params are missing', async () => {
    const machine = acting({
      entry: enqueueActions(({ enqueue }) => enqueue({ type: 'pushText', params: undefined as never })),
    });
    const server = await serve([defineService({ basePath: '/a', machine })]);
    const crashes = watch(server.troupe, 'connection.crashed');
    await connect(server.url('/a'));

    expect((await crashes.next()).error).toMatchObject({
      code: 'TROUPE_ARGUMENT_INVALID',
      fields: { argument: 'params of the action "pushText"', received: 'undefined' },
    });
  });
});
