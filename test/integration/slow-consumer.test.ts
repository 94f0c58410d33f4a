import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import { connect } from '../support/client.ts';
import { capture } from '../support/capture.ts';
import { at } from '../support/forms.ts';
import { turn, turns } from '../support/inbox.ts';
import { rawUpgrade, type RawClient } from '../support/raw.ts';
import { advanceUntil, serve, watch, type ServeOptions, type Server } from '../support/server.ts';
import type { Connection, Delivery } from 'troupe';

const path = '/test/websocket';
const chunk = 'x'.repeat(64 * 1024);
/** What the kernel may hold on both sides of a loopback connection, generously. */
const kernelBytes = 48 * 1024 * 1024;

interface Stalled {
  server: Server;
  client: RawClient;
  connection: Connection;
  clock: SimulatedClock;
  captured: ReturnType<typeof capture>;
}

/** A connection whose peer has stopped reading. */
async function stalled(options: ServeOptions = {}): Promise<Stalled> {
  const clock = new SimulatedClock();
  const captured = capture(at(path));
  const server = await serve([captured.service], { clock, ...options });
  const client = await rawUpgrade(server.port, path);
  const connection = await captured.opened.next();
  client.stall();
  return { server, client, connection, clock, captured };
}

/** Pushes until the push is not delivered any more; fails when memory is not bounded. */
async function fill(push: () => Delivery): Promise<{ last: Delivery; bytes: number }> {
  for (let bytes = 0; bytes < 3 * kernelBytes; bytes += chunk.length) {
    const last = push();
    if (last.status !== 'delivered' || last.count === 0) return { last, bytes };
    // The kernel takes what it can between two pushes.
    await turn();
  }
  throw new Error('the server buffers without a bound');
}

