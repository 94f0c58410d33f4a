/** A crashed service begins anew for the same socket: in each of the three forms. */
import { describe, expect, it } from 'vitest';
import { assign, fromCallback, fromPromise, setup, SimulatedClock } from 'xstate';
import { connectionActions, defineService, serviceSetup, type SupervisionOptions, type WsEvent } from 'troupe';
import { connect } from '../support/client.ts';
import { at, forms, secret } from '../support/forms.ts';
import { fragile } from '../support/fragile.ts';
import { Inbox } from '../support/inbox.ts';
import { advance, advanceUntil, serve, watch } from '../support/server.ts';

const path = '/test/websocket';
const restart = { onCrash: 'restart', backoff: { minMs: 100, jitter: 0 } } as const;

async function begin(service: Parameters<typeof serve>[0][number]) {
  const clock = new SimulatedClock();
  const server = await serve([service], { clock });
  const client = await connect(server.url(path));
  const restarted = watch(server.troupe, 'connection.restarted');
  // Or each crash would become a warning.
  watch(server.troupe, 'connection.crashed');
  return { clock, server, client, restarted };
}

describe.each(forms)('a connection to a service made with %s', (form) => {
  const make = (supervision: SupervisionOptions = {}, failsToOpen = () => false) =>
    fragile(form, at(path), { supervision: { ...restart, ...supervision }, failsToOpen });

  it.each(['fail', 'fail later'])('is restarted from its start on "%s", with its names and groups', async (fail) => {
    const { service, closes } = make();
    const { clock, server, client, restarted } = await begin(service);
    const crashes = watch(server.troupe, 'connection.crashed');
    for (const text of ['join', 'count', 'count', fail]) client.send(text);
    expect(await client.take(4)).toEqual(['opened', 'join', 'count 1', 'count 2']);
    await crashes.next();
    expect(server.troupe.broadcastText(path, 'meanwhile')).toMatchObject({ count: 1 });
    expect(server.troupe.pushTextToGroup('g', 'to the group')).toMatchObject({ count: 1 });

    const fact = await advanceUntil(clock, restarted.next(), { stepMs: 100 });

    expect(fact).toMatchObject({ service: path, from: 'start', restarts: 1 });
    client.send('count');
    expect(await client.take(4)).toEqual(['meanwhile', 'to the group', 'opened', 'count 1']);
    expect(await server.troupe.pushTextToConnection('alice', 'by name')).toMatchObject({ status: 'delivered' });
    expect(closes.all).toEqual([]);
    const closed = watch(server.troupe, 'connection.closed');
    await client.close(1000);
    await closed.next();
    expect(closes.all).toEqual([{ code: 1000, reason: '' }]);
  });

  it('goes on from its last good snapshot: what it remembered is there, and it is not opened again', async () => {
    const { clock, client, restarted } = await begin(make({ restartFrom: 'snapshot' }).service);
    for (const text of ['count', 'count', 'fail']) client.send(text);
    expect(await client.take(3)).toEqual(['opened', 'count 1', 'count 2']);

    const fact = await advanceUntil(clock, restarted.next(), { stepMs: 100 });

    expect(fact).toMatchObject({ from: 'snapshot', restarts: 1 });
    client.send('count');
    // What the failing event had already counted is undone.
    expect(await client.next()).toBe('count 3');
  });

  it('handles what waited meanwhile, in order, and the message that failed no more', async () => {
    const { clock, client, restarted } = await begin(make().service);
    for (const text of ['a', 'fail', 'b', 'c', 'd']) client.send(text);
    expect(await client.take(2)).toEqual(['opened', 'a']);
    await client.ping();
    expect(client.messages.unread).toEqual([]);
    await advanceUntil(clock, restarted.next(), { stepMs: 100 });
    expect(await client.take(4)).toEqual(['opened', 'b', 'c', 'd']);
  });

  it('is closed with 1011 when it has no restart left', async () => {
    const { clock, client, restarted } = await begin(make({ restartLimit: { restarts: 2, withinMs: 60_000 } }).service);
    for (let crash = 0; crash < 3; crash += 1) client.send('fail');
    expect(await advanceUntil(clock, client.closed, { stepMs: 100 })).toEqual({ code: 1011, reason: '' });
    expect(restarted.all.map(({ restarts }) => restarts)).toEqual([1, 2]);
  });

  it('waits longer before each restart, and as at first when it was well for long enough', async () => {
    const backoff = { minMs: 1_000, factor: 3, jitter: 0 };
    const restartLimit = { restarts: 3, withinMs: 20_000 };
    const { clock, server, client, restarted } = await begin(make({ backoff, restartLimit }).service);
    const crashes = watch(server.troupe, 'connection.crashed');
    const waits: number[] = [];
    for (const pauseMs of [0, 0, 30_000]) {
      await advance(clock, pauseMs);
      client.send('fail');
      await crashes.next();
      const from = clock.now();
      await advanceUntil(clock, restarted.next(), { stepMs: 100 });
      waits.push(clock.now() - from);
    }
    expect(waits).toEqual([1_000, 3_000, 1_000]);
  });

  it('is restarted from its start when it fails while it opens', async () => {
    let openings = 0;
    const failsToOpen = () => ++openings <= 2;
    const { clock, client, restarted } = await begin(make({ restartFrom: 'snapshot' }, failsToOpen).service);
    client.send('a');
    expect(await advanceUntil(clock, client.take(2), { stepMs: 100 })).toEqual(['opened', 'a']);
    expect(restarted.all.map(({ from }) => from)).toEqual(['start', 'start']);
  });

  it('may end while it waits to be restarted, from either side', async () => {
    const { service } = make();
    const { clock, server, client } = await begin(service);
    const closed = watch(server.troupe, 'connection.closed');
    client.send('fail');
    client.send('never handled');
    await watch(server.troupe, 'connection.crashed').next();
    await client.close(1000);
    expect((await closed.next()).code).toBe(1000);

    await advance(clock, 1_000);
    expect(client.messages.all).toEqual(['opened']);
  });

  it('is closed when its service drains while it waits, and the messages that wait are dropped', async () => {
    const { service, closes } = make();
    const { clock, server, client, restarted } = await begin(service);
    const crashes = watch(server.troupe, 'connection.crashed');
    for (const text of ['fail', 'one that waits', 'another']) client.send(text);
    await crashes.next();
    await client.ping();

    await server.troupe.detachService(path);

    expect((await client.closed).code).toBe(1001);
    await advance(clock, 1_000);
    expect(client.messages.all).toEqual(['opened']);
    expect(restarted.all).toEqual([]);
    expect(closes.all).toEqual(form === 'machine' ? [] : [{ code: 1001, reason: expect.any(String) }]);
    expect(server.troupe.services()).toEqual([]);
  });

  it('is not restarted while its service has failed', async () => {
    const { client, server } = await begin(make({ intensity: { crashes: 1, withinMs: 1_000 } }).service);
    const witness = await connect(server.url(path));
    client.send('fail');
    expect((await client.closed).code).toBe(1011);
    witness.send('fail');
    expect((await witness.closed).code).toBe(1011);
  });
});

