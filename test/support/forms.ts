import {
  BasePath,
  OnBinaryMessage,
  OnClose,
  OnOpen,
  OnTextMessage,
  WebSocketUpgradePath,
  defineService,
  serviceSetup,
  type Connection,
  type Delivery,
  type Outcome,
  type WsEvent,
} from 'troupe';
import type { Client, Closure, Message } from './client.ts';
import { bytes } from './client.ts';
import { Inbox } from './inbox.ts';

/**
 * The same behaviours in the three ways to write a service. A test that loops over `forms` shows
 * that all of them run through one path.
 */
export const forms = ['handlers', 'class', 'machine'] as const;
export type Form = (typeof forms)[number];

export interface Paths {
  basePath: string;
  webSocketUpgradePath: string;
}

export function at(path: string): Paths {
  const cut = path.lastIndexOf('/');
  return { basePath: path.slice(0, cut) || '/', webSocketUpgradePath: path.slice(cut) };
}

/** Says back what it hears, text and binary, to the sender alone. */
export function echo(form: Form, paths: Paths) {
  switch (form) {
    case 'handlers':
      return defineService({
        ...paths,
        onTextMessage(connection: Connection, text: string) {
          connection.pushText(text);
        },
        onBinaryMessage(connection: Connection, data: Uint8Array) {
          connection.pushBinary(data);
        },
      });
    case 'class': {
      @BasePath(paths.basePath)
      @WebSocketUpgradePath(paths.webSocketUpgradePath)
      class Echo {
        @OnTextMessage()
        said(connection: Connection, text: string) {
          connection.pushText(text);
        }
        @OnBinaryMessage()
        sent(connection: Connection, data: Uint8Array) {
          connection.pushBinary(data);
        }
      }
      return Echo;
    }
    case 'machine': {
      const machine = serviceSetup().createMachine({
        id: 'echo',
        on: {
          'ws.text': { actions: { type: 'pushText', params: ({ event }) => ({ text: textOf(event) }) } },
          'ws.binary': { actions: { type: 'pushBinary', params: ({ event }) => ({ data: dataOf(event) }) } },
        },
      });
      return defineService({ ...paths, machine });
    }
  }
}

/** Tells all of its service when somebody comes and goes; says back what it hears. */
export function announcer(form: Form, paths: Paths) {
  switch (form) {
    case 'handlers':
      return defineService({
        ...paths,
        onOpen(connection: Connection) {
          connection.broadcastText('joined');
        },
        onTextMessage(connection: Connection, text: string) {
          connection.pushText(text);
        },
        onClose(connection: Connection) {
          connection.broadcastText('left');
        },
      });
    case 'class': {
      @BasePath(paths.basePath)
      @WebSocketUpgradePath(paths.webSocketUpgradePath)
      class Announcer {
        @OnOpen()
        came(connection: Connection) {
          connection.broadcastText('joined');
        }
        @OnTextMessage()
        said(connection: Connection, text: string) {
          connection.pushText(text);
        }
        @OnClose()
        went(connection: Connection) {
          connection.broadcastText('left');
        }
      }
      return Announcer;
    }
    case 'machine': {
      const machine = serviceSetup().createMachine({
        id: 'announcer',
        on: {
          'ws.open': { actions: { type: 'broadcastText', params: { text: 'joined' } } },
          'ws.text': { actions: { type: 'pushText', params: ({ event }) => ({ text: textOf(event) }) } },
          'ws.close': { actions: { type: 'broadcastText', params: { text: 'left' } } },
        },
      });
      return defineService({ ...paths, machine });
    }
  }
}

/** What must never reach a peer. */
export const secret = 'the secret text of an error';

type Argument = string | number | null;
type Answer = Outcome | Delivery | null;

interface Command {
  id: number;
  verb: string;
  args: Argument[];
}

function commandOf(text: string): Command {
  const [id, verb, ...args] = JSON.parse(text) as [number, string, ...Argument[]];
  return { id, verb, args };
}

function textOf(event: WsEvent): string {
  return event.type === 'ws.text' ? event.text : '';
}

function dataOf(event: WsEvent): Uint8Array {
  return event.type === 'ws.binary' ? event.data : new Uint8Array();
}

/** The command's n-th argument as text. */
function word(event: WsEvent, index: number): string {
  return String(commandOf(textOf(event)).args[index]);
}

/** Code and reason from the n-th argument on, where given. */
function closing(event: WsEvent, index: number): { code?: number; reason?: string } {
  const [code, reason] = commandOf(textOf(event)).args.slice(index);
  return {
    ...(typeof code === 'number' && { code }),
    ...(typeof reason === 'string' && { reason }),
  };
}

function keyed(key: string | undefined): { key: string } | undefined {
  return key === undefined ? undefined : { key };
}

/** The command's n-th argument as the key of a push, where it is given. */
function keyAt(event: WsEvent, index: number): { key?: string } {
  const { args } = commandOf(textOf(event));
  return { ...keyed(args.map(String)[index]) };
}

