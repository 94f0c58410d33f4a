import { assign, setup } from 'xstate';
import { describe, expect, it } from 'vitest';
import {
  connectionActions,
  defineMessages,
  defineService,
  messageActionsFor,
  serviceSetup,
  type MessageEvent,
  type RequestReference,
  type WsEvent,
} from 'troupe';
import { z } from 'zod';
import { connect } from '../support/client.ts';
import { serve, watch } from '../support/server.ts';
import { hear, send } from '../support/talker.ts';

const declarations = {
  incoming: {
    name: z.object({ nick: z.string() }),
    say: z.object({ text: z.string() }),
    leave: z.object({}),
    secret: { message: z.object({}), reply: z.string() },
  },
  outgoing: { said: z.object({ text: z.string() }) },
} as const;
const answering = defineMessages({ ...declarations, onUnacceptedMessage: 'reply' });
const silent = defineMessages(declarations);

const machine = serviceSetup<{ nick: string }, never, { messages: typeof answering }>()
  .extend({
    guards: {
      isNick: ({ event }) => event.type === 'message.name' && event.message.nick !== '',
      never: () => false,
    },
    actions: { remember: assign({ nick: ({ event }) => (event.type === 'message.name' ? event.message.nick : '') }) },
  })
  .createMachine({
    context: { nick: '' },
    initial: 'naming',
    on: { 'message.leave': { actions: { type: 'closeConnection' } } },
    states: {
      naming: { on: { 'message.name': { guard: 'isNick', target: 'chatting', actions: 'remember' } } },
      chatting: {
        on: {
          'message.say': {
            actions: {
              type: 'broadcast',
              params: ({ context, event }) => ({
                message: { type: 'said', text: `${context.nick}: ${event.message.text}` },
              }),
            },
          },
          'message.secret': { guard: 'never', actions: { type: 'reply', params: { result: '' } } },
        },
      },
    },
  });

describe('a machine that answers what it does not accept', () => {
  it('says in which state it is and what is accepted in it, read off its transitions', async () => {
    const server = await serve([defineService({ basePath: '/chat', messages: answering, machine })]);
    const rejected = watch(server.troupe, 'message.rejected');
    const alice = await connect(server.url('/chat'));
    send(alice, { type: 'say', text: 'hi' });
    expect(await hear(alice)).toEqual({
      type: 'error',
      code: 'not-accepted',
      of: 'say',
      message: '"say" is not accepted in state "naming". Accepted: "name", "leave".',
      state: 'naming',
      accepted: ['name', 'leave'],
    });
    expect(await rejected.next()).toMatchObject({ reason: 'not-accepted', type: 'say', answer: 'error' });
    send(alice, { type: 'name', nick: 'ada' });
    send(alice, { type: 'say', text: 'hi' });
    expect(await hear(alice)).toEqual({ type: 'said', text: 'ada: hi' });
  });

  it('asks the guards, and answers a request under its id', async () => {
    const server = await serve([defineService({ basePath: '/chat', messages: answering, machine })]);
    const alice = await connect(server.url('/chat'));
    send(alice, { type: 'name', nick: '' });
    expect(await hear(alice)).toMatchObject({ code: 'not-accepted', of: 'name', accepted: ['name', 'leave'] });
    send(alice, { type: 'name', nick: 'ada' });
    send(alice, { type: 'secret', id: 7 });
    expect(await hear(alice)).toMatchObject({ id: 7, code: 'not-accepted', state: 'chatting' });
  });

  it('says nothing unless its service chooses so', async () => {
    const server = await serve([defineService({ basePath: '/chat', messages: silent, machine })]);
    const alice = await connect(server.url('/chat'));
    send(alice, { type: 'say', text: 'unheard' });
    send(alice, { type: 'name', nick: 'ada' });
    send(alice, { type: 'say', text: 'hi' });
    expect(await hear(alice)).toEqual({ type: 'said', text: 'ada: hi' });
  });
});

describe('a machine that replies later', () => {
  it('keeps the request and names it in its reply or its refusal', async () => {
    const messages = defineMessages({
      incoming: { order: { message: z.object({}), reply: z.number() }, decide: z.object({ isGood: z.boolean() }) },
      errors: { soldOut: 'Sold out.' },
    });
    const ordering = setup({
      types: {} as {
        context: { open?: RequestReference | undefined };
        events: WsEvent | MessageEvent<typeof messages>;
      },
      actions: { ...connectionActions, ...messageActionsFor(messages) },
    }).createMachine({
      context: {},
      on: {
        'message.order': { actions: assign({ open: ({ event }) => event.request }) },
        'message.decide': [
          {
            guard: ({ event }) => event.message.isGood,
            actions: { type: 'reply', params: ({ context }) => ({ result: 42, to: context.open }) },
          },
          { actions: { type: 'refuse', params: ({ context }) => ({ code: 'soldOut', to: context.open }) } },
        ],
      },
    });
    const server = await serve([defineService({ basePath: '/shop', messages, machine: ordering })]);
    const alice = await connect(server.url('/shop'));
    send(alice, { type: 'order', id: 'a' });
    send(alice, { type: 'decide', isGood: true });
    expect(await hear(alice)).toEqual({ type: 'reply', id: 'a', result: 42 });
    send(alice, { type: 'order', id: 'b' });
    send(alice, { type: 'decide', isGood: false });
    expect(await hear(alice)).toEqual({ type: 'error', id: 'b', of: 'order', code: 'soldOut', message: 'Sold out.' });
  });
});
