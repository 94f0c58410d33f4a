/**
 * Crashes at random, under load: in handlers, guards, actions, assignments, invoked actors, subscriptions, listeners and
 * inspection observers. Whoever did not crash gets everything, in order, and what all share is what it would be without.
 */
import { describe, expect, it, onTestFinished } from 'vitest';
import { assign, fromPromise, fromTransition, sendTo, setup, SimulatedClock } from 'xstate';
import {
  BasePath,
  connectionActions,
  defineService,
  OnTextMessage,
  ServiceConfig,
  WebSocketUpgradePath,
  type Connection,
  type ServiceMachineInput,
  type Shared,
  type SupervisionOptions,
  type WsEvent,
} from 'troupe';
import { dial, opened, type Client } from '../support/client.ts';
import { at, forms, secret, type Form } from '../support/forms.ts';
import { turn } from '../support/inbox.ts';
import { randomOf } from '../support/random.ts';
import { advanceUntil, serve, watch } from '../support/server.ts';

const path = '/test/websocket';
const poisons = [
  'guard',
  'action',
  'assignment',
  'async action',
  'invoked actor',
  'subscription',
  'subscription to what is shared',
] as const;
type Poison = (typeof poisons)[number];

const STEADY = 20;
const FRAGILE = 10;
const ROUNDS = 25;

function fail(): never {
  throw new Error(secret);
}

async function failLater(): Promise<never> {
  await turn();
  return fail();
}

/** How often somebody has added to it. */
const shared = fromTransition((count: number, _event: { type: 'add' }) => count + 1, 0);
type Sharing = Connection<Readonly<Record<string, string>>, unknown, URLSearchParams, Shared<typeof shared>>;

/** Fails with the first change, which it makes itself. */
function failWatching(counter: Shared<typeof shared>): void {
  counter.subscribe(fail);
  counter.send({ type: 'add' });
}

/** Says back what it hears, and fails in the place that a message names, as far as its form has it. */
function serviceOf(form: Form, supervision: SupervisionOptions) {
  const said = (connection: Sharing, text: string): unknown => {
    if (text === 'add') return connection.shared.send({ type: 'add' });
    if (text === 'subscription to what is shared') return failWatching(connection.shared);
    if (text === 'async action' || text === 'invoked actor') return failLater();
    if ((poisons as readonly string[]).includes(text)) fail();
    return void connection.pushText(text);
  };
  switch (form) {
    case 'handlers':
      return defineService({ ...at(path), supervision, shared, onTextMessage: said });
    case 'class': {
      @BasePath(at(path).basePath)
      @WebSocketUpgradePath(at(path).webSocketUpgradePath)
      @ServiceConfig({ supervision, shared })
      class Chaotic {
        @OnTextMessage()
        said(connection: Sharing, text: string) {
          return said(connection, text);
        }
      }
      return Chaotic;
    }
    case 'machine':
      return defineService({ ...at(path), supervision, shared, machine: chaoticMachine() });
  }
}

function chaoticMachine() {
  const says = (text: Poison | 'add') => ({ type: 'says', params: { text } }) as const;
  return setup({
    types: {} as {
      context: { count: number; shared: Shared<typeof shared> };
      events: WsEvent;
      input: ServiceMachineInput<unknown, unknown, unknown, Shared<typeof shared>>;
    },
    actors: { failing: fromPromise(failLater) },
    guards: {
      says: ({ event }, { text }: { text: Poison | 'add' }) => {
        if (event.type === 'ws.text' && event.text === 'guard') fail();
        return event.type === 'ws.text' && event.text === text;
      },
    },
    actions: {
      ...connectionActions,
      fail,
      failLater,
      assignment: assign({ count: () => fail() }),
      subscribe: ({ self }) => void self.subscribe(fail),
      failWatching: ({ context }) => failWatching(context.shared),
    },
  }).createMachine({
    id: 'chaotic',
    context: ({ input }) => ({ count: 0, shared: input.shared }),
    initial: 'calm',
    states: { calm: {}, asking: { invoke: { src: 'failing' } } },
    on: {
      'ws.text': [
        { guard: says('action'), actions: 'fail' },
        { guard: says('assignment'), actions: 'assignment' },
        { guard: says('async action'), actions: 'failLater' },
        { guard: says('invoked actor'), target: '.asking' },
        { guard: says('subscription'), actions: 'subscribe' },
        { guard: says('subscription to what is shared'), actions: 'failWatching' },
        { guard: says('add'), actions: sendTo(({ context }) => context.shared, { type: 'add' }) },
        {
          actions: { type: 'pushText', params: ({ event }) => ({ text: event.type === 'ws.text' ? event.text : '' }) },
        },
      ],
    },
  });
}

