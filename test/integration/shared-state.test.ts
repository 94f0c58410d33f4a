/** State that the connections of a service share: in each of the three forms. */
import { describe, expect, it } from 'vitest';
import { assign, sendTo, setup, SimulatedClock, type AnyActorRef } from 'xstate';
import {
  defineMessages,
  defineService,
  serviceSetup,
  sharedSetup,
  type ServiceMachineInput,
  type Shared,
  type WsEvent,
} from 'troupe';
import { z } from 'zod';
import { connect, type Client } from '../support/client.ts';
import { board, sharing, type BoardSetting } from '../support/board.ts';
import { at, forms, secret } from '../support/forms.ts';
import { advance, advanceUntil, serve, watch } from '../support/server.ts';

const path = '/test/board';
const plain = serviceSetup().createMachine({});
const messages = defineMessages({
  incoming: { order: z.object({ order: z.string() }) },
  outgoing: { score: z.object({ points: z.number() }) },
});
const backoff = { minMs: 100, jitter: 0 };

describe.each(forms)('the shared state of a service made with %s', (form) => {
  async function begin(setting: BoardSetting = {}) {
    const clock = new SimulatedClock();
    const server = await serve([sharing(form, at(path), setting)], { clock });
    const crashes = watch(server.troupe, 'shared.crashed');
    const restarts = watch(server.troupe, 'shared.restarted');
    watch(server.troupe, 'connection.crashed');
    const join = async (): Promise<Client> => {
      const client = await connect(server.url(path));
      expect(await client.next()).toBe('opened');
      return client;
    };
    const shared = server.troupe.shared<typeof board>(path);
    return { clock, server, troupe: server.troupe, crashes, restarts, join, shared };
  }

  async function say(client: Client, ...texts: string[]): Promise<unknown> {
    for (const text of texts) client.send(text);
    return client.next();
  }

  it('is one for all of its connections, and for who asks from outside', async () => {
    const { join, shared } = await begin();
    const [ada, bob] = [await join(), await join()];
    expect(await say(ada, 'add 2', 'read')).toBe('score 2');
    expect(await say(bob, 'add 3', 'read')).toBe('score 5');
    shared.send({ type: 'add', points: 4 });
    expect(await say(ada, 'read')).toBe('score 9');
    expect(shared.getSnapshot().context.score).toBe(9);
  });

  it('tells all connections of its own accord', async () => {
    const { join } = await begin();
    const [ada, bob] = [await join(), await join()];
    ada.send('add 7');
    ada.send('tell');
    expect([await ada.next(), await bob.next()]).toEqual(['all 7', 'all 7']);
  });

  it('is not touched by a connection that crashes, nor is one that watches it', async () => {
    const { join, shared } = await begin();
    const [ada, bob] = [await join(), await join()];
    bob.send('watch');
    expect(await say(bob, 'add 1')).toBe('now 1');
    ada.send('add 2');
    ada.send('fail');
    expect((await ada.closed).code).toBe(1011);
    // What a machine that has failed would do at its end is not done.
    const left = form === 'machine' ? [] : ['now 1003'];
    expect(await bob.take(1 + left.length)).toEqual(['now 3', ...left]);
    expect(shared.getSnapshot().context.score).toBe(form === 'machine' ? 3 : 1003);
  });

  it('ends the connection whose observer fails, and no other', async () => {
    const { join } = await begin();
    const [ada, bob, cid] = [await join(), await join(), await join()];
    expect(await say(ada, 'fail watching', 'ready')).toBe('ready');
    expect(await say(cid, 'watch', 'ready')).toBe('ready');
    expect(await say(bob, 'add 1', 'read')).toMatch(/^score /);
    expect((await ada.closed).code).toBe(1011);
    expect(await cid.next()).toBe('now 1');
    expect(await say(bob, 'read')).toMatch(/^score /);
  });

  it('holds nothing of a connection that has closed, and tells it nothing', async () => {
    const { join, troupe, shared } = await begin();
    const ada = await join();
    expect(await say(ada, 'watch', 'ready')).toBe('ready');
    expect(JSON.stringify(shared._parent?.getSnapshot())).toContain('"observers":1');
    const closed = watch(troupe, 'connection.closed');
    await ada.close();
    await closed.next();
    expect(shared.getSnapshot().context.score).toBe(1000);
    expect(ada.messages.all).toEqual(['opened', 'ready']);
    // What the inspector shows of the actor that it is beneath.
    expect(JSON.parse(JSON.stringify(shared._parent?.getSnapshot()))).toMatchObject({ context: { observers: 0 } });
  });

  it('is watched once by a connection whose service begins anew from its start', async () => {
    const { clock, join, troupe, shared } = await begin({ supervision: { onCrash: 'restart', backoff } });
    const restarted = watch(troupe, 'connection.restarted');
    const ada = await join();
    const crashed = watch(troupe, 'connection.crashed');
    expect(await say(ada, 'watch', 'add 1', 'fail')).toBe('now 1');
    await crashed.next();
    shared.send({ type: 'add', points: 1 });
    await advanceUntil(clock, restarted.next(), { stepMs: 50 });
    shared.send({ type: 'add', points: 1 });
    expect(await say(ada, 'watch', 'add 1', 'ready')).toBe('opened');
    expect(await ada.take(2)).toEqual(['now 4', 'ready']);
  });

  it('is watched on by a connection whose service goes on from a snapshot', async () => {
    const supervision = { onCrash: 'restart', restartFrom: 'snapshot', backoff } as const;
    const { clock, join, troupe, shared } = await begin({ supervision });
    const restarted = watch(troupe, 'connection.restarted');
    const ada = await join();
    expect(await say(ada, 'watch', 'add 1', 'fail')).toBe('now 1');
    await advanceUntil(clock, restarted.next(), { stepMs: 50 });
    shared.send({ type: 'add', points: 1 });
    expect(await say(ada, 'ready')).toBe('now 2');
    expect(await ada.next()).toBe('ready');
    expect(JSON.stringify(shared._parent?.getSnapshot())).toContain('"observers":1');
  });

  it('begins anew when it fails, and takes what has waited meanwhile', async () => {
    const { clock, join, crashes, restarts, shared } = await begin({ supervision: { backoff } });
    const [ada, bob] = [await join(), await join()];
    bob.send('watch');
    expect(await say(bob, 'add 1')).toBe('now 1');
    expect(await say(ada, 'add 1', 'fail shared', 'add 10', 'still here')).toBe('still here');
    expect(crashes.all).toMatchObject([{ service: path, state: 'counting', during: 'fail' }]);
    await advanceUntil(clock, restarts.next(), { stepMs: 50 });
    expect(restarts.all).toMatchObject([{ service: path, from: 'start', restarts: 1 }]);
    expect(await say(ada, 'read')).toBe('score 10');
    expect(await bob.take(3)).toEqual(['now 2', 'now 0', 'now 10']);
    expect(shared.getSnapshot().context.score).toBe(10);
  });

  it('goes on from before the event that failed, where it is told to', async () => {
    const { clock, join, restarts } = await begin({
      supervision: { backoff },
      shared: { logic: board, restartFrom: 'snapshot' },
    });
    const ada = await join();
    expect(await say(ada, 'add 5', 'fail shared', 'add 1', 'there')).toBe('there');
    expect(await advanceUntil(clock, restarts.next(), { stepMs: 50 })).toMatchObject({ from: 'snapshot' });
    expect(await say(ada, 'read')).toBe('score 6');
  });

  it.each(['fail shared later', 'loop'])('survives "%s"', async (order) => {
    const { clock, join, restarts } = await begin({ supervision: { backoff } });
    const ada = await join();
    ada.send(order);
    await advanceUntil(clock, restarts.next(), { stepMs: 50 });
    expect(await say(ada, 'add 2', 'read')).toBe('score 2');
  });

  it('makes the service fail when it has failed too often, which begins it again when it recovers', async () => {
    const { clock, server, troupe, join } = await begin({
      supervision: {
        backoff,
        restartLimit: { restarts: 1, withinMs: 5_000 },
        recovery: { minMs: 1_000, jitter: 0 },
      },
    });
    const failed = watch(troupe, 'service.failed');
    const recovered = watch(troupe, 'service.recovered');
    const ada = await join();
    ada.send('fail shared');
    ada.send('fail shared');
    expect(await advanceUntil(clock, failed.next(), { stepMs: 50 })).toEqual({
      service: path,
      crashes: 2,
      retryMs: 1_000,
    });
    await expect(connect(server.url(path))).rejects.toThrow('503');
    expect(await say(ada, 'add 8', 'still here')).toBe('still here');
    await advance(clock, 1_000, 100);
    expect(await say(ada, 'read')).toBe('score 8');
    const bob = await join();
    // It has all of its restarts again.
    bob.send('fail shared');
    await advanceUntil(clock, recovered.next());
    expect(await say(bob, 'add 9', 'read')).toBe('score 9');
    expect(failed.all).toHaveLength(1);
  });

  it('is there until the last connection has been told of its end, then takes no more', async () => {
    const { join, troupe, shared } = await begin();
    const letters = watch(troupe, 'shared.dead-lettered');
    const scores: number[] = [];
    let isComplete = false;
    shared.subscribe({ next: ({ context }) => scores.push(context.score), complete: () => (isComplete = true) });
    await join();
    await join();
    await troupe.detachService(path);
    expect([scores, isComplete]).toEqual([[1000, 2000], true]);
    shared.send({ type: 'tell' });
    expect(letters.all).toEqual([{ service: path, event: 'tell', reason: 'stopped' }]);
  });

  it('is another one for a service that replaces its own', async () => {
    const { join, troupe, shared } = await begin();
    await join();
    await troupe.replaceService(sharing(form, at(path)));
    expect(shared.getSnapshot().context.score).toBe(1000);
    const successor = await join();
    expect(await say(successor, 'add 1', 'read')).toBe('score 1');
    expect(troupe.shared<typeof board>(path).getSnapshot().context.score).toBe(1);
  });

  it('may come to its end: what is sent then is a dead letter', async () => {
    const { join, troupe } = await begin();
    const letters = watch(troupe, 'shared.dead-lettered');
    const ada = await join();
    expect(await say(ada, 'add 3', 'end', 'add 4', 'read')).toBe('score 3');
    expect(letters.all).toEqual([{ service: path, event: 'add', reason: 'ended' }]);
  });
});

