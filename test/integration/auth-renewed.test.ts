import { describe, expect, it } from 'vitest';
import { assign, SimulatedClock } from 'xstate';
import {
  Authenticate,
  authenticated,
  BasePath,
  defineService,
  OnAuthRenewed,
  OnOpen,
  OnTextMessage,
  ServiceConfig,
  serviceSetup,
  WebSocketUpgradePath,
  type AuthAnswer,
  type Connection,
} from 'troupe';
import { connect } from '../support/client.ts';
import { at, forms, type Form } from '../support/forms.ts';
import { Inbox } from '../support/inbox.ts';
import { advanceUntil, serve } from '../support/server.ts';

const path = '/test/websocket';
const limits = { heartbeatIntervalMs: 0 };

interface User {
  readonly user: string;
}
type Its = Connection<Readonly<Record<string, string>>, User>;
interface Renewal {
  readonly auth: User;
  readonly expiresAt: number | undefined;
}
interface Rules {
  readonly reauthenticate?: (connection: Connection) => AuthAnswer<User> | PromiseLike<AuthAnswer<User>>;
  /** Renews what is told to be renewed, without end. */
  readonly isRestless?: boolean;
}

const told = ({ auth, expiresAt }: Renewal): string => `renewed ${auth.user} ${typeof expiresAt}`;

/** Says who is there by what it was told itself, and says when it is told; `refresh` makes it renew. */
function renewing(form: Form, { isRestless = false, ...rules }: Rules = {}) {
  const authenticate = () => authenticated({ user: 'ada' }, { expiresAt: Date.now() + 300_000 });
  const opened = (connection: Its): void => {
    connection.attributes.set('who', connection.auth);
  };
  const obey = (connection: Its, text: string): void => {
    if (text.startsWith('refresh ')) connection.refreshAuth({ user: text.slice(8) });
    else connection.pushText((connection.attributes.get('who') as User).user);
  };
  const renewed = (connection: Its, renewal: Renewal): void => {
    connection.attributes.set('who', renewal.auth);
    if (isRestless) connection.refreshAuth({ user: `${renewal.auth.user}'` });
    else connection.pushText(told(renewal));
  };
  const options = { limits, ...rules };
  switch (form) {
    case 'handlers': {
      const handlers = { onOpen: opened, onTextMessage: obey, onAuthRenewed: renewed };
      return defineService({ ...at(path), ...options, authenticate, ...handlers });
    }
    case 'class': {
      const { basePath, webSocketUpgradePath } = at(path);
      @BasePath(basePath)
      @WebSocketUpgradePath(webSocketUpgradePath)
      @ServiceConfig(options)
      class Renewing {
        @Authenticate()
        static admits() {
          return authenticate();
        }
        @OnOpen()
        opens(connection: Its) {
          opened(connection);
        }
        @OnTextMessage()
        said(connection: Its, text: string) {
          obey(connection, text);
        }
        @OnAuthRenewed()
        renews(connection: Its, renewal: Renewal) {
          renewed(connection, renewal);
        }
      }
      return Renewing;
    }
    case 'machine':
      return defineService({ ...at(path), ...options, authenticate, machine: renewingMachine(isRestless) });
  }
}

function renewingMachine(isRestless: boolean) {
  return serviceSetup<{ who: User }, never, { auth: User }>()
    .extend({
      guards: { isRestless: () => isRestless },
      actions: {
        remember: assign({
          who: ({ context, event }) => (event.type === 'ws.auth.renewed' ? event.auth : context.who),
        }),
      },
    })
    .createMachine({
      context: ({ input }) => ({ who: input.auth }),
      on: {
        'ws.auth.renewed': [
          {
            guard: 'isRestless',
            actions: [
              'remember',
              { type: 'refreshAuth', params: ({ event }) => ({ auth: { user: `${event.auth.user}'` } }) },
            ],
          },
          { actions: ['remember', { type: 'pushText', params: ({ event }) => ({ text: told(event) }) }] },
        ],
        'ws.text': [
          {
            guard: ({ event }) => event.text.startsWith('refresh '),
            actions: { type: 'refreshAuth', params: ({ event }) => ({ auth: { user: event.text.slice(8) } }) },
          },
          { actions: { type: 'pushText', params: ({ context }) => ({ text: context.who.user }) } },
        ],
      },
    });
}

async function enter(form: Form, rules?: Rules) {
  const clock = new SimulatedClock();
  const server = await serve([renewing(form, rules)], { clock });
  const client = await connect(server.url(path));
  client.send('whoami');
  expect(await client.next()).toBe('ada');
  return { clock, client, server };
}

describe.each(forms)('a service of %s', (form) => {
  it('is told what its hook has put in place', async () => {
    const { clock, client } = await enter(form, {
      reauthenticate: async () => Promise.resolve(authenticated({ user: 'eve' }, { expiresAt: Date.now() + 900_000 })),
    });

    expect(await advanceUntil(clock, client.next(), { limitMs: 242_000 })).toBe('renewed eve number');
    client.send('whoami');
    expect(await client.next()).toBe('eve');
  });

  it('is told what it has put in place itself, before the next message', async () => {
    const { client } = await enter(form);

    client.send('refresh bob');
    client.send('whoami');

    expect(await client.next()).toBe('renewed bob undefined');
    expect(await client.next()).toBe('bob');
  });

  it('is told what was put in place from outside, before the next message', async () => {
    const connections = new Inbox<Connection>();
    const { clock, client } = await enter(form, {
      reauthenticate(connection) {
        connections.push(connection);
        return undefined;
      },
    });
    const connection = await advanceUntil(clock, connections.next(), { limitMs: 242_000 });

    connection.refreshAuth({ user: 'bob' });
    connection.refreshAuth({ user: 'eve' }, { expiresAt: Date.now() + 300_000 });
    client.send('whoami');

    expect(await client.next()).toBe('renewed bob undefined');
    expect(await client.next()).toBe('renewed eve number');
    expect(await client.next()).toBe('eve');
  });

  it('that renews whenever it is told holds up nobody', async () => {
    const { client, server } = await enter(form, { isRestless: true });
    client.send('refresh bob');
    const other = await connect(server.url(path));

    other.send('whoami');
    expect(await other.next()).toBe('ada');
    client.send('whoami');
    expect(await client.next()).toMatch(/^bob'+$/);
  });
});
