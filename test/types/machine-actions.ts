import { assign, setup } from 'xstate';
import { defineService, serviceSetup } from 'troupe';

// Parameters as values and as functions of context and event, both typed.
export const chat = serviceSetup<{ nick: string }>()
  .extend({
    actions: { remember: assign({ nick: ({ event }) => (event.type === 'ws.text' ? event.text : '') }) },
    guards: { isLong: ({ event }) => event.type === 'ws.text' && event.text.length > 5 },
  })
  .createMachine({
    context: ({ input }) => ({ nick: input.connection.id }),
    initial: 'naming',
    states: {
      naming: {
        on: {
          'ws.text': {
            guard: 'isLong',
            target: 'chatting',
            actions: ['remember', { type: 'addConnectionToGroup', params: { group: 'lobby' } }],
          },
        },
      },
      chatting: {
        on: {
          'ws.text': {
            actions: {
              type: 'pushTextToGroup',
              params: ({ context, event }) => ({ group: 'lobby', text: `${context.nick}: ${event.text}` }),
            },
          },
          'ws.binary': {
            actions: { type: 'pushBinary', params: ({ event }) => ({ data: event.data.subarray(1) }) },
          },
          'ws.close': { actions: { type: 'broadcastText', params: ({ event }) => ({ text: `${event.code}` }) } },
        },
      },
    },
  });

defineService({ basePath: '/chat', machine: chat });
defineService({ basePath: '/plain', machine: setup({}).createMachine({}) });

// @ts-expect-error: what setup() returns is no machine yet
defineService({ basePath: '/chat', machine: serviceSetup() });

serviceSetup().createMachine({
  // @ts-expect-error: no function of a connection has that name
  entry: { type: 'pushTexts', params: { text: 'hello' } },
});

serviceSetup().createMachine({
  // @ts-expect-error: text is no number
  entry: { type: 'pushText', params: { text: 5 } },
});

serviceSetup().createMachine({
  // @ts-expect-error: the parameter is called text
  entry: { type: 'pushText', params: { txt: 'hello' } },
});

serviceSetup().createMachine({
  // @ts-expect-error: parameters are missing
  entry: { type: 'pushTextToGroup', params: { group: 'lobby' } },
});

serviceSetup().createMachine({
  // @ts-expect-error: an action that needs parameters is no mere name
  entry: 'pushText',
});

// One without needs none.
serviceSetup().createMachine({ entry: 'closeConnection' });
serviceSetup().createMachine({ entry: { type: 'closeConnection', params: { code: 4000 } } });

serviceSetup().createMachine({
  on: {
    'ws.text': {
      actions: {
        type: 'pushText',
        // @ts-expect-error: a text message has no data
        params: ({ event }) => ({ text: event.data }),
      },
    },
  },
});

serviceSetup().createMachine({
  on: {
    // @ts-expect-error: no such event
    'ws.message': {},
  },
});

serviceSetup<{ count: number }>().createMachine({
  // @ts-expect-error: the context is typed
  context: { count: 'many' },
});

// Events of one's own beside those of the connection.
serviceSetup<Record<never, never>, { type: 'tick'; at: number }>().createMachine({
  on: {
    tick: { actions: { type: 'pushText', params: ({ event }) => ({ text: event.at.toFixed() }) } },
    'ws.text': { actions: { type: 'pushText', params: ({ event }) => ({ text: event.text }) } },
  },
});