describe('a connection', () => {
  it('is told nothing from when it is told to close, and sends to its end', async () => {
    const scores: string[] = [];
    const service = defineService({
      ...at(path),
      shared: board,
      onTextMessage(connection) {
        const { shared } = connection;
        const see =
          (who: string) =>
          ({ context }: { context: { score: number } }) =>
            scores.push(`${who} ${context.score}`);
        shared.subscribe(see('before'));
        shared.send({ type: 'add', points: 1 });
        connection.closeConnection();
        shared.send({ type: 'add', points: 1 });
        shared.subscribe(see('after'));
      },
      onClose({ shared }) {
        shared.subscribe(() => scores.push('closed'));
        shared.send({ type: 'add', points: 1 });
      },
    });
    const server = await serve([service]);
    const { troupe } = server;
    const client = await connect(server.url(path));
    const closed = watch(troupe, 'connection.closed');
    client.send('go');
    await closed.next();
    const shared = troupe.shared<typeof board>(path);
    shared.send({ type: 'add', points: 1 });
    expect([scores, shared.getSnapshot().context.score]).toEqual([['before 1'], 4]);
    expect(JSON.stringify(shared._parent?.getSnapshot())).toContain('"observers":0');
  });
});

describe('a connection whose observer fails', () => {
  it('fails after the handler of the one that had sent, not within it', async () => {
    const log: string[] = [];
    const service = defineService({
      ...at(path),
      shared: board,
      onTextMessage({ shared }, text) {
        log.push(`${text} begins`);
        if (text === 'watch') shared.subscribe(() => Promise.reject(new Error('later')));
        if (text === 'fail watching') {
          shared.subscribe(() => {
            throw new Error('at once');
          });
        }
        if (text === 'add') shared.send({ type: 'add', points: 1 });
        log.push(`${text} ends`);
      },
      onError: (_connection, error) => log.push((error as Error).message),
    });
    const server = await serve([service]);
    const { troupe } = server;
    const crashes = watch(troupe, 'connection.crashed');
    const [ada, bob, cid] = [
      await connect(server.url(path)),
      await connect(server.url(path)),
      await connect(server.url(path)),
    ];
    ada.send('fail watching');
    await ada.ping();
    cid.send('watch');
    await cid.ping();
    bob.send('add');
    for (const { closed } of [ada, cid]) expect((await closed).code).toBe(1011);
    expect(log.slice(-4)).toEqual(['add begins', 'add ends', 'at once', 'later']);
    expect(crashes.all).toMatchObject([{ during: 'shared' }, { during: 'shared' }]);
    await bob.ping();
  });
});

