// oxlint-disable typescript/no-unsafe-call -- what must not compile has no type
import { type as ark } from 'arktype';
import { assign, setup as xstateSetup } from 'xstate';
import {
  Authenticate,
  defineMessages,
  defineService,
  OnMessage,
  OnOpen,
  ServiceConfig,
  serviceSetup,
  type ClientMessage,
  type Connection,
  type MessageConnection,
  type MessageEvent,
  type MessageIn,
  type ServerMessage,
  type ServiceMachineInput,
  type WsEvent,
} from 'troupe';
import * as v from 'valibot';
import { z } from 'zod';

// One declaration with three libraries: the types do not depend on which.
const messages = defineMessages({
  incoming: {
    say: z.object({ text: z.string(), at: z.iso.datetime().transform((text) => new Date(text)) }),
    move: v.object({ x: v.number() }),
    add: { message: ark({ a: 'number', b: 'number' }), reply: z.number() },
  },
  outgoing: {
    said: z.object({ text: z.string(), at: z.date().transform((date) => date.toISOString()) }),
    confirm: { message: z.object({ question: z.string() }), reply: v.boolean() },
  },
  errors: { quiet: 'Nobody speaks at night.' },
});

defineService({
  basePath: '/{room}',
  messages,
  onOpen(connection) {
    connection.push({ type: 'said', text: connection.params.room, at: new Date() });
    // @ts-expect-error: text it takes, not what it makes of it
    connection.push({ type: 'said', text: 'a', at: 'now' });
    // @ts-expect-error: not an outgoing message
    connection.push({ type: 'say', text: 'a', at: new Date() });
    // @ts-expect-error: a request is asked, not pushed
    connection.push({ type: 'confirm', question: 'a' });
    // @ts-expect-error: the path has no such segment
    void connection.params.roomm;
  },
  async onMessage(connection, message) {
    switch (message.type) {
      case 'say':
        connection.broadcast({ type: 'said', text: message.text, at: message.at }, { except: [connection] });
        return;
      case 'move':
        connection.pushText(message.x.toFixed());
        // @ts-expect-error: it has no such field
        void message.text;
        return;
      case 'add': {
        const sure: boolean = await connection.request({ type: 'confirm', question: 'sure?' }, { timeoutMs: 5 });
        // @ts-expect-error: not a request
        await connection.request({ type: 'said', text: 'a', at: new Date() });
        if (!sure) throw messages.refusal('quiet');
        // @ts-expect-error: no such refusal
        void messages.refusal('loud');
        return message.a + message.b;
      }
    }
  },
});

defineService({
  basePath: '/a',
  messages,
  // @ts-expect-error: the reply to "add" is a number
  onMessage: () => 'three',
});

// @ts-expect-error: without messages there are none to handle
defineService({ basePath: '/a', onMessage: () => undefined });

// @ts-expect-error: a schema, not a type
defineMessages({ incoming: { say: 'string' } });

// @ts-expect-error: a message has fields
defineMessages({ incoming: { say: z.string() } });

export function withoutMessages(connection: Connection): void {
  // @ts-expect-error: only connections of services that declare messages push them
  connection.push({ type: 'said' });
}

export class Annotated {
  @OnMessage(messages) said(connection: MessageConnection<typeof messages>, message: MessageIn<typeof messages>) {
    if (message.type === 'say') connection.push({ type: 'said', text: message.text, at: message.at });
  }
  @OnMessage() unchecked(_connection: MessageConnection<typeof messages>, _message: MessageIn<typeof messages>) {}
  // @ts-expect-error: not its messages
  @OnMessage(messages) other(_connection: Connection, _message: { type: 'other' }) {}
}

const setup = serviceSetup<{ last: string }, never, { messages: typeof messages }>().extend({
  actions: { remember: assign({ last: ({ event }) => (event.type === 'message.say' ? event.message.text : '') }) },
});
export const machine = setup.createMachine({
  context: { last: '' },
  on: {
    'message.say': {
      actions: [
        'remember',
        {
          type: 'push',
          params: ({ event }) => ({ message: { type: 'said', text: event.message.text, at: event.message.at } }),
        },
      ],
    },
    'message.add': {
      actions: { type: 'reply', params: ({ event }) => ({ result: event.message.a + event.message.b }) },
    },
    'message.move': { actions: { type: 'request', params: { message: { type: 'confirm', question: 'sure?' } } } },
    'reply.confirm': { actions: ({ event }) => void (event.data satisfies boolean) },
    'unanswered.confirm': { actions: ({ event }) => void event.error.code },
  },
});
setup.createMachine({
  context: { last: '' },
  // @ts-expect-error: "said" has a text
  on: { 'message.say': { actions: { type: 'push', params: { message: { type: 'said' } } } } },
});
setup.createMachine({
  context: { last: '' },
  // @ts-expect-error: no such message
  on: { 'message.shout': { actions: 'remember' } },
});
serviceSetup().createMachine({
  // @ts-expect-error: a machine without messages pushes none
  on: { 'ws.open': { actions: { type: 'push', params: { message: { type: 'said' } } } } },
});