describe('a machine that goes on from its last good snapshot', () => {
  const supervision = { ...restart, restartFrom: 'snapshot' } as const;

  it('is in the state it was in, with its delays begun again', async () => {
    const machine = serviceSetup<{ hint: string }>()
      .extend({
        guards: {
          isBad: ({ event }) => {
            if (event.type === 'ws.text' && event.text === 'bad') throw new Error(secret);
            return false;
          },
        },
        delays: { soon: 5_000 },
      })
      .createMachine({
        context: { hint: 'kept' },
        initial: 'calm',
        states: {
          calm: { on: { 'ws.text': 'waiting' } },
          waiting: {
            entry: { type: 'pushText', params: { text: 'waiting' } },
            after: { soon: { actions: { type: 'pushText', params: ({ context }) => ({ text: context.hint }) } } },
            on: { 'ws.text': { guard: 'isBad' } },
          },
        },
      });
    const { clock, client, restarted } = await begin(defineService({ ...at(path), supervision, machine }));
    client.send('go');
    client.send('bad');
    expect(await client.next()).toBe('waiting');
    await advanceUntil(clock, restarted.next(), { stepMs: 100 });
    await advance(clock, 4_500);
    await client.ping();
    expect(client.messages.unread).toEqual([]);
    await advance(clock, 1_000);
    expect(await client.next()).toBe('kept');
  });

  it('invokes again what it had invoked by name', async () => {
    const answers = new Inbox<(answer: string) => void>();
    const machine = setup({
      types: {} as { events: WsEvent; context: { heard: string } },
      actions: {
        ...connectionActions,
        fail: () => {
          throw new Error(secret);
        },
      },
      actors: { ask: fromPromise<string>(() => new Promise((resolve) => answers.push(resolve))) },
    }).createMachine({
      context: { heard: '' },
      invoke: {
        src: 'ask',
        onDone: {
          actions: [
            assign({ heard: ({ event }) => event.output }),
            { type: 'pushText', params: ({ context }) => ({ text: context.heard }) },
          ],
        },
      },
      on: { 'ws.text': { actions: 'fail' } },
    });
    const { clock, client, restarted } = await begin(defineService({ ...at(path), supervision, machine }));
    const first = await answers.next();
    client.send('bad');
    await advanceUntil(clock, restarted.next(), { stepMs: 100 });
    first('too late');
    (await answers.next())('again');
    expect(await client.next()).toBe('again');
  });

  it('leaves nothing behind when it cannot go on: what it invoked again is stopped', async () => {
    // A delay that is computed from the event has none to look at here. The actor was known to nobody then, and acted
    // beside its successor, beyond the end of the connection as well.
    let running = 0;
    const ticker = fromCallback(() => {
      running += 1;
      return () => {
        running -= 1;
      };
    });
    const machine = setup({
      types: {} as { events: WsEvent },
      actors: { ticker },
      actions: {
        fail: () => {
          throw new Error(secret);
        },
      },
      delays: { later: ({ event }) => (event as { readonly text: string }).text.length * 60_000 },
    }).createMachine({
      initial: 'calm',
      states: {
        calm: { on: { 'ws.text': 'ticking' } },
        ticking: { invoke: { src: 'ticker' }, after: { later: 'calm' }, on: { 'ws.text': { actions: 'fail' } } },
      },
    });
    const { clock, client, restarted } = await begin(defineService({ ...at(path), supervision, machine }));
    for (const text of ['go', 'bad']) client.send(text);

    const froms = [];
    for (let time = 0; time < 2; time += 1)
      froms.push((await advanceUntil(clock, restarted.next(), { stepMs: 100 })).from);

    expect([froms, running]).toEqual([['snapshot', 'start'], 0]);
  });

  it('begins at its start when it fails of its own accord from there as well', async () => {
    const machine = serviceSetup()
      .extend({
        actions: {
          fail: () => {
            throw new Error(secret);
          },
        },
      })
      .createMachine({
        initial: 'calm',
        states: { calm: { on: { 'ws.text': 'doomed' } }, doomed: { after: { 1_000: { actions: 'fail' } } } },
      });
    const { clock, client, restarted } = await begin(defineService({ ...at(path), supervision, machine }));
    client.send('go');
    await client.ping();
    const froms = [];
    for (let time = 0; time < 2; time += 1) froms.push((await advanceUntil(clock, restarted.next())).from);
    expect(froms).toEqual(['snapshot', 'start']);
    await advance(clock, 10_000);
    expect(restarted.all).toHaveLength(2);
  });

  it('begins at its start when there is nothing that XState could restore', async () => {
    const loop: { self?: unknown } = {};
    loop.self = loop;
    const machine = serviceSetup<{ loop: object }>()
      .extend({
        actions: {
          fail: () => {
            throw new Error(secret);
          },
        },
      })
      .createMachine({ context: { loop }, on: { 'ws.text': { actions: 'fail' } } });
    const { clock, client, restarted } = await begin(defineService({ ...at(path), supervision, machine }));
    client.send('bad');
    expect((await advanceUntil(clock, restarted.next(), { stepMs: 100 })).from).toBe('start');
  });

  it('does nothing any more for its connection once another has taken its place', async () => {
    const late = new Inbox<(error: Error) => void>();
    const machine = serviceSetup()
      .extend({
        actions: {
          later: async () => new Promise((_resolve, reject) => late.push(reject)),
          fail: () => {
            throw new Error(secret);
          },
        },
        guards: { isBad: ({ event }) => event.type === 'ws.text' && event.text === 'bad' },
      })
      .createMachine({ on: { 'ws.text': [{ guard: 'isBad', actions: 'fail' }, { actions: 'later' }] } });
    const { clock, server, client, restarted } = await begin(defineService({ ...at(path), supervision, machine }));
    const failures = watch(server.troupe, 'callback.failed');
    const crashes = watch(server.troupe, 'connection.crashed');
    client.send('ok');
    const reject = await late.next();
    client.send('bad');
    await advanceUntil(clock, restarted.next(), { stepMs: 100 });
    const error = new Error('too late');
    reject(error);
    expect(await failures.next()).toMatchObject({ error, callback: expect.stringContaining('restarted') });
    expect(crashes.all).toHaveLength(1);
    await client.ping();
  });
});