describe('a machine of shared state', () => {
  const score = (points: number) => ({ type: 'score', points }) as const;
  const conductor = sharedSetup<Record<never, never>, { type: string; from: string }, typeof messages>().createMachine({
    on: {
      group: { actions: { type: 'pushTextToGroup', params: { group: 'g', text: 'to the group' } } },
      name: { actions: { type: 'pushTextToConnection', params: { name: 'alice', text: 'to alice' } } },
      others: {
        actions: { type: 'broadcastText', params: ({ event }) => ({ text: 'to others', except: [event.from] }) },
      },
      all: { actions: { type: 'broadcast', params: { message: score(1) } } },
      message: { actions: { type: 'pushToGroup', params: { group: 'g', message: score(2) } } },
      direct: { actions: { type: 'pushToConnection', params: { name: 'alice', message: score(3) } } },
      close: { actions: { type: 'closeStoredConnection', params: { name: 'alice', code: 4000 } } },
    },
  });

  it('reaches connections by group and by name, as text and as declared messages, and leaves some out', async () => {
    const service = defineService({
      ...at(path),
      messages,
      shared: conductor,
      async onOpen(connection) {
        await connection.storeConnection('alice');
        await connection.addConnectionToGroup('g');
      },
      onMessage: (connection, { order }) => connection.shared.send({ type: order, from: connection.id }),
    });
    const server = await serve([service]);
    const alice = await connect(server.url(path));
    for (const order of ['group', 'name', 'others', 'all', 'message', 'direct', 'close'])
      alice.send(JSON.stringify({ type: 'order', order }));
    expect((await alice.closed).code).toBe(4000);
    const [group, name, ...scores] = alice.messages.all as string[];
    expect([group, name]).toEqual(['to the group', 'to alice']);
    expect(scores.map((text) => JSON.parse(text) as unknown)).toEqual([score(1), score(2), score(3)]);
  });
});