// What a client sends and receives is JSON, worked out of the same declaration.
export const sent: ClientMessage<typeof messages>[] = [
  { type: 'say', text: 'a', at: '2026-01-01T00:00:00Z' },
  { type: 'add', id: 1, a: 1, b: 2 },
  { type: 'reply', id: 1, result: true },
  // @ts-expect-error: a date is no JSON
  { type: 'say', text: 'a', at: new Date() },
];
export function received(message: ServerMessage<typeof messages>): string {
  switch (message.type) {
    case 'said':
      return message.text + message.at.slice(1);
    case 'confirm':
      return message.question + message.id.toFixed();
    case 'reply':
      return message.result.toFixed();
    case 'error':
      return message.code === 'quiet' || message.code === 'invalid' ? message.message : (message.of ?? '');
  }
}

const other = defineMessages({
  discriminator: 'kind',
  correlation: 'ref',
  incoming: { ask: { message: z.object({}), reply: z.string() } },
});
export const kinds: ClientMessage<typeof other> = { kind: 'ask', ref: 'a' };
defineService({
  messages: other,
  onMessage: (_connection, message) => message.kind,
});

// What a handshake found out and what is declared are known together, in each form.
const user = { name: 'ada' };
defineService({
  basePath: '/{room}',
  messages,
  query: z.object({ page: z.coerce.number() }),
  authenticate: ({ params, query }) => query.page > 0 && { ...user, room: params.room },
  onOpen(connection) {
    connection.push({ type: 'said', text: connection.auth.name + connection.params.room, at: new Date() });
    connection.pushText(connection.query.page.toFixed());
    // @ts-expect-error: the auth has no such field
    void connection.auth.nick;
    // @ts-expect-error: not an outgoing message
    connection.push({ type: 'say', text: connection.auth.name, at: new Date() });
  },
  onMessage(connection, message) {
    if (message.type === 'add') return message.a + connection.auth.room.length;
    if (message.type === 'say') connection.push({ type: 'said', text: connection.auth.name, at: message.at });
    // @ts-expect-error: the auth has no such field
    void connection.auth.nick;
    return undefined;
  },
  onAuthExpiring(connection, { expiresAt }) {
    connection.push({ type: 'said', text: connection.auth.name, at: new Date(expiresAt) });
  },
});

@ServiceConfig({ messages })
export class Both {
  @Authenticate() static admits() {
    return user;
  }
  @OnMessage(messages) said(
    connection: MessageConnection<typeof messages, unknown, typeof user>,
    message: MessageIn<typeof messages>,
  ) {
    if (message.type === 'say') connection.push({ type: 'said', text: connection.auth.name, at: message.at });
    // @ts-expect-error: the auth has no such field
    void connection.auth.nick;
  }
  @OnOpen() opened(connection: MessageConnection<typeof messages, unknown, typeof user>) {
    connection.push({ type: 'said', text: connection.auth.name, at: new Date() });
  }
}

const both = serviceSetup<{ name: string }, never, { auth: typeof user; messages: typeof messages }>().createMachine({
  context: ({ input }) => ({ name: input.auth.name }),
  on: {
    'message.say': {
      actions: {
        type: 'push',
        params: ({ context, event }) => ({ message: { type: 'said', text: context.name, at: event.message.at } }),
      },
    },
  },
});
defineService({ basePath: '/a', messages, authenticate: () => user, machine: both });
// @ts-expect-error: the service has no authenticate
defineService({ basePath: '/a', messages, machine: both });

// A machine and its service have to mean the same messages.
const numbering = defineMessages({ incoming: { say: z.object({ text: z.number() }) } });
const shouting = defineMessages({ incoming: { shout: z.object({ text: z.string() }) } });
const saying = defineMessages({ incoming: { say: z.object({ text: z.string() }) } });
const more = defineMessages({
  ...messages.declarations,
  incoming: { ...messages.declarations.incoming, hum: z.object({}) },
});
const mute = defineMessages({
  ...messages.declarations,
  outgoing: { confirm: messages.declarations.outgoing.confirm },
});
const calm = defineMessages({ ...messages.declarations, errors: { silent: 'Nobody speaks at all.' } });
const again = defineMessages({ ...messages.declarations, maxDepth: 3 });

defineService({ basePath: '/a', messages, machine });
defineService({ basePath: '/a', messages: again, machine });
// @ts-expect-error: the service declares none
defineService({ basePath: '/a', machine });
// @ts-expect-error: the service declares others
defineService({ basePath: '/a', messages: shouting, machine });
// @ts-expect-error: a message of that type holds something else
defineService({ basePath: '/a', messages: saying, machine });
// @ts-expect-error: the machine knows nothing of "hum"
defineService({ basePath: '/a', messages: more, machine });
// @ts-expect-error: the service does not send "said", which the machine may push
defineService({ basePath: '/a', messages: mute, machine });
// @ts-expect-error: the service has no such refusal
defineService({ basePath: '/a', messages: calm, machine });

// One that says nothing of messages goes with all; one of XState's own setup() says it in its events, or its input.
defineService({ basePath: '/a', messages, machine: serviceSetup().createMachine({}) });
const plain = xstateSetup({
  types: {} as { events: WsEvent | MessageEvent<typeof saying> },
}).createMachine({});
defineService({ basePath: '/a', messages: saying, machine: plain });
defineService({ basePath: '/a', messages: shouting, machine: plain });
// @ts-expect-error: a message of that type holds something else
defineService({ basePath: '/a', messages: numbering, machine: plain });
const strict = xstateSetup({
  types: {} as { input: ServiceMachineInput<unknown, unknown, unknown, unknown, typeof saying> },
}).createMachine({});
defineService({ basePath: '/a', messages: saying, machine: strict });
// @ts-expect-error: the service declares others
defineService({ basePath: '/a', messages: shouting, machine: strict });