/** Does what one command says, through the function of the same name. */
async function perform(connection: Connection, { verb, args }: Command): Promise<Answer> {
  const [first, second, third] = args.map(String);
  const name = first ?? '';
  const text = second ?? '';
  const [, code, reason] = args as [unknown, number | undefined, string | undefined];
  switch (verb) {
    case 'nothing':
      return null;
    case 'whoami':
      return connection.pushText(connection.id);
    case 'pushText':
      return connection.pushText(name, keyed(second));
    case 'pushBinary':
      return connection.pushBinary(bytes(name));
    case 'broadcastText':
      return connection.broadcastText(name, keyed(second));
    case 'broadcastToOthers':
      return connection.broadcastText(name, { except: [connection] });
    case 'broadcastBinary':
      return connection.broadcastBinary(bytes(name));
    case 'storeConnection':
      return connection.storeConnection(name);
    case 'pushTextToConnection':
      return connection.pushTextToConnection(name, text, keyed(third));
    case 'pushBinaryToConnection':
      return connection.pushBinaryToConnection(name, bytes(text));
    case 'removeStoredConnection':
      return connection.removeStoredConnection(name);
    case 'addConnectionToGroup':
      return connection.addConnectionToGroup(name);
    case 'pushTextToGroup':
      return connection.pushTextToGroup(name, text, keyed(third));
    case 'pushBinaryToGroup':
      return connection.pushBinaryToGroup(name, bytes(text));
    case 'removeConnectionFromGroup':
      return connection.removeConnectionFromGroup(name);
    case 'removeConnectionGroup':
      return connection.removeConnectionGroup(name);
    case 'retireConnectionGroup':
      return connection.removeConnectionGroup(name, { retire: true });
    case 'closeConnection':
      return connection.closeConnection(...(args as [number?, string?]));
    case 'closeStoredConnection':
      return connection.closeStoredConnection(name, code, reason);
    case 'closeConnectionGroup':
      return connection.closeConnectionGroup(name, code, reason);
    case 'fail':
      throw new Error(secret);
    default:
      throw new Error(`unknown command ${verb}`);
  }
}

/** Obeys commands: see `run`. The codes of its closed connections arrive in `closes`. */
export function commander(form: Form, paths: Paths) {
  const closes = new Inbox<Closure & { id: string }>();
  return { closes, service: commanderService(form, paths, closes) };
}

type Closes = Inbox<Closure & { id: string }>;

async function obey(connection: Connection, text: string): Promise<void> {
  const command = commandOf(text);
  const answer = await perform(connection, command);
  connection.pushText(`done ${command.id} ${JSON.stringify(answer)}`);
}

function commanderService(form: Form, paths: Paths, closes: Closes) {
  switch (form) {
    case 'handlers':
      return defineService({
        ...paths,
        onTextMessage: (connection: Connection, text: string) => obey(connection, text),
        onClose(connection: Connection, { code, reason }: Closure) {
          closes.push({ id: connection.id, code, reason });
        },
      });
    case 'class': {
      @BasePath(paths.basePath)
      @WebSocketUpgradePath(paths.webSocketUpgradePath)
      class Commander {
        @OnTextMessage()
        async said(connection: Connection, text: string) {
          await obey(connection, text);
        }
        @OnClose()
        closed(connection: Connection, { code, reason }: Closure) {
          closes.push({ id: connection.id, code, reason });
        }
      }
      return Commander;
    }
    case 'machine':
      return defineService({ ...paths, machine: commanderMachine(closes) });
  }
}

