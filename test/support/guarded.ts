import { assign } from 'xstate';
import {
  Authenticate,
  BasePath,
  OnAuthExpiring,
  OnAuthRenewed,
  OnClose,
  OnOpen,
  OnTextMessage,
  ServiceConfig,
  WebSocketUpgradePath,
  defineService,
  serviceSetup,
  type AuthAnswer,
  type Connection,
  type HandshakeOptions,
  type HandshakeRequest,
  type ServiceOptions,
  type WsEvent,
} from 'troupe';
import type { Closure } from './client.ts';
import type { Form, Paths } from './forms.ts';
import { Inbox } from './inbox.ts';

export interface User {
  readonly user: string;
}

type Answer = AuthAnswer<User> | PromiseLike<AuthAnswer<User>>;

/** What is asked of a handshake, and the other options of the service. */
export interface Guard extends ServiceOptions {
  readonly authenticate: (request: HandshakeRequest) => Answer;
  readonly reauthenticate?: (connection: Connection) => Answer;
  readonly responseHeaders?: NonNullable<HandshakeOptions['responseHeaders']>;
}

type Guarded = Connection<Readonly<Record<string, string>>, User>;

/** What a connection says when it is opened, in every form. */
export function greeting({ user }: User): string {
  return `hello ${user}`;
}

/** `refresh ada 60000` becomes the one who is there from now on, and for how long. */
function refreshOf(text: string): { auth: User; expiresAt: number | undefined } | undefined {
  const [verb, user = '', ms] = text.split(' ');
  if (verb !== 'refresh') return undefined;
  return { auth: { user }, expiresAt: ms === undefined ? undefined : Date.now() + Number(ms) };
}

function obey(connection: Guarded, text: string): void {
  const refresh = refreshOf(text);
  if (refresh === undefined) connection.pushText(text === 'whoami' ? connection.auth.user : text);
  else connection.pushText(connection.refreshAuth(refresh.auth, refresh).status);
}

/**
 * The same guarded service in the three forms: greets whom it let in, says `expiring`, obeys `whoami` and `refresh`,
 * says back everything else. How its connections ended arrives in `closes`.
 */
export function guarded(form: Form, paths: Paths, guard: Guard) {
  const closes = new Inbox<Closure>();
  return { closes, service: guardedService(form, paths, guard, closes) };
}

function guardedService(form: Form, paths: Paths, guard: Guard, closes: Inbox<Closure>) {
  const { authenticate, ...options } = guard;
  switch (form) {
    case 'handlers':
      return defineService({
        ...paths,
        ...guard,
        onOpen(connection: Guarded) {
          connection.pushText(greeting(connection.auth));
        },
        onTextMessage: obey,
        onAuthExpiring(connection: Guarded, { expiresAt }: { readonly expiresAt: number }) {
          connection.pushText(`expiring ${typeof expiresAt}`);
        },
        onAuthRenewed: () => undefined,
        onClose(_connection: Guarded, closure: Closure) {
          closes.push(closure);
        },
      });
    case 'class': {
      @BasePath(paths.basePath)
      @WebSocketUpgradePath(paths.webSocketUpgradePath)
      @ServiceConfig(options)
      class Guard {
        @Authenticate()
        static admits(request: HandshakeRequest) {
          return authenticate(request);
        }
        @OnOpen()
        opened(connection: Guarded) {
          connection.pushText(greeting(connection.auth));
        }
        @OnTextMessage()
        said(connection: Guarded, text: string) {
          obey(connection, text);
        }
        @OnAuthExpiring()
        expires(connection: Guarded, { expiresAt }: { readonly expiresAt: number }) {
          connection.pushText(`expiring ${typeof expiresAt}`);
        }
        @OnAuthRenewed()
        renewed() {}
        @OnClose()
        closed(_connection: Guarded, closure: Closure) {
          closes.push(closure);
        }
      }
      return Guard;
    }
    case 'machine':
      return defineService({ ...paths, ...guard, machine: guardedMachine(closes) });
  }
}

function textOf(event: WsEvent): string {
  return event.type === 'ws.text' ? event.text : '';
}

function guardedMachine(closes: Inbox<Closure>) {
  return serviceSetup<{ who: User }, never, { auth: User }>()
    .extend({
      guards: {
        asks: ({ event }) => textOf(event) === 'whoami',
        refreshes: ({ event }) => refreshOf(textOf(event)) !== undefined,
      },
      actions: {
        remember: assign({ who: ({ event, context }) => refreshOf(textOf(event))?.auth ?? context.who }),
        note: ({ event }) => {
          if (event.type === 'ws.close') closes.push({ code: event.code, reason: event.reason });
        },
      },
    })
    .createMachine({
      id: 'guarded',
      context: ({ input }) => ({ who: input.auth }),
      on: {
        'ws.open': { actions: { type: 'pushText', params: ({ context }) => ({ text: greeting(context.who) }) } },
        'ws.auth.expiring': {
          actions: { type: 'pushText', params: ({ event }) => ({ text: `expiring ${typeof event.expiresAt}` }) },
        },
        'ws.auth.renewed': { actions: 'note' },
        'ws.text': [
          {
            guard: 'asks',
            actions: { type: 'pushText', params: ({ context }) => ({ text: context.who.user }) },
          },
          {
            guard: 'refreshes',
            actions: [
              { type: 'refreshAuth', params: ({ event }) => refreshOf(event.text) ?? { auth: undefined } },
              'remember',
              { type: 'pushText', params: { text: 'ok' } },
            ],
          },
          { actions: { type: 'pushText', params: ({ event }) => ({ text: event.text }) } },
        ],
        'ws.close': { actions: 'note' },
      },
    });
}
