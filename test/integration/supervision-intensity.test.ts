/** A service that fails by too many crashes, and comes back: in each of the three forms. */
import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import { connect, refused } from '../support/client.ts';
import { at, echo, forms } from '../support/forms.ts';
import { fragile } from '../support/fragile.ts';
import { turn } from '../support/inbox.ts';
import { advance, serve, watch, type Server } from '../support/server.ts';

const path = '/test/websocket';
const intensity = { crashes: 3, withinMs: 1_000 };
const recovery = { minMs: 2_000, maxMs: 8_000, factor: 2, jitter: 0 };

async function crash(server: Server, count: number): Promise<void> {
  for (let crashed = 0; crashed < count; crashed += 1) {
    const client = await connect(server.url(path));
    client.send('fail');
    expect((await client.closed).code).toBe(1011);
  }
}

describe.each(forms)('a service made with %s', (form) => {
  async function begin(supervision = {}) {
    const clock = new SimulatedClock();
    const { service } = fragile(form, at(path), { supervision: { intensity, recovery, ...supervision } });
    const server = await serve([service, echo(form, at('/healthy/ws'))], { clock });
    return { clock, server };
  }

  it('fails when its connections crash too often: upgrades get 503, who is connected stays', async () => {
    const { server } = await begin();
    const failed = watch(server.troupe, 'service.failed');
    const witness = await connect(server.url(path));
    await crash(server, 2);
    const last = await connect(server.url(path));
    expect(failed.all).toEqual([]);
    last.send('fail');
    expect((await last.closed).code).toBe(1011);

    expect(await failed.next()).toEqual({ service: path, crashes: 3, retryMs: 2_000 });
    const { status, headers } = await refused(server.url(path));
    expect(status).toBe(503);
    expect(headers['retry-after']).toBe('2');
    witness.send('still here');
    expect(await witness.take(2)).toEqual(['opened', 'still here']);
    expect(server.troupe.broadcastText(path, 'to all')).toMatchObject({ count: 1 });
    expect(await witness.next()).toBe('to all');
    const neighbour = await connect(server.url('/healthy/ws'));
    neighbour.send('fine');
    expect(await neighbour.next()).toBe('fine');
  });

  it('does not fail when its crashes are far enough apart', async () => {
    const { clock, server } = await begin();
    const failed = watch(server.troupe, 'service.failed');
    await crash(server, 2);
    await advance(clock, 1_000);
    await crash(server, 2);
    await connect(server.url(path));
    expect(failed.all).toEqual([]);
  });

  it('accepts connections again after its wait, and has recovered when it passes its probation', async () => {
    const { clock, server } = await begin();
    const recovering = watch(server.troupe, 'service.recovering');
    const recovered = watch(server.troupe, 'service.recovered');
    await crash(server, 3);
    await turn();
    await advance(clock, 1_900, 100);
    expect((await refused(server.url(path))).status).toBe(503);
    await advance(clock, 200, 100);
    expect(recovering.all).toEqual([{ service: path }]);
    const client = await connect(server.url(path));
    client.send('fine');
    expect(await client.take(2)).toEqual(['opened', 'fine']);
    expect(recovered.all).toEqual([]);
    await advance(clock, 1_100, 100);
    expect(recovered.all).toEqual([{ service: path }]);
  });

  it('that fails on probation waits longer each time, and as at first once it has recovered', async () => {
    const { clock, server } = await begin();
    const failed = watch(server.troupe, 'service.failed');
    const waits: number[] = [];
    for (let time = 0; time < 4; time += 1) {
      await crash(server, 3);
      const { retryMs } = await failed.next();
      waits.push(retryMs);
      await advance(clock, retryMs + 200, 100);
    }
    expect(waits).toEqual([2_000, 4_000, 8_000, 8_000]);
    await advance(clock, 1_200, 100);
    await crash(server, 3);
    expect((await failed.next()).retryMs).toBe(2_000);
  });

  it('counts its crashes from nought on probation, however lately those were that made it fail', async () => {
    const { clock, server } = await begin({ intensity: { crashes: 3, withinMs: 60_000 } });
    const failed = watch(server.troupe, 'service.failed');
    await crash(server, 3);
    await failed.next();
    await advance(clock, 2_200, 100);
    await crash(server, 2);
    expect(failed.unread).toEqual([]);
    await crash(server, 1);
    expect(await failed.next()).toMatchObject({ crashes: 3, retryMs: 4_000 });
  });

  it('may be detached while it has failed', async () => {
    const { clock, server } = await begin();
    await crash(server, 3);
    await turn();
    await server.troupe.detachService(path);
    expect((await refused(server.url(path))).status).toBe(404);
    const recovering = watch(server.troupe, 'service.recovering');
    await advance(clock, 10_000);
    expect(recovering.all).toEqual([]);
  });
});

describe('crashes in onOpen', () => {
  it('count as well', async () => {
    const { service } = fragile('handlers', at(path), { supervision: { intensity }, failsToOpen: () => true });
    const server = await serve([service]);
    const failed = watch(server.troupe, 'service.failed');
    for (let crashed = 0; crashed < 3; crashed += 1)
      expect((await (await connect(server.url(path))).closed).code).toBe(1011);
    expect(await failed.next()).toMatchObject({ crashes: 3 });
    expect((await refused(server.url(path))).status).toBe(503);
  });
});
