import { describe, expect, it } from 'vitest';
import { fromCallback, setup, type AnyActorLogic, type AnyEventObject } from 'xstate';
import { defineService } from 'troupe';
import { connect } from '../support/client.ts';
import { watch } from '../support/server.ts';
import { serveInspected } from './support.ts';

/** A service whose machine invokes an actor of the user's own logic, with a snapshot that nobody expects. */
function invoking(make: () => object) {
  const logic = {
    transition: (snapshot: unknown) => snapshot,
    getInitialSnapshot: make,
    getPersistedSnapshot: (snapshot: unknown) => snapshot,
  } as unknown as AnyActorLogic;
  const machine = setup({ types: {} as { children: { odd: 'odd' } }, actors: { odd: logic } }).createMachine({
    id: 'invoking',
    invoke: { src: 'odd', id: 'odd' },
  });
  return defineService({ basePath: '/odd', machine });
}

const odd: readonly (readonly [what: string, make: () => object])[] = [
  ['tags that are null', () => ({ status: 'active', tags: null })],
  ['children that are null', () => ({ status: 'active', children: null })],
  ['children that are no actors', () => ({ status: 'active', children: { a: 'text', b: null, c: {} } })],
  [
    'a context that throws',
    () => ({
      status: 'active',
      get context(): never {
        throw new Error('no');
      },
    }),
  ],
  [
    'a status that throws',
    () => {
      let reads = 0;
      return {
        // XState itself reads it as it starts.
        get status() {
          if (++reads > 3) throw new Error('no');
          return 'active';
        },
      };
    },
  ],
];

describe('an actor whose snapshot has', () => {
  // Greeting a viewer failed halfway: it was never forgotten, and closing the Troupe waited for it for ever.
  it.each(odd)('%s is in the way of no viewer', async (_what, make) => {
    const fine = defineService({ basePath: '/fine', onTextMessage() {} });
    const server = await serveInspected([invoking(make), fine]);
    const failures = watch(server.troupe, 'callback.failed');
    await connect(server.url('/odd'));
    await connect(server.url('/fine'));
    const plain = await server.viewPlainly();
    await plain.until('@xstate.actor', ({ name }) => name === 'odd');
    const viewer = await server.view();
    const { items } = await viewer.get('troupe.list', { type: 'list', of: 'connections' });
    const [first, second] = items as readonly { id: string; sessionId: string }[];
    const { connection } = await viewer.get('troupe.connection', { type: 'connection', of: first!.id });
    expect(connection.actors.map(({ name }) => name)).toEqual([first!.id, 'service', 'odd']);
    const ids = [...connection.actors.map(({ sessionId }) => sessionId), second!.sessionId];
    expect(await viewer.get('troupe.watching', { type: 'watch', actors: ids })).toMatchObject({ unknown: [] });
    await viewer.get('troupe.graph', { type: 'graph', of: second!.sessionId });
    // That XState itself cannot stop such an actor is another matter.
    expect(failures.all).toEqual([]);
    await server.troupe.close({ drain: { timeoutMs: 100 } });
    expect(await plain.client.closed).toMatchObject({ code: 1001 });
  });
});

const oddEvents: readonly (readonly [what: string, event: unknown])[] = [
  ['nothing', undefined],
  ['text', 'text'],
  ['an event without a type', {}],
  ['one whose type is a number', { type: 1 }],
  [
    'one whose type throws',
    {
      get type(): never {
        throw new Error('no');
      },
    },
  ],
];

describe('an actor that sends its parent', () => {
  // Only while somebody watched: it threw in the timer of an invoked actor, say, and ended the process.
  it.each(oddEvents)('%s ends its connection and no more, whether anybody watches or not', async (_what, event) => {
    for (const isWatched of [false, true]) {
      let send: ((event: AnyEventObject) => void) | undefined;
      const talker = fromCallback(({ sendBack }) => void (send = sendBack));
      const machine = setup({ actors: { talker } }).createMachine({ invoke: { src: 'talker' } });
      const server = await serveInspected([defineService({ basePath: '/talking', machine })]);
      const crashes = watch(server.troupe, 'connection.crashed');
      if (isWatched) await (await server.viewPlainly()).until('@xstate.actor');
      const client = await connect(server.url('/talking'));
      expect(() => send!(event as AnyEventObject)).not.toThrow();
      expect(await client.closed).toMatchObject({ code: 1011 });
      expect(crashes.all).toHaveLength(1);
    }
  });

  it('the failure that only a failed actor sends is not taken for failed', async () => {
    let send: ((event: AnyEventObject) => void) | undefined;
    const talker = fromCallback(({ sendBack }) => void (send = sendBack));
    const machine = setup({ actors: { talker } }).createMachine({
      invoke: { src: 'talker', id: 'talker', onError: {} },
    });
    const server = await serveInspected([defineService({ basePath: '/talking', machine })]);
    const plain = await server.viewPlainly();
    await plain.until('@xstate.actor');
    await connect(server.url('/talking'));
    const { sessionId } = await plain.until('@xstate.actor', ({ name }) => name === 'talker');
    send!({ type: 'xstate.error.actor.talker', error: 'none' });
    await plain.until('@xstate.snapshot', (frame) => frame.event.type === 'xstate.error.actor.talker');
    const told = plain.all.filter((frame) => frame.type === '@xstate.snapshot' && frame.sessionId === sessionId);
    expect(told).toHaveLength(1);
  });
});

describe('a chart that holds', () => {
  const ready = (state: object) => ({ initial: 'ready', states: { ready: { on: { 'ws.text': 'ready' }, ...state } } });

  // Watching it ended its connection: what threw while it was told of threw in the actor's own work.
  it.each([
    ['a description that is no text', { description: 42 }],
    ['one of a transition that is none', { on: { 'ws.text': { target: 'ready', description: { secret: 1 } } } }],
    ['tags that are no texts', { tags: [1n, { secret: 1 }, 'shown'] }],
    ['an id that cannot be written', { id: 1n }],
  ])('%s is drawn as far as it can be, and goes on', async (what, state) => {
    const machine = setup({}).createMachine(ready(state) as object);
    const server = await serveInspected([defineService({ basePath: '/chart', machine })], { redact: false });
    const crashes = watch(server.troupe, 'connection.crashed');
    server.troupe.on('callback.failed', () => {});
    const failures = watch(server.troupe, 'callback.failed');
    const client = await connect(server.url('/chart'));
    const viewer = await server.view();
    const { items } = await viewer.get('troupe.list', { type: 'list', of: 'connections' });
    const { id } = items[0] as { id: string };
    const { connection } = await viewer.get('troupe.connection', { type: 'connection', of: id });
    const { sessionId } = connection.actors[1]!;
    await viewer.ask({ type: 'watch', actors: [sessionId] });
    const answer = await viewer.ask({ type: 'graph', of: sessionId });
    if (what.startsWith('an id')) expect(answer).toMatchObject({ type: 'troupe.error', message: 'it failed' });
    else expect(answer).toMatchObject({ graph: { root: { states: [{ key: 'ready' }] } } });
    expect(JSON.stringify(answer)).not.toContain('secret');
    client.send('go on');
    await client.ping();
    client.send('once more');
    await client.ping();
    await viewer.ask({ type: 'list', of: 'names' });
    expect(crashes.all).toEqual([]);
    expect(failures.all.length > 0).toBe(what.startsWith('an id'));
  });
});
