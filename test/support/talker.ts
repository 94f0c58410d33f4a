import { z } from 'zod';
import {
  BasePath,
  defineMessages,
  defineService,
  OnClose,
  OnMessage,
  ServiceConfig,
  serviceSetup,
  WebSocketUpgradePath,
  type AuthAnswer,
  type MessageConnection,
  type MessageIn,
  type MessageDeclarations,
  type ServiceSource,
  type SupervisionOptions,
} from 'troupe';
import type { Client } from './client.ts';
import { secret, type Form, type Paths } from './forms.ts';
import { Inbox, type Gate } from './inbox.ts';

interface Options extends Pick<MessageDeclarations, 'onInvalidMessage' | 'maxRequests'> {
  readonly authenticate?: () => AuthAnswer<string>;
  readonly supervision?: SupervisionOptions;
}

type ServiceSettings = Pick<Options, 'authenticate' | 'supervision'>;

/** What a talker understands. `gates` holds back the schema of "ponder", by the text that is pondered. */
function messagesOf(gates: ReadonlyMap<string, Gate>, options: Omit<Options, keyof ServiceSettings>) {
  const fits = async (text: string): Promise<boolean> => {
    await gates.get(text)?.opened;
    return text !== 'nonsense';
  };
  return defineMessages({
    ...options,
    incoming: {
      say: z.object({ text: z.string().max(20) }),
      ponder: z.object({ text: z.string().refine(fits, 'must make sense') }),
      tell: z.object({ name: z.string(), group: z.string(), text: z.string() }),
      add: { message: z.object({ a: z.number(), b: z.number() }), reply: z.number() },
      refuse: { message: z.object({}), reply: z.number() },
      fail: { message: z.object({}), reply: z.number() },
      ask: z.object({ question: z.string(), timeoutMs: z.number() }),
      wonder: z.object({ question: z.string() }),
      blunder: z.object({}),
      keys: z.looseObject({}),
    },
    outgoing: {
      said: z.object({ text: z.string() }),
      confirm: { message: z.object({ question: z.string() }), reply: z.boolean() },
    },
    errors: { unwilling: 'Not today.' },
  });
}
type Talk = ReturnType<typeof messagesOf>;
type TalkConnection = MessageConnection<Talk>;

async function talk(messages: Talk, connection: TalkConnection, message: MessageIn<Talk>): Promise<number | undefined> {
  switch (message.type) {
    case 'say':
    case 'ponder':
      connection.broadcast({ type: 'said', text: message.text });
      return undefined;
    case 'tell':
      await connection.storeConnection(message.name);
      await connection.addConnectionToGroup(message.group);
      connection.push({ type: 'said', text: `self ${message.text}` });
      await connection.pushToConnection(message.name, { type: 'said', text: `name ${message.text}` });
      connection.pushToGroup(message.group, { type: 'said', text: `group ${message.text}` });
      connection.pushToGroup(message.group, { type: 'said', text: 'nobody' }, { except: [connection] });
      return undefined;
    case 'add':
      return message.a + message.b;
    case 'refuse':
      throw messages.refusal('unwilling');
    case 'fail':
      throw new Error(secret);
    case 'ask': {
      const { question, timeoutMs } = message;
      const text = await connection.request({ type: 'confirm', question }, { timeoutMs }).then(
        (sure) => `sure: ${sure}`,
        (error: unknown) => codeOf(error),
      );
      connection.push({ type: 'said', text });
      return undefined;
    }
    case 'wonder':
      // Nobody waits for it: the next message is handled meanwhile.
      void connection.request({ type: 'confirm', question: message.question }).then(
        (sure) => connection.push({ type: 'said', text: `sure: ${sure}` }),
        (error: unknown) => connection.push({ type: 'said', text: codeOf(error) }),
      );
      return undefined;
    case 'blunder':
      connection.push({ type: 'said', text: 5 as unknown as string });
      return undefined;
    case 'keys':
      connection.push({ type: 'said', text: Object.keys(message).join() });
      return undefined;
  }
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code);
}

/** Understands declared messages, in each of the three forms. What became of it arrives in `closes`. */
export function talker(form: Form, paths: Paths, options: Options = {}, gates: ReadonlyMap<string, Gate> = new Map()) {
  const { authenticate, supervision, ...declared } = options;
  const closes = new Inbox<number>();
  const messages = messagesOf(gates, declared);
  const settings = { ...(authenticate && { authenticate }), ...(supervision && { supervision }) };
  return { messages, closes, service: serviceOf(form, paths, { messages, ...settings }, closes) };
}

