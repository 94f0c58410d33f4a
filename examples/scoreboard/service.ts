/**
 * A game against the clock whose score all who are connected share. It ticks whether or not anybody says something, and
 * tells everybody; whoever crashes takes nothing of it along.
 */
import { assign } from 'xstate';
import { defineService, sharedSetup } from 'troupe';

const mostPlayers = 1000;

interface Scoreboard {
  readonly secondsLeft: number;
  readonly scores: Readonly<Record<string, number>>;
}

type ScoreEvent = { readonly type: 'hit'; readonly player: string } | { readonly type: 'rematch' };

function textOf({ secondsLeft, scores }: Scoreboard): string {
  return JSON.stringify({ secondsLeft, scores });
}

/** Thirty seconds; then nobody scores until there is a rematch. */
export const scoreboard = sharedSetup<Scoreboard, ScoreEvent>()
  .extend({
    actions: {
      begin: assign({ secondsLeft: 30, scores: {} }),
      tick: assign({ secondsLeft: ({ context }) => context.secondsLeft - 1 }),
      score: assign(({ context, event }) => {
        if (event.type !== 'hit') return context;
        const { player } = event;
        const { scores } = context;
        if (!Object.hasOwn(scores, player) && Object.keys(scores).length >= mostPlayers) return context;
        return { scores: { ...scores, [player]: (scores[player] ?? 0) + 1 } };
      }),
    },
    guards: { isOver: ({ context }) => context.secondsLeft === 0 },
  })
  .createMachine({
    id: 'scoreboard',
    context: { secondsLeft: 30, scores: {} },
    initial: 'playing',
    states: {
      playing: {
        description: 'The clock runs, and hits count.',
        entry: 'begin',
        initial: 'ticking',
        states: {
          ticking: {
            description: 'Tells everybody the score once a second.',
            after: {
              1000: {
                target: 'ticking',
                reenter: true,
                actions: ['tick', { type: 'broadcastText', params: ({ context }) => ({ text: textOf(context) }) }],
              },
            },
          },
        },
        always: { guard: 'isOver', target: 'over' },
        on: { hit: { actions: 'score' } },
      },
      over: {
        description: 'Somebody has won; hits do not count.',
        on: { rematch: 'playing' },
      },
    },
  });

export const game = defineService({
  basePath: '/scoreboard',
  webSocketUpgradePath: '/{player}',
  // A defect in the scoreboard costs the event that met it, and not the game.
  shared: { logic: scoreboard, restartFrom: 'snapshot' },

  onOpen(connection) {
    connection.pushText(textOf(connection.shared.getSnapshot().context));
  },
  onTextMessage(connection, text) {
    if (text === 'hit') connection.shared.send({ type: 'hit', player: connection.params.player });
    else if (text === 'rematch') connection.shared.send({ type: 'rematch' });
  },
});
