import { assign, fromCallback, setup } from 'xstate';
import {
  BasePath,
  connectionActions,
  defineService,
  OnClose,
  OnOpen,
  OnTextMessage,
  ServiceConfig,
  sharedSetup,
  WebSocketUpgradePath,
  type Connection,
  type Shared,
  type ServiceMachineInput,
  type SharedOption,
  type SupervisionOptions,
  type WsEvent,
} from 'troupe';
import { secret, type Form, type Paths } from './forms.ts';

type BoardEvent =
  | { type: 'add'; points: number }
  | { type: 'tell' }
  | { type: 'fail' }
  | { type: 'fail later' }
  | { type: 'loop' }
  | { type: 'end' };

function fail(): never {
  throw new Error(secret);
}

/** A score that all add to, and that tells all of it when it is asked to; fails as it is told to. */
export const board = sharedSetup<{ score: number }, BoardEvent>()
  .extend({
    actions: {
      add: assign({ score: ({ context, event }) => context.score + (event.type === 'add' ? event.points : 0) }),
      fail,
      failLater: async () => {
        await new Promise(setImmediate);
        fail();
      },
    },
  })
  .createMachine({
    id: 'board',
    context: { score: 0 },
    initial: 'counting',
    states: {
      counting: {
        on: {
          add: { actions: 'add' },
          tell: {
            actions: { type: 'broadcastText', params: ({ context }) => ({ text: `all ${context.score}` }) },
          },
          fail: { actions: ['add', 'fail'] },
          'fail later': { actions: 'failLater' },
          loop: 'looping',
          end: 'over',
        },
      },
      looping: { always: { actions: 'add', target: 'looping', reenter: true } },
      over: { type: 'final' },
    },
  });

type Board = Shared<typeof board>;
type Sharing = Connection<Readonly<Record<string, string>>, unknown, URLSearchParams, Board>;

export interface BoardSetting {
  readonly supervision?: SupervisionOptions;
  readonly shared?: SharedOption<typeof board>;
}

/**
 * The same service in three forms: `add 3`, `tell`, `fail shared`, `loop`, `end` go to the shared score. `read` is answered with
 * it, `watch` with each one from then on, `fail watching` fails at the next one, `fail` fails at once. At its end a
 * connection adds 1000.
 */
export function sharing(form: Form, paths: Paths, { supervision = {}, shared = board }: BoardSetting = {}) {
  switch (form) {
    case 'handlers':
      return defineService({
        ...paths,
        supervision,
        shared,
        onOpen: (connection) => connection.pushText('opened'),
        onTextMessage: (connection, text) => obey(connection, text),
        onClose: (connection) => connection.shared.send({ type: 'add', points: 1000 }),
      });
    case 'class': {
      @BasePath(paths.basePath)
      @WebSocketUpgradePath(paths.webSocketUpgradePath)
      @ServiceConfig({ supervision, shared })
      class SharingService {
        @OnOpen()
        opened(connection: Sharing) {
          connection.pushText('opened');
        }
        @OnTextMessage()
        said(connection: Sharing, text: string) {
          obey(connection, text);
        }
        @OnClose()
        left(connection: Sharing) {
          connection.shared.send({ type: 'add', points: 1000 });
        }
      }
      return SharingService;
    }
    case 'machine':
      return defineService({ ...paths, supervision, shared, machine: sharingMachine() });
  }
}

function orderOf(text: string): BoardEvent | undefined {
  const [verb, points] = text.split(' ');
  if (verb === 'add') return { type: 'add', points: Number(points) };
  if (text === 'fail shared') return { type: 'fail' };
  if (text === 'fail shared later') return { type: 'fail later' };
  if (text === 'tell' || text === 'loop' || text === 'end') return { type: text };
  return undefined;
}

function obey(connection: Sharing, text: string): void {
  const { shared } = connection;
  const order = orderOf(text);
  if (order !== undefined) shared.send(order);
  else if (text === 'read') connection.pushText(`score ${shared.getSnapshot().context.score}`);
  else if (text === 'watch') shared.subscribe(({ context }) => void connection.pushText(`now ${context.score}`));
  else if (text === 'fail watching') shared.subscribe(fail);
  else if (text === 'fail') fail();
  else connection.pushText(text);
}

function textOf(event: WsEvent | { type: 'watched' }): string {
  return event.type === 'ws.text' ? event.text : '';
}

/** Watches by an actor that it invokes, which ends with its state and is begun again with it. */
function sharingMachine() {
  return setup({
    types: {} as {
      context: { shared: Board };
      events: WsEvent | { type: 'watched'; score: number };
      input: ServiceMachineInput<unknown, unknown, unknown, Board>;
    },
    actors: {
      watching: fromCallback<{ type: 'none' }, { shared: Board }>(({ sendBack, input }) => {
        const { unsubscribe } = bound(
          input.shared.subscribe(({ context }) => sendBack({ type: 'watched', score: context.score })),
        );
        return unsubscribe;
      }),
    },
    guards: {
      isOrder: ({ event }) => orderOf(textOf(event)) !== undefined,
      says: ({ event }, { text }: { text: string }) => textOf(event) === text,
    },
    actions: {
      ...connectionActions,
      fail,
      order: ({ context, event }) => context.shared.send(orderOf(textOf(event))!),
      failWatching: ({ context }) => void context.shared.subscribe(fail),
      leave: ({ context }) => context.shared.send({ type: 'add', points: 1000 }),
    },
  }).createMachine({
    id: 'sharing',
    context: ({ input }) => ({ shared: input.shared }),
    initial: 'idle',
    states: {
      idle: {},
      watching: { invoke: { src: 'watching', input: ({ context }) => ({ shared: context.shared }) } },
    },
    on: {
      'ws.open': { actions: { type: 'pushText', params: { text: 'opened' } } },
      'ws.close': { actions: 'leave' },
      watched: { actions: { type: 'pushText', params: ({ event }) => ({ text: `now ${event.score}` }) } },
      'ws.text': [
        { guard: 'isOrder', actions: 'order' },
        {
          guard: { type: 'says', params: { text: 'read' } },
          actions: {
            type: 'pushText',
            params: ({ context }) => ({ text: `score ${context.shared.getSnapshot().context.score}` }),
          },
        },
        { guard: { type: 'says', params: { text: 'watch' } }, target: '.watching' },
        { guard: { type: 'says', params: { text: 'fail watching' } }, actions: 'failWatching' },
        { guard: { type: 'says', params: { text: 'fail' } }, actions: 'fail' },
        { actions: { type: 'pushText', params: ({ event }) => ({ text: textOf(event) }) } },
      ],
    },
  });
}

function bound(subscription: { unsubscribe(): void }): { unsubscribe: () => void } {
  return { unsubscribe: () => subscription.unsubscribe() };
}
