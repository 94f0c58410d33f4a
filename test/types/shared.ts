// oxlint-disable typescript/no-unsafe-call -- what must not compile has no type
import { assign, fromPromise, fromTransition, sendTo, setup, waitFor } from 'xstate';
import {
  createTroupe,
  defineMessages,
  defineService,
  serviceActions,
  serviceSetup,
  sharedSetup,
  type Connection,
  type Shared,
} from 'troupe';
import { z } from 'zod';

const board = sharedSetup<{ score: number }, { type: 'scored'; points: number } | { type: 'reset' }>()
  .extend({ actions: { reset: assign({ score: 0 }) } })
  .createMachine({ context: { score: 0 }, on: { reset: { actions: 'reset' } } });
const votes = fromTransition((count: number, _event: { type: 'vote' }) => count + 1, 0);
const named = fromTransition(
  (state: { name: string }, _event: { type: 'rename' }) => state,
  ({ input }: { input: { name: string } }) => ({ name: input.name }),
);

defineService({
  basePath: '/{room}',
  shared: board,
  onOpen(connection) {
    const score: number = connection.shared.getSnapshot().context.score;
    connection.shared.send({ type: 'scored', points: score });
    connection.shared.subscribe(({ context }) => connection.pushText(context.score.toFixed()));
    const selected: number = connection.shared.select(({ context }) => context.score).get();
    void waitFor(connection.shared, ({ context }) => context.score > selected);
    // @ts-expect-error: points are missing
    connection.shared.send({ type: 'scored' });
    // @ts-expect-error: no such event
    connection.shared.send({ type: 'vote' });
    // @ts-expect-error: it holds no such thing
    void connection.shared.getSnapshot().context.points;
    // @ts-expect-error: the reference stays as it is
    connection.shared = createTroupe().shared<typeof board>('/a');
    any(connection);
    ofBoard(connection);
    // @ts-expect-error: it shares something else
    ofVotes(connection);
    void connection.params.room;
  },
});
declare function any(connection: Connection<unknown, unknown, unknown>): void;
declare function ofBoard(connection: Connection<unknown, unknown, unknown, Shared<typeof board>>): void;
declare function ofVotes(connection: Connection<unknown, unknown, unknown, Shared<typeof votes>>): void;

defineService({
  basePath: '/a',
  onOpen(connection) {
    // @ts-expect-error: it shares nothing
    connection.shared.send({ type: 'vote' });
  },
});

// What takes no event takes none from connections either.
const clock = sharedSetup<{ ticks: number }>().createMachine({ context: { ticks: 0 } });
defineService({
  shared: clock,
  onOpen({ shared }) {
    shared.getSnapshot().context.ticks.toFixed();
    // @ts-expect-error: no such event
    shared.send({ type: 'tick' });
  },
});

// Any logic; with an input, if it asks for one.
defineService({ shared: votes, onOpen: ({ shared }) => shared.getSnapshot().context.toFixed() });
defineService({
  shared: { logic: votes, restartFrom: 'snapshot' },
  onOpen: ({ shared }) => shared.send({ type: 'vote' }),
});
defineService({
  shared: { logic: named, input: { name: 'a' } },
  onOpen: ({ shared }) => shared.getSnapshot().context.name,
});
defineService({
  shared: fromPromise(async () => 'ready'),
  onOpen: ({ shared }) => shared.getSnapshot().output?.trim(),
});
// @ts-expect-error: it asks for an input
defineService({ shared: named, onOpen: () => undefined });
// @ts-expect-error: it asks for an input
defineService({ shared: { logic: named }, onOpen: () => undefined });
// @ts-expect-error: its input has a name
defineService({ shared: { logic: named, input: { nick: 'a' } }, onOpen: () => undefined });
// @ts-expect-error: no such policy
defineService({ shared: { logic: votes, restartFrom: 'end' }, onOpen: () => undefined });
// @ts-expect-error: no logic
defineService({ shared: { count: 5 }, onOpen: () => undefined });

const messages = defineMessages({
  incoming: { hit: z.object({}) },
  outgoing: { score: z.object({ points: z.number() }) },
});
defineService({
  messages,
  shared: board,
  onMessage(connection) {
    connection.shared.send({ type: 'reset' });
    connection.push({ type: 'score', points: connection.shared.getSnapshot().context.score });
  },
});

// A machine says what it expects of its service.
const player = serviceSetup<{ board: Shared<typeof board> }, never, { shared: typeof board }>().createMachine({
  context: ({ input }) => ({ board: input.shared }),
  entry: [
    { type: 'sendToShared', params: { event: { type: 'scored', points: 1 } } },
    sendTo(({ context }) => context.board, { type: 'reset' }),
  ],
});
defineService({ shared: board, machine: player });
defineService({ shared: board, machine: serviceSetup().createMachine({}) });
// @ts-expect-error: the service shares nothing
defineService({ machine: player });
// @ts-expect-error: the service shares something else
defineService({ shared: votes, machine: player });

serviceSetup<Record<never, never>, never, { shared: typeof board }>().createMachine({
  // @ts-expect-error: the shared state takes no such event
  entry: { type: 'sendToShared', params: { event: { type: 'vote' } } },
});
serviceSetup().createMachine({
  // @ts-expect-error: what is shared is not said
  entry: { type: 'sendToShared', params: { event: { type: 'vote' } } },
});

// What shared state does itself needs no connection.
sharedSetup().createMachine({ entry: { type: 'broadcastText', params: { text: 'a', except: ['id'] } } });
setup({ actions: serviceActions }).createMachine({
  entry: { type: 'pushTextToGroup', params: { group: 'g', text: 'a' } },
});
sharedSetup<Record<never, never>, never, typeof messages>().createMachine({
  entry: { type: 'broadcast', params: { message: { type: 'score', points: 1 } } },
});
sharedSetup().createMachine({
  // @ts-expect-error: there is no connection to push to
  entry: { type: 'pushText', params: { text: 'a' } },
});
sharedSetup().createMachine({
  // @ts-expect-error: no messages are declared
  entry: { type: 'broadcast', params: { message: { type: 'score', points: 1 } } },
});
sharedSetup<Record<never, never>, never, typeof messages>().createMachine({
  // @ts-expect-error: points are a number
  entry: { type: 'broadcast', params: { message: { type: 'score', points: 'a' } } },
});

const troupe = createTroupe();
const total: number = troupe.shared<typeof board>('/a').getSnapshot().context.score;
// @ts-expect-error: no such event
troupe.shared<typeof votes>('/a').send({ type: 'scored', points: total });
