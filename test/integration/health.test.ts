import { describe, expect, it } from 'vitest';
import { createTroupe, defineService } from 'troupe';
import { connect } from '../support/client.ts';
import { serve } from '../support/server.ts';

const quiet = defineService({ basePath: '/quiet', onTextMessage: () => {} });

describe('the health of a node', () => {
  it('says how the server and its services are, and nothing of a backplane where there is none', async () => {
    const server = await serve([quiet]);
    const { troupe } = server;
    await connect(server.url('/quiet'));
    expect(troupe.health()).toEqual({
      isLive: true,
      isReady: true,
      server: 'listening',
      services: [{ name: '/quiet', state: 'running', connections: 1 }],
    });
  });

  it('is ready no more from the beginning of a shutdown on', async () => {
    const server = await serve([quiet]);
    const { troupe } = server;
    const client = await connect(server.url('/quiet'));
    const closed = troupe.close({ drain: { timeoutMs: 500 } });
    expect(troupe.health()).toMatchObject({ isLive: true, isReady: false, server: 'draining' });
    await Promise.all([closed, client.closed]);
    expect(troupe.health()).toEqual({ isLive: true, isReady: false, server: 'closed', services: [] });
  });
});

describe('the cluster of a single node', () => {
  it('is asked and answers alone', async () => {
    const server = await serve([quiet]);
    const { troupe } = server;
    await connect(server.url('/quiet'));
    const { cluster } = troupe;
    expect(await cluster.nodes()).toEqual([cluster.nodeId]);
    const { items, ...coverage } = await cluster.connections('/quiet');
    expect(items.map(({ node, service }) => [node, service])).toEqual([[cluster.nodeId, '/quiet']]);
    expect(coverage).toEqual({ asked: 1, answered: 1 });
    expect(await cluster.connections('/unheard-of')).toEqual({ items: [], asked: 1, answered: 1 });
  });

  it('refuses what it cannot look for', async () => {
    const { cluster } = createTroupe();
    const expected = { code: 'TROUPE_ARGUMENT_INVALID' };
    await expect(cluster.members('')).rejects.toMatchObject(expected);
    await expect(cluster.groups({ limit: 0 })).rejects.toMatchObject(expected);
    await expect(cluster.groups({ timeoutMs: 0 })).rejects.toMatchObject(expected);
    await expect(cluster.groups({ after: 'nonsense' })).rejects.toMatchObject(expected);
  });

  it('is not had by mistake: a backplane that is none is refused when the Troupe is made', () => {
    for (const backplane of [null, 'redis://127.0.0.1', { engine: 'redis' }])
      expect(() => createTroupe({ backplane: backplane as never })).toThrow(/redis\(\) of troupe\/redis/);
  });
});