type Told = { readonly messages: Talk } & ServiceSettings;

function serviceOf(form: Form, paths: Paths, told: Told, closes: Inbox<number>): ServiceSource {
  const { messages } = told;
  switch (form) {
    case 'handlers':
      return defineService({
        ...paths,
        ...told,
        onMessage: (connection, message) => talk(messages, connection, message),
        onClose: (_connection, { code }) => closes.push(code),
      });
    case 'class': {
      @BasePath(paths.basePath)
      @WebSocketUpgradePath(paths.webSocketUpgradePath)
      @ServiceConfig(told)
      class Talker {
        @OnMessage(messages)
        said(connection: TalkConnection, message: MessageIn<Talk>) {
          return talk(messages, connection, message);
        }
        @OnClose()
        left(_connection: TalkConnection, { code }: { code: number }) {
          closes.push(code);
        }
      }
      return Talker;
    }
    case 'machine':
      return defineService({ ...paths, ...told, machine: talkMachine(closes) });
  }
}

function talkMachine(closes: Inbox<number>) {
  return serviceSetup<Record<never, never>, never, { messages: Talk }>()
    .extend({
      actions: {
        fail: () => {
          throw new Error(secret);
        },
        note: ({ event }) => {
          if (event.type === 'ws.close') closes.push(event.code);
        },
      },
    })
    .createMachine({
      id: 'talker',
      on: {
        'message.say': {
          actions: {
            type: 'broadcast',
            params: ({ event }) => ({ message: { type: 'said', text: event.message.text } }),
          },
        },
        'message.ponder': {
          actions: {
            type: 'broadcast',
            params: ({ event }) => ({ message: { type: 'said', text: event.message.text } }),
          },
        },
        'message.tell': {
          actions: [
            { type: 'storeConnection', params: ({ event }) => ({ name: event.message.name }) },
            { type: 'addConnectionToGroup', params: ({ event }) => ({ group: event.message.group }) },
            {
              type: 'push',
              params: ({ event }) => ({ message: { type: 'said', text: `self ${event.message.text}` } }),
            },
            {
              type: 'pushToConnection',
              params: ({ event: { message } }) => ({
                name: message.name,
                message: { type: 'said', text: `name ${message.text}` },
              }),
            },
            {
              type: 'pushToGroup',
              params: ({ event: { message } }) => ({
                group: message.group,
                message: { type: 'said', text: `group ${message.text}` },
              }),
            },
            {
              type: 'pushToGroup',
              params: ({ event: { message } }) => ({
                group: message.group,
                message: { type: 'said', text: 'nobody' },
                exceptSelf: true,
              }),
            },
          ],
        },
        'message.add': {
          actions: { type: 'reply', params: ({ event }) => ({ result: event.message.a + event.message.b }) },
        },
        'message.refuse': { actions: { type: 'refuse', params: { code: 'unwilling' } } },
        'message.fail': { actions: 'fail' },
        'message.ask': {
          actions: {
            type: 'request',
            params: ({ event: { message } }) => ({
              message: { type: 'confirm', question: message.question },
              timeoutMs: message.timeoutMs,
            }),
          },
        },
        'message.wonder': {
          actions: {
            type: 'request',
            params: ({ event: { message } }) => ({ message: { type: 'confirm', question: message.question } }),
          },
        },
        'message.blunder': {
          actions: { type: 'push', params: { message: { type: 'said', text: 5 as unknown as string } } },
        },
        'message.keys': {
          actions: {
            type: 'push',
            params: ({ event }) => ({ message: { type: 'said', text: Object.keys(event.message).join() } }),
          },
        },
        'reply.confirm': {
          actions: {
            type: 'push',
            params: ({ event }) => ({ message: { type: 'said', text: `sure: ${event.data}` } }),
          },
        },
        'unanswered.confirm': {
          actions: { type: 'push', params: ({ event }) => ({ message: { type: 'said', text: codeOf(event.error) } }) },
        },
        'ws.close': { actions: 'note' },
      },
    });
}

/** Sends a message as JSON. */
export function send(client: Client, message: object): void {
  client.send(JSON.stringify(message));
}

/** The next message, read as JSON. */
export async function hear(client: Client): Promise<unknown> {
  return JSON.parse(String(await client.next()));
}