const policies: Record<string, SupervisionOptions> = {
  'are closed': {},
  'begin anew at their start': {
    onCrash: 'restart',
    restartLimit: { restarts: 10_000 },
    backoff: { minMs: 0 },
  },
  'go on from their last good snapshot': {
    onCrash: 'restart',
    restartFrom: 'snapshot',
    restartLimit: { restarts: 10_000 },
    backoff: { minMs: 0 },
  },
};

describe.each(forms)('of a service made with %s', (form) => {
  describe.each(Object.entries(policies))('whose crashed connections %s', (_name, supervision) => {
    it.each([1, 2])('all others get everything in order, whatever crashes at random (seed %i)', async (seed) => {
      const random = randomOf(seed);
      const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;
      const clock = new SimulatedClock();
      const server = await serve([serviceOf(form, supervision)], { clock });
      const { troupe } = server;
      const crashes = watch(troupe, 'connection.crashed');
      const restarts = watch(troupe, 'connection.restarted');
      const failures = watch(troupe, 'callback.failed');
      const failNowAndThen = (): void => void (random() < 0.2 && fail());
      troupe.on('connection.crashed', failNowAndThen);
      troupe.on('message.received', failNowAndThen);
      onTestFinished(troupe.inspect(failNowAndThen));

      const clients: Client[] = [];
      onTestFinished(() => clients.forEach(({ socket }) => socket.terminate()));
      const join = async (count: number): Promise<Client[]> => {
        const joined = Array.from({ length: count }, () => dial(server.url(path)));
        clients.push(...joined);
        await Promise.all(joined.map(opened));
        return joined;
      };
      const steady = await join(STEADY);
      const fragile = await join(FRAGILE);
      let poisoned = 0;
      let added = 0;
      const add = (client: Client): void => {
        client.send('add');
        added += 1;
      };
      const seen: number[] = [];
      troupe.shared<typeof shared>(path).subscribe(({ context }) => seen.push(context));
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const client of steady) client.send(`own ${round}`);
        add(pick(steady));
        for (const place of fragile.keys()) {
          if (random() < 0.5) continue;
          const poison = pick(poisons);
          add(fragile[place]!);
          fragile[place]!.send(poison);
          if (poison === 'subscription to what is shared') added += 1;
          poisoned += 1;
          if (supervision.onCrash === 'restart') continue;
          // It ends with 1011: another one takes its place.
          expect((await advanceUntil(clock, fragile[place]!.closed, { stepMs: 10 })).code).toBe(1011);
          [fragile[place]] = (await join(1)) as [Client];
        }
        troupe.broadcastText(path, `all ${round}`);
        clock.increment(100);
        await turn();
      }

      for (const client of steady) {
        const received = (await client.take(2 * ROUNDS)) as string[];
        const of = (kind: string) => received.filter((text) => text.startsWith(kind));
        expect(of('own')).toEqual(Array.from({ length: ROUNDS }, (_, round) => `own ${round}`));
        expect(of('all')).toEqual(Array.from({ length: ROUNDS }, (_, round) => `all ${round}`));
        expect(client.socket.readyState).toBe(client.socket.OPEN);
      }
      expect(poisoned).toBeGreaterThan(ROUNDS);
      expect(failures.all.length).toBeGreaterThan(0);
      // All that are there are well: each answers.
      for (const client of fragile) {
        client.send('well');
        await advanceUntil(
          clock,
          client.messages.until((message) => message === 'well'),
          { stepMs: 100 },
        );
      }
      // No crash took anything of it away, or did anything twice.
      expect(troupe.shared<typeof shared>(path).getSnapshot().context).toBe(added);
      expect(seen).toEqual(Array.from({ length: added }, (_, index) => index + 1));
      // A machine may fail once for two reasons, and what fails of it after its restart is no crash.
      const atMost = supervision.onCrash === 'restart' ? poisoned : 0;
      expect(restarts.all.length).toBeLessThanOrEqual(form === 'machine' ? 2 * atMost : atMost);
      expect(restarts.all.length).toBeGreaterThanOrEqual(form === 'machine' ? atMost / 4 : atMost);
      expect(crashes.all.length).toBeGreaterThan(ROUNDS);
      expect(troupe.connections(path, { limit: 1_000 }).items).toHaveLength(STEADY + FRAGILE);
    });
  });
});