describe('a peer that does not read', () => {
  it('is congested above the high-water mark and closed with 1013', async () => {
    const { server, client, connection, clock, captured } = await stalled();
    const changed = watch(server.troupe, 'connection.changed');

    const { last, bytes } = await fill(() => connection.pushText(chunk));

    expect(last.status).toBe('congested');
    expect(bytes).toBeGreaterThanOrEqual(1_048_576 - chunk.length);
    expect((await changed.until(({ outbound }) => outbound === 'congested')).connection).toBe(connection.id);
    client.resume();
    expect(await client.closeCode()).toBe(1013);
    client.socket.end();
    await advanceUntil(clock, captured.closes.next());
    expect(captured.closes.all).toHaveLength(1);
  });

  it('is destroyed at the close time-out when it goes on not reading', async () => {
    const { server, connection, clock, captured } = await stalled();
    await connection.storeConnection('slow');
    await connection.addConnectionToGroup('g');
    await fill(() => connection.pushText(chunk));

    const { code } = await advanceUntil(clock, captured.closes.next(), { limitMs: 60_000 });

    expect([1013, 1006]).toContain(code);
    expect(await server.troupe.pushTextToConnection('slow', 'x')).toMatchObject({ status: 'unknown' });
    expect(server.troupe.pushTextToGroup('g', 'x')).toMatchObject({ count: 0 });
    expect((await server.troupe.connections(path)).items).toEqual([]);
    expect(connection.isOpen).toBe(false);
  });

  it('becomes a dead letter for every push that it misses', async () => {
    const { server, connection } = await stalled();
    const deadLetters = watch(server.troupe, 'push.dead-lettered');

    await fill(() => connection.pushText(chunk));

    expect(await deadLetters.next()).toMatchObject({
      function: 'pushText',
      status: 'congested',
    });
  });

  it('costs the others of a broadcast nothing', async () => {
    const { server, connection } = await stalled();
    const reader = await connect(server.url(path));
    let sent = 0;
    const { last } = await fill(() => {
      sent += 1;
      const delivery = server.troupe.broadcastText(path, chunk);
      // The reader alone is left once the stalled one is congested.
      return delivery.count === 2 ? delivery : { ...delivery, status: 'congested' };
    });
    expect(last.count).toBe(1);

    server.troupe.broadcastText(path, 'marker');

    expect(await reader.before('marker')).toHaveLength(sent);
    expect(connection.isOpen).toBe(false);
  });

  it('of a group is left out and counted out', async () => {
    const { server, connection, captured } = await stalled();
    const other = await captured.pair(server, path);
    await connection.addConnectionToGroup('g');
    await other.connection.addConnectionToGroup('g');
    await fill(() => connection.pushText(chunk));

    expect(server.troupe.pushTextToGroup('g', 'to the rest')).toMatchObject({ status: 'delivered', count: 1 });
    expect(await other.client.next()).toBe('to the rest');
  });

  it('that reads again in time stays, and gets everything in order', async () => {
    const { server, client, connection } = await stalled();
    const total = 12;
    for (let index = 0; index < total; index += 1) {
      expect(connection.pushText(`${index}:${chunk}`).status).toBe('delivered');
    }
    client.resume();

    const received: string[] = [];
    for (let index = 0; index < total; index += 1) received.push((await client.nextText()).split(':')[0] ?? '');

    expect(received).toEqual(Array.from({ length: total }, (_, index) => `${index}`));
    expect(connection.outbound).toBe('flowing');
    expect(connection.isOpen).toBe(true);
    expect(server.troupe.broadcastText(path, 'x')).toMatchObject({ count: 1 });
  });

  it('that was congested and reads again is flowing again', async () => {
    const { server, client, connection } = await stalled();
    const changed = watch(server.troupe, 'connection.changed');
    // Without one push too many: that would meet the policy.
    let sent = 0;
    while (connection.outbound === 'flowing') {
      expect(connection.pushText(`${sent}:${chunk}`).status).toBe('delivered');
      sent += 1;
      await turn();
    }
    expect(connection.info().outbound).toBe('congested');

    client.resume();
    await changed.until(({ outbound }) => outbound === 'congested');
    await changed.until(({ outbound }) => outbound === 'flowing');

    expect(connection.pushText(`${sent}:last`).status).toBe('delivered');
    for (let index = 0; index <= sent; index += 1) expect((await client.nextText()).split(':')[0]).toBe(`${index}`);
    expect(connection.isOpen).toBe(true);
  });

  it('is measured against the limits of its service', async () => {
    const { connection } = await stalled({ limits: { highWaterMarkBytes: 4 * 1024 * 1024 } });
    // Nothing can be written before the loop turns: these four megabytes all wait.
    let delivered = 0;
    while (connection.pushText(chunk).status === 'delivered') delivered += chunk.length;

    expect(delivered).toBeGreaterThanOrEqual(4 * 1024 * 1024 - chunk.length);
    expect(delivered).toBeLessThan(kernelBytes);
  });

  it('is never sent more than the hard cap at once: the push is refused, the connection goes on', async () => {
    const captured = capture(at(path));
    const server = await serve([captured.service], { limits: { hardCapBytes: 2 * 1024 * 1024 } });
    const { client, connection } = await captured.pair(server, path);

    const refused = connection.pushText('x'.repeat(3 * 1024 * 1024));
    const delivered = connection.pushText('small');

    expect(refused).toMatchObject({ status: 'congested', count: 0 });
    expect(delivered).toMatchObject({ status: 'delivered' });
    expect(await client.next()).toBe('small');
  });

  it('is no reason to refuse one large message that fits the mark', async () => {
    const captured = capture(at(path));
    const server = await serve([captured.service]);
    const { client, connection } = await captured.pair(server, path);

    expect(connection.pushText('x'.repeat(1_000_000)).status).toBe('delivered');
    expect(await client.next()).toHaveLength(1_000_000);
    await turns(3);
    expect(connection.outbound).toBe('flowing');
  });
});
