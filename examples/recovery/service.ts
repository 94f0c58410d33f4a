/**
 * An order in progress that a defect does not lose: the machine goes on from before the message that it could not take,
 * on the same socket, and the flight recorder writes down how it came to that, for `troupe replay`.
 */
import { assign } from 'xstate';
import { defineService, serviceSetup } from 'troupe';

interface Basket {
  readonly items: readonly string[];
  readonly cents: number;
}

/** Reads `add tea 450`; anything else it takes for granted, which is the defect. */
function itemIn(text: string): { name: string; cents: number } {
  const [, name, price] = /^add (\w+) (\d+)$/.exec(text) as unknown as [string, string, string];
  return { name, cents: Number(price) };
}

export const basket = serviceSetup<Basket>()
  .extend({
    actions: {
      add: assign(({ context, event }) => {
        if (event.type !== 'ws.text') return context;
        const { name, cents } = itemIn(event.text);
        return { items: [...context.items, name], cents: context.cents + cents };
      }),
    },
    guards: { isOrder: ({ event }) => event.type === 'ws.text' && event.text === 'order' },
  })
  .createMachine({
    id: 'basket',
    context: { items: [], cents: 0 },
    initial: 'filling',
    states: {
      filling: {
        description: 'Takes what is to be bought.',
        on: {
          'ws.text': [
            { guard: 'isOrder', target: 'ordered' },
            {
              actions: [
                'add',
                {
                  type: 'pushText',
                  params: ({ context }) => ({ text: `${context.items.join(', ')}: ${context.cents} cents` }),
                },
              ],
            },
          ],
        },
      },
      ordered: {
        description: 'The order is on its way; nothing is added any more.',
        entry: { type: 'pushText', params: ({ context }) => ({ text: `ordered for ${context.cents} cents` }) },
      },
    },
  });

/** Recordings go into `folder`, where operators find them. */
export const orders = (folder: string) =>
  defineService({
    basePath: '/basket',
    machine: basket,
    supervision: {
      onCrash: 'restart',
      restartFrom: 'snapshot',
      restartLimit: { restarts: 3, withinMs: 60_000 },
      backoff: { minMs: 0 },
    },
    recorder: { events: 100, onCrash: { folder } },
  });