function commanderMachine(closes: Closes) {
  const done = {
    type: 'pushText',
    params: ({ event }: { event: WsEvent }) => ({ text: `done ${commandOf(textOf(event)).id} null` }),
  } as const;
  /** One command: the guard that knows it and the actions that do it. */
  const says = (verb: string) => ({ type: 'says', params: { verb } }) as const;
  type At = { event: WsEvent };
  const name = ({ event }: At) => ({ name: word(event, 0) });
  const group = ({ event }: At) => ({ group: word(event, 0) });

  return serviceSetup<{ id: string }>()
    .extend({
      guards: {
        says: ({ event }, { verb }: { verb: string }) =>
          event.type === 'ws.text' && commandOf(event.text).verb === verb,
      },
      actions: {
        note: ({ context, event }) => {
          if (event.type !== 'ws.close') return;
          closes.push({ id: context.id, code: event.code, reason: event.reason });
        },
        fail: () => {
          throw new Error(secret);
        },
      },
    })
    .createMachine({
      id: 'commander',
      context: ({ input }) => ({ id: input.connection.id }),
      on: {
        'ws.close': { actions: 'note' },
        'ws.text': [
          { guard: says('nothing'), actions: [done] },
          {
            guard: says('whoami'),
            actions: [{ type: 'pushText', params: ({ context }) => ({ text: context.id }) }, done],
          },
          {
            guard: says('pushText'),
            actions: [
              { type: 'pushText', params: ({ event }) => ({ text: word(event, 0), ...keyAt(event, 1) }) },
              done,
            ],
          },
          {
            guard: says('pushBinary'),
            actions: [{ type: 'pushBinary', params: ({ event }) => ({ data: bytes(word(event, 0)) }) }, done],
          },
          {
            guard: says('broadcastText'),
            actions: [
              { type: 'broadcastText', params: ({ event }) => ({ text: word(event, 0), ...keyAt(event, 1) }) },
              done,
            ],
          },
          {
            guard: says('broadcastToOthers'),
            actions: [
              { type: 'broadcastText', params: ({ event }) => ({ text: word(event, 0), exceptSelf: true }) },
              done,
            ],
          },
          {
            guard: says('broadcastBinary'),
            actions: [{ type: 'broadcastBinary', params: ({ event }) => ({ data: bytes(word(event, 0)) }) }, done],
          },
          { guard: says('storeConnection'), actions: [{ type: 'storeConnection', params: name }, done] },
          {
            guard: says('pushTextToConnection'),
            actions: [
              {
                type: 'pushTextToConnection',
                params: ({ event }) => ({ name: word(event, 0), text: word(event, 1), ...keyAt(event, 2) }),
              },
              done,
            ],
          },
          {
            guard: says('pushBinaryToConnection'),
            actions: [
              {
                type: 'pushBinaryToConnection',
                params: ({ event }) => ({ name: word(event, 0), data: bytes(word(event, 1)) }),
              },
              done,
            ],
          },
          {
            guard: says('removeStoredConnection'),
            actions: [{ type: 'removeStoredConnection', params: name }, done],
          },
          {
            guard: says('addConnectionToGroup'),
            actions: [{ type: 'addConnectionToGroup', params: group }, done],
          },
          {
            guard: says('pushTextToGroup'),
            actions: [
              {
                type: 'pushTextToGroup',
                params: ({ event }) => ({ group: word(event, 0), text: word(event, 1), ...keyAt(event, 2) }),
              },
              done,
            ],
          },
          {
            guard: says('pushBinaryToGroup'),
            actions: [
              {
                type: 'pushBinaryToGroup',
                params: ({ event }) => ({ group: word(event, 0), data: bytes(word(event, 1)) }),
              },
              done,
            ],
          },
          {
            guard: says('removeConnectionFromGroup'),
            actions: [{ type: 'removeConnectionFromGroup', params: group }, done],
          },
          {
            guard: says('removeConnectionGroup'),
            actions: [{ type: 'removeConnectionGroup', params: group }, done],
          },
          {
            guard: says('retireConnectionGroup'),
            actions: [
              {
                type: 'removeConnectionGroup',
                params: ({ event }) => ({ group: word(event, 0), retire: true }),
              },
              done,
            ],
          },
          {
            guard: says('closeConnection'),
            actions: [{ type: 'closeConnection', params: ({ event }) => closing(event, 0) }],
          },
          {
            guard: says('closeStoredConnection'),
            actions: [
              {
                type: 'closeStoredConnection',
                params: ({ event }) => ({ name: word(event, 0), ...closing(event, 1) }),
              },
              done,
            ],
          },
          {
            guard: says('closeConnectionGroup'),
            actions: [
              {
                type: 'closeConnectionGroup',
                params: ({ event }) => ({ group: word(event, 0), ...closing(event, 1) }),
              },
              done,
            ],
          },
          { guard: says('fail'), actions: ['fail'] },
        ],
      },
    });
}

let lastCommand = 0;

/** Sends a command without waiting for its end; the number is what `finish` waits for. */
export function order(client: Client, verb: string, ...args: Argument[]): number {
  lastCommand += 1;
  client.send(JSON.stringify([lastCommand, verb, ...args]));
  return lastCommand;
}

export interface Report {
  /** What the client received before the command was done: its stray messages too. */
  received: Message[];
  /** What the function answered; null under the machine form, whose actions have no results. */
  answer: Answer;
}

/** Waits until a command is done. Since pushes keep their order, whatever was sent before it has arrived. */
export async function finish(client: Client, id: number): Promise<Report> {
  const received: Message[] = [];
  const mark = `done ${id} `;
  for (;;) {
    const message = await client.next();
    if (typeof message === 'string' && message.startsWith(mark)) {
      return { received, answer: JSON.parse(message.slice(mark.length)) as Answer };
    }
    received.push(message);
  }
}

/** Has the commander call the function named `verb` on this client's connection. */
export function run(client: Client, verb: string, ...args: Argument[]): Promise<Report> {
  return finish(client, order(client, verb, ...args));
}

/** Everything that a commander's client has received by now. */
export async function seen(client: Client): Promise<Message[]> {
  const { received } = await run(client, 'nothing');
  return received;
}

export async function idOf(client: Client): Promise<string> {
  const { received } = await run(client, 'whoami');
  return String(received.at(-1));
}
