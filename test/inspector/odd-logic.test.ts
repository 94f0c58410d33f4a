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
