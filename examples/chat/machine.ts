/**
 * One person in a chat room, as a state machine.
 *
 * Theory of operation
 *
 * Somebody who arrives is `naming` until a fit name has been said, then
 * `chatting`, and `muted` for a while after saying too much too quickly.
 * "/leave" ends politely: the machine reaches `left`, its final state, and the
 * connection is closed with 1000.
 *
 * A name is a stored connection, so it is unique in its room at every moment.
 * The last one to say it has it: who lost the network can come back under the
 * same name before the server has noticed the loss. The one before is told
 * (`ws.replaced`) and is `naming` again.
 *
 * Nothing is counted or timed outside the machine. `chatting` counts what is
 * said until three seconds have passed since the first of it; `muted` counts
 * its own seconds down, so that it can say how many are left.
 */
import { serviceSetup, type WsEvent } from 'troupe';
import { assign } from 'xstate';
import { groupOf, isNick, isRoom, nickRule, storedNick, tidy } from './names.ts';

interface Chat {
  id: string;
  room: string;
  nick: string;
  /** Messages since the window opened. */
  said: number;
  secondsLeft: number;
}

const most = { messages: 5, windowMs: 3_000, muteSeconds: 10, textLength: 500 };

/** What was said, on one line. */
const said = (event: WsEvent): string => (event.type === 'ws.text' ? tidy(event.text) : '');

/** The new name in "/nick carol"; '' in any other text. */
const renamed = (event: WsEvent): string => /^\/nick\s+(.*)$/.exec(said(event))?.[1] ?? '';

