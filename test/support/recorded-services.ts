import { assign, fromPromise, setup } from 'xstate';
import {
  BasePath,
  OnOpen,
  OnTextMessage,
  ServiceConfig,
  WebSocketUpgradePath,
  connectionActions,
  defineService,
  type Connection,
  type RecorderOptions,
  type ServiceMachineInput,
  type ServiceSource,
  type WsEvent,
} from 'troupe';
import type { Form } from './forms.ts';

/** What a test may want otherwise. */
export interface TillOptions {
  readonly recorder?: RecorderOptions | undefined;
  readonly supervision?: { readonly onCrash: 'restart'; readonly restartFrom?: 'start' | 'snapshot' };
  /** What a number counts. */
  readonly factor?: number;
  readonly path?: string;
}

/** Adds up the numbers that it is told, says the sum, and cannot take letters. */
export function till(form: Form, settings: TillOptions = {}): ServiceSource {
  const { recorder, supervision, factor = 1, path: basePath = '/till' } = { recorder: {}, ...settings };
  const options = {
    ...(recorder && { recorder }),
    ...(supervision && { supervision: { ...supervision, backoff: { minMs: 0 } } }),
  };
  const path = { basePath, webSocketUpgradePath: `/${form}` };
  switch (form) {
    case 'handlers':
      return defineService({
        ...path,
        ...options,
        onOpen(connection: Connection) {
          connection.attributes.set('sum', 0);
          connection.pushText('open');
        },
        async onTextMessage(connection: Connection, text: string) {
          await new Promise(setImmediate);
          const sum = (connection.attributes.get('sum') as number) + factor * numberIn(text);
          connection.attributes.set('sum', sum);
          connection.pushText(`${sum}`);
        },
      });
    case 'class': {
      @BasePath(path.basePath)
      @WebSocketUpgradePath(path.webSocketUpgradePath)
      @ServiceConfig(options)
      class Till {
        #sum = 0;
        @OnOpen()
        opened(connection: Connection) {
          connection.pushText('open');
        }
        @OnTextMessage()
        said(connection: Connection, text: string) {
          this.#sum += factor * numberIn(text);
          connection.pushText(`${this.#sum}`);
        }
      }
      return Till;
    }
    case 'machine':
      return defineService({ ...path, ...options, machine: tillMachine(factor) });
  }
}

function tillMachine(factor: number) {
  return setup({
    types: {} as { context: { sum: number; label: string }; events: WsEvent; input: ServiceMachineInput },
    actions: {
      ...connectionActions,
      add: assign({
        sum: ({ context, event }) => context.sum + factor * numberIn(event.type === 'ws.text' ? event.text : ''),
      }),
    },
    actors: { label: fromPromise(() => Promise.resolve(`till ${Math.random()}`)) },
    guards: { isLarge: ({ context }) => context.sum >= 100 },
  }).createMachine({
    id: 'till',
    context: { sum: 0, label: '' },
    initial: 'labelling',
    states: {
      labelling: {
        entry: { type: 'pushText', params: { text: 'open' } },
        invoke: {
          src: 'label',
          id: 'label',
          onDone: { target: 'counting', actions: assign({ label: ({ event }) => event.output }) },
        },
      },
      counting: {
        initial: 'idle',
        states: {
          idle: {},
          warm: { after: { 5: 'idle' } },
        },
        on: {
          'ws.text': {
            target: '.warm',
            actions: ['add', { type: 'pushText', params: ({ context }) => ({ text: `${context.sum}` }) }],
          },
        },
        always: { guard: 'isLarge', target: 'full' },
      },
      full: { on: { 'ws.text': { actions: ['add'] } } },
    },
  });
}

function numberIn(text: string): number {
  if (!/^\d+$/.test(text)) throw new TypeError(`"${text}" is no number`);
  return Number(text);
}

/** As a module of services for the command line: what it is to be replayed with stands in the environment. */
const factor = Number(process.env['TILL_FACTOR'] ?? 1);
export const services = (['handlers', 'class', 'machine'] as const).map((form) => till(form, { factor }));
