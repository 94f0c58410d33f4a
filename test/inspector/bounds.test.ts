import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { defineService, type Connection, type WsEvent } from 'troupe';
import { connect } from '../support/client.ts';
import { serveInspected } from './support.ts';

const echo = () =>
  defineService({
    basePath: '/echo',
    onTextMessage: (connection: Connection, text: string) => connection.pushText(text),
  });

const large = () =>
  defineService({
    basePath: '/large',
    machine: setup({
      types: {} as { context: { kept: readonly string[] }; events: WsEvent },
      actions: { keep: assign({ kept: () => Array.from({ length: 14 }, () => 'x'.repeat(2000)) }) },
    }).createMachine({ id: 'large', context: { kept: [] }, on: { 'ws.text': { actions: 'keep' } } }),
  });

describe('events that come faster than they may be told', () => {
  it('are counted, and then the viewer is told how the actor is', async () => {
    const server = await serveInspected([echo()], { maxEventsPerSecond: 5 });
    const viewer = await server.view();
    const client = await connect(server.url('/echo'));
    const { items } = await viewer.get('troupe.list', { type: 'list', of: 'connections' });
    const { sessionId } = items[0] as { sessionId: string };
    await viewer.ask({ type: 'watch', actors: [sessionId] });
    for (let count = 0; count < 20; count++) client.send('again');
    // Of each message: the event and its snapshot, the settling and its snapshot, and two steps.
    const all = 20 * 6;
    const told = (): number => viewer.all.filter((frame) => 'event' in frame && frame.sessionId === sessionId).length;
    let dropped = 0;
    // Mostly within one second; a machine that is busy with other things may need more.
    while (told() + dropped < all) dropped += (await viewer.until('troupe.dropped')).count;
    expect(told() + dropped).toBe(all);
    expect(dropped).toBeGreaterThanOrEqual(5);
    const missed = viewer.all.findIndex(({ type }) => type === 'troupe.missed');
    expect(viewer.all[missed]).toMatchObject({ sessionId });
    expect(missed).toBeLessThan(viewer.all.findIndex(({ type }) => type === 'troupe.dropped'));
    expect(await viewer.until('@xstate.actor')).toMatchObject({ sessionId, snapshot: { context: { state: 'open' } } });
  });

  it('are not described when describing has taken its share of the time', async () => {
    let described = 0;
    const redact = (_path: readonly string[], value: unknown): unknown => {
      described++;
      for (const until = performance.now() + 10; performance.now() < until;);
      return value;
    };
    const server = await serveInspected([echo()], { redact });
    const viewer = await server.view();
    const client = await connect(server.url('/echo'));
    const { items } = await viewer.get('troupe.list', { type: 'list', of: 'connections' });
    await viewer.ask({ type: 'watch', actors: [(items[0] as { sessionId: string }).sessionId] });
    described = 0;
    for (let count = 0; count < 20; count++) client.send('again');
    for (let count = 0; count < 20; count++) expect(await client.next()).toBe('again');
    // Each of the 120 frames asks the function three times at least.
    expect(described).toBeLessThan(60);
    await viewer.until('troupe.dropped');
  });
});

describe('connections that crash by the hundred', () => {
  // What each had thrown was described, whatever time that took: 300 held the server up for six seconds.
  it('are told of as far as there is time', async () => {
    let described = 0;
    const redact = ([what]: readonly string[], value: unknown): unknown => {
      if (what === 'error') described++;
      for (const until = performance.now() + 10; performance.now() < until;);
      return value;
    };
    const fragile = defineService({
      basePath: '/fragile',
      onTextMessage() {
        throw new Error('it broke');
      },
    });
    const server = await serveInspected([fragile], { redact });
    server.troupe.on('connection.crashed', () => {});
    const viewer = await server.view();
    await (await server.view()).until('troupe.overview');
    const clients = await Promise.all(Array.from({ length: 40 }, () => connect(server.url('/fragile'))));
    const begun = performance.now();
    for (const client of clients) client.send('break');
    for (const client of clients) expect(await client.closed).toMatchObject({ code: 1011 });
    const seconds = Math.ceil((performance.now() - begun) / 1000);
    // Each asks the function four times: five make the 200 ms of a second, for both viewers together.
    expect(described).toBeLessThanOrEqual(24 * (seconds + 1));
    expect((await viewer.until('troupe.dropped')).busy).toBeGreaterThan(0);
  });
});

/** A service whose machine takes long to describe, and how often that was done. */
function slow(tookMs: number) {
  const machine = setup({ types: {} as { context: { kept: number }; events: WsEvent } }).createMachine({
    id: 'slow',
    context: { kept: 1 },
  });
  const count = { described: 0 };
  const redact = (path: readonly string[], value: unknown): unknown => {
    if (path.join('.') !== 'context.kept') return value;
    count.described++;
    for (const until = performance.now() + tookMs; performance.now() < until;);
    return value;
  };
  return { service: defineService({ basePath: '/slow', machine }), redact, count };
}

describe('a viewer that asks for much', () => {
  // One that watched the same actors again and again took all the time of the server.
  it('is answered in a tenth of the time', async () => {
    const { service, redact } = slow(30);
    const server = await serveInspected([service], { redact });
    await connect(server.url('/slow'));
    const viewer = await server.view();
    const { items } = await viewer.get('troupe.list', { type: 'list', of: 'connections' });
    const { id } = items[0] as { id: string };
    const { connection } = await viewer.get('troupe.connection', { type: 'connection', of: id });
    const actors = [connection.actors[1]!.sessionId];
    const begun = performance.now();
    for (let count = 0; count < 4; count++) await viewer.get('troupe.watching', { type: 'watch', actors });
    // Of the 90 ms of the first three 50 are had at once, and the others by a tenth of the time.
    expect(performance.now() - begun).toBeGreaterThan(350);
  });
});

describe('actors that come faster than they may be described', () => {
  it('are told of as far as there is time', async () => {
    const { service, redact, count } = slow(50);
    const server = await serveInspected([service], { redact });
    const viewer = await server.viewPlainly();
    await viewer.until('@xstate.actor', ({ name }) => name === '/slow');
    const begun = performance.now();
    for (let connections = 0; connections < 20; connections++) await connect(server.url('/slow'));
    const seconds = Math.ceil((performance.now() - begun) / 1000);
    expect(count.described).toBeGreaterThan(0);
    // Four make the 200 ms of a second; the second that was begun before counts as well.
    expect(count.described).toBeLessThanOrEqual(5 * (seconds + 1));
  });
});

describe('a viewer that does not read', () => {
  // It has to fill what the kernel holds for it first, which takes seconds on a busy machine.
  it('is cut, and what waited for it is given up', { timeout: 20_000 }, async () => {
    const server = await serveInspected([large()], { redact: false, maxEventsPerSecond: 100_000 });
    const [viewer, other] = [await server.viewPlainly(), await server.view()];
    await other.until('troupe.overview', ({ viewers }) => viewers === 2);
    const client = await connect(server.url('/large'));
    viewer.client.socket.pause();
    const isCut = other.until('troupe.overview', ({ viewers }) => viewers === 1).then(() => true);
    // In more than one second, as only so much is described in each.
    while (!(await Promise.race([isCut, client.ping()]))) for (let count = 0; count < 20; count++) client.send('more');
    viewer.client.socket.resume();
    const { code } = await viewer.client.closed;
    expect([1013, 1006]).toContain(code);
    await client.ping();
  });
});