describe('the machine of a connection', () => {
  const counting = sharedSetup<{ count: number }, { type: 'add'; points: number }>()
    .extend({ actions: { add: assign({ count: ({ context, event }) => context.count + event.points }) } })
    .createMachine({ context: { count: 0 }, on: { add: { actions: 'add' } } });
  type Input = ServiceMachineInput<unknown, unknown, unknown, Shared<typeof counting>>;
  const sender = serviceSetup<Record<never, never>, never, { shared: typeof counting }>().createMachine({
    on: { 'ws.text': { actions: { type: 'sendToShared', params: { event: { type: 'add', points: 2 } } } } },
  });

  it('sends by an action, and is shown as the sender', async () => {
    const server = await serve([defineService({ ...at(path), shared: counting, machine: sender })]);
    const senders: unknown[] = [];
    server.troupe.inspect((inspected) => {
      if (inspected.type === '@xstate.event' && inspected.event.type === 'add')
        senders.push((inspected.sourceRef as AnyActorRef).src);
    });
    const ada = await connect(server.url(path));
    ada.send('go');
    await ada.ping();
    expect(server.troupe.shared<typeof counting>(path).getSnapshot().context.count).toBe(2);
    expect(senders).toEqual([sender.id]);
  });

  it('fails by itself when what it sends is refused, also after a delay', async () => {
    const stopping = setup({
      types: {} as { context: { shared: Shared<typeof counting> }; input: Input; events: WsEvent },
    }).createMachine({
      context: ({ input }) => ({ shared: input.shared }),
      entry: sendTo(({ context }) => context.shared, { type: 'xstate.stop' } as never, { delay: 10 }),
    });
    const server = await serve([defineService({ ...at(path), shared: counting, machine: stopping })]);
    const { troupe } = server;
    const crashes = watch(troupe, 'connection.crashed');
    const ada = await connect(server.url(path));
    expect((await ada.closed).code).toBe(1011);
    expect(crashes.all).toMatchObject([{ error: { code: 'TROUPE_EVENT_REFUSED' } }]);
    expect(troupe.shared(path).getSnapshot()).toMatchObject({ status: 'active' });
  });

  it('goes on from a snapshot without what its predecessor had subscribed in an action', async () => {
    const watching = setup({
      types: {} as { context: { shared: Shared<typeof counting> }; input: Input; events: WsEvent },
      actions: {
        watch: ({ context }) => void context.shared.subscribe(() => undefined),
        fail: () => {
          throw new Error(secret);
        },
      },
    }).createMachine({
      context: ({ input }) => ({ shared: input.shared }),
      entry: 'watch',
      on: { 'ws.text': { actions: 'fail' } },
    });
    const supervision = { onCrash: 'restart', restartFrom: 'snapshot', backoff: { minMs: 0 } } as const;
    const service = defineService({ ...at(path), supervision, shared: counting, machine: watching });
    const server = await serve([service]);
    const { troupe } = server;
    watch(troupe, 'connection.crashed');
    const restarted = watch(troupe, 'connection.restarted');
    const ada = await connect(server.url(path));
    ada.send('go');
    expect(await restarted.next()).toMatchObject({ from: 'snapshot' });
    expect(JSON.stringify(troupe.shared(path)._parent?.getSnapshot())).toContain('"observers":0');
  });

  it('fails when its service has no shared state after all', async () => {
    const server = await serve([defineService({ ...at(path), machine: sender as unknown as typeof plain })]);
    const crashes = watch(server.troupe, 'connection.crashed');
    const ada = await connect(server.url(path));
    ada.send('go');
    expect(await crashes.next()).toMatchObject({ error: { code: 'TROUPE_SHARED_UNDECLARED' } });
  });
});
