import { assign } from 'xstate';
import {
  BasePath,
  OnClose,
  OnOpen,
  OnTextMessage,
  ServiceConfig,
  WebSocketUpgradePath,
  defineService,
  serviceSetup,
  type Connection,
  type SupervisionOptions,
} from 'troupe';
import type { Closure } from './client.ts';
import { secret, type Form, type Paths } from './forms.ts';
import { Inbox } from './inbox.ts';

interface Fragility {
  readonly supervision: SupervisionOptions;
  /** Asked in each opening whether it fails. */
  readonly failsToOpen?: () => boolean;
}

/**
 * A service that fails when it is told to: `fail` at once, `fail later` in a turn of the event loop. `count` says how
 * often it was said to this connection, as far as the service remembers; `join` stores it as `alice` and adds it to the
 * group `g`. All else it says back. It says `opened` first.
 */
export function fragile(form: Form, paths: Paths, { supervision, failsToOpen = () => false }: Fragility) {
  const closes = new Inbox<Closure>();
  const open = (connection: Connection): void => {
    if (failsToOpen()) throw new Error(secret);
    connection.pushText('opened');
  };
  return { closes, service: serviceOf(form, paths, supervision, open, closes) };
}

function serviceOf(
  form: Form,
  paths: Paths,
  supervision: SupervisionOptions,
  open: (connection: Connection) => void,
  closes: Inbox<Closure>,
) {
  switch (form) {
    case 'handlers':
      return defineService({
        ...paths,
        supervision,
        onOpen: open,
        async onTextMessage(connection: Connection, text: string) {
          if (text === 'count') {
            const count = Number(connection.attributes.get('count') ?? 0) + 1;
            connection.attributes.set('count', count);
            connection.pushText(`count ${count}`);
          } else await say(connection, text);
        },
        onClose(_connection, closure) {
          closes.push(closure);
        },
      });
    case 'class': {
      @BasePath(paths.basePath)
      @WebSocketUpgradePath(paths.webSocketUpgradePath)
      @ServiceConfig({ supervision })
      class Fragile {
        #count = 0;
        @OnOpen()
        opened(connection: Connection) {
          open(connection);
        }
        @OnTextMessage()
        async said(connection: Connection, text: string) {
          if (text === 'count') connection.pushText(`count ${++this.#count}`);
          else await say(connection, text);
        }
        @OnClose()
        left(_connection: Connection, closure: Closure) {
          closes.push(closure);
        }
      }
      return Fragile;
    }
    case 'machine':
      return defineService({ ...paths, supervision, machine: fragileMachine(open, closes) });
  }
}

async function say(connection: Connection, text: string): Promise<void> {
  if (text === 'fail later') await new Promise(setImmediate);
  if (text.startsWith('fail')) throw new Error(secret);
  if (text === 'join') {
    await connection.storeConnection('alice');
    await connection.addConnectionToGroup('g');
  }
  connection.pushText(text);
}

function fragileMachine(open: (connection: Connection) => void, closes: Inbox<Closure>) {
  const says = (text: string) => ({ type: 'says', params: { text } }) as const;
  return serviceSetup<{ count: number }>()
    .extend({
      guards: { says: ({ event }, { text }: { text: string }) => event.type === 'ws.text' && event.text === text },
      actions: {
        count: assign({ count: ({ context }) => context.count + 1 }),
        fail: () => {
          throw new Error(secret);
        },
        failLater: async () => {
          await new Promise(setImmediate);
          throw new Error(secret);
        },
        failToOpen: () => open({ pushText: () => {} } as unknown as Connection),
        note: ({ event }) => {
          if (event.type === 'ws.close') closes.push({ code: event.code, reason: event.reason });
        },
      },
    })
    .createMachine({
      id: 'fragile',
      context: { count: 0 },
      on: {
        'ws.open': { actions: ['failToOpen', { type: 'pushText', params: { text: 'opened' } }] },
        'ws.close': { actions: 'note' },
        'ws.text': [
          {
            guard: says('count'),
            actions: ['count', { type: 'pushText', params: ({ context }) => ({ text: `count ${context.count}` }) }],
          },
          { guard: says('fail'), actions: ['count', 'fail'] },
          { guard: says('fail later'), actions: 'failLater' },
          {
            guard: says('join'),
            actions: [
              { type: 'storeConnection', params: { name: 'alice' } },
              { type: 'addConnectionToGroup', params: { group: 'g' } },
              { type: 'pushText', params: { text: 'join' } },
            ],
          },
          {
            actions: {
              type: 'pushText',
              params: ({ event }) => ({ text: event.type === 'ws.text' ? event.text : '' }),
            },
          },
        ],
      },
    });
}