export const chatMachine = serviceSetup<Chat>()
  .extend({
    actions: {
      takeNick: assign({ nick: ({ event }) => renamed(event) || said(event) }),
      count: assign({ said: ({ context }) => context.said + 1 }),
      startCounting: assign({ said: 0 }),
      startMute: assign({ secondsLeft: most.muteSeconds }),
      countDown: assign({ secondsLeft: ({ context }) => context.secondsLeft - 1 }),
    },
    guards: {
      isRoomUnfit: ({ context }) => !isRoom(context.room),
      isNick: ({ event }) => isNick(said(event)),
      isRename: ({ event }) => isNick(renamed(event)),
      isMyNick: ({ context, event }) =>
        event.type === 'ws.replaced' && event.name === storedNick(context.room, context.nick),
      isFarewell: ({ event }) => said(event) === '/leave',
      isCommand: ({ event }) => said(event).startsWith('/'),
      isEmpty: ({ event }) => said(event) === '',
      isTooLong: ({ event }) => said(event).length > most.textLength,
      isTooMuch: ({ context }) => context.said >= most.messages,
      hasSpoken: ({ context }) => context.said > 0,
      isLastSecond: ({ context }) => context.secondsLeft <= 1,
    },
    delays: { window: most.windowMs, second: 1_000 },
  })
  .createMachine({
    id: 'chat',
    description: 'One person in a chat room.',
    context: ({ input }) => ({
      id: input.connection.id,
      room: input.connection.params['room'] ?? '',
      nick: '',
      said: 0,
      secondsLeft: 0,
    }),
    initial: 'naming',
    states: {
      naming: {
        description: 'Somebody without a name: what is said is taken as one.',
        on: {
          'ws.open': [
            { guard: 'isRoomUnfit', target: 'refused' },
            {
              actions: {
                type: 'pushText',
                params: ({ context }) => ({
                  text: `You are connection ${context.id}. Welcome to ${context.room}! What is your name?`,
                }),
              },
            },
          ],
          'ws.text': [
            {
              guard: 'isFarewell',
              target: 'left',
              actions: { type: 'pushText', params: { text: 'Goodbye.' } },
            },
            { guard: 'isNick', target: 'present', actions: 'takeNick' },
            { actions: { type: 'pushText', params: { text: `That is no name. Say ${nickRule}.` } } },
          ],
          'ws.close': { target: 'left' },
        },
      },

      present: {
        description: 'In the room under a name; the others heard the coming and will hear the going.',
        entry: [
          {
            type: 'storeConnection',
            params: ({ context }) => ({ name: storedNick(context.room, context.nick) }),
          },
          { type: 'addConnectionToGroup', params: ({ context }) => ({ group: groupOf(context.room) }) },
          {
            type: 'pushTextToGroup',
            params: ({ context }) => ({ group: groupOf(context.room), text: `* ${context.nick} joined` }),
          },
        ],
        exit: [
          { type: 'removeConnectionFromGroup', params: ({ context }) => ({ group: groupOf(context.room) }) },
          {
            type: 'pushTextToGroup',
            params: ({ context, event }) => ({
              group: groupOf(context.room),
              text: `* ${context.nick} ${event.type === 'ws.replaced' ? 'is on another connection now' : 'left'}`,
            }),
          },
        ],
        on: {
          'ws.replaced': {
            guard: 'isMyNick',
            target: 'naming',
            actions: {
              type: 'pushText',
              params: ({ context }) => ({
                text: `Another connection is ${context.nick} now. What is your name?`,
              }),
            },
          },
          'ws.close': { target: 'left' },
        },
        initial: 'chatting',
        states: {
          chatting: {
            description: 'What is said goes to everybody in the room.',
            entry: 'startCounting',
            initial: 'quiet',
            states: {
              quiet: {
                description: 'Nothing was said lately.',
                always: { guard: 'hasSpoken', target: 'talking' },
              },
              talking: {
                description: 'Three seconds in which messages are counted, from the first one on.',
                after: { window: { target: 'quiet', actions: 'startCounting' } },
              },
            },
            on: {
              'ws.text': [
                { guard: 'isEmpty' },
                {
                  guard: 'isFarewell',
                  target: '#chat.left',
                  actions: { type: 'pushText', params: { text: 'Goodbye.' } },
                },
                {
                  guard: 'isTooMuch',
                  target: 'muted',
                  actions: [
                    'startMute',
                    {
                      type: 'pushTextToGroup',
                      params: ({ context }) => ({
                        group: groupOf(context.room),
                        text: `* ${context.nick} is muted for ${context.secondsLeft} s`,
                      }),
                    },
                  ],
                },
                {
                  guard: 'isRename',
                  actions: [
                    'count',
                    {
                      type: 'removeStoredConnection',
                      params: ({ context }) => ({ name: storedNick(context.room, context.nick) }),
                    },
                    {
                      type: 'pushTextToGroup',
                      params: ({ context, event }) => ({
                        group: groupOf(context.room),
                        text: `* ${context.nick} is now ${renamed(event)}`,
                      }),
                    },
                    'takeNick',
                    {
                      type: 'storeConnection',
                      params: ({ context }) => ({ name: storedNick(context.room, context.nick) }),
                    },
                  ],
                },
                {
                  guard: 'isCommand',
                  actions: [
                    'count',
                    {
                      type: 'pushText',
                      params: { text: `There is /nick <name> and /leave. A name is ${nickRule}.` },
                    },
                  ],
                },
                {
                  guard: 'isTooLong',
                  actions: [
                    'count',
                    {
                      type: 'pushText',
                      params: { text: `That was too long: at most ${most.textLength} characters.` },
                    },
                  ],
                },
                {
                  actions: [
                    'count',
                    {
                      type: 'pushTextToGroup',
                      params: ({ context, event }) => ({
                        group: groupOf(context.room),
                        text: `${context.nick}: ${said(event)}`,
                      }),
                    },
                  ],
                },
              ],
            },
          },
          muted: {
            description: 'Said too much too quickly, and may only listen until the seconds are over.',
            after: {
              second: [
                {
                  guard: 'isLastSecond',
                  target: 'chatting',
                  actions: { type: 'pushText', params: { text: 'You may speak again.' } },
                },
                { target: 'muted', reenter: true, actions: 'countDown' },
              ],
            },
            on: {
              'ws.text': [
                {
                  guard: 'isFarewell',
                  target: '#chat.left',
                  actions: { type: 'pushText', params: { text: 'Goodbye.' } },
                },
                {
                  actions: {
                    type: 'pushText',
                    params: ({ context }) => ({
                      text: `You are muted for another ${context.secondsLeft} s.`,
                    }),
                  },
                },
              ],
            },
          },
        },
      },

      refused: {
        description: 'There is no such room; the connection is being closed with 1008.',
        entry: {
          type: 'closeConnection',
          params: { code: 1008, reason: 'A room is one to 32 letters, digits, "_" or "-".' },
        },
      },

      left: {
        type: 'final',
        description: 'Gone: the connection is closed with 1000, unless it is closed already.',
      },
    },
  });
