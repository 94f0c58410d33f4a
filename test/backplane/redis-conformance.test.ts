import { createClient } from '@redis/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redis } from 'troupe/redis';
import { backplaneConformance } from 'troupe/testing';
import { isMissing, startRedis, type Engine } from '../support/redis-server.ts';

describe.skipIf(isMissing('redis-server')).concurrent('Redis', () => {
  let engine: Engine;
  let raw: ReturnType<typeof createClient>;

  beforeAll(async () => {
    engine = await startRedis();
    raw = createClient({ url: engine.url });
    await raw.connect();
  });
  afterAll(async () => {
    raw.destroy();
    await engine.stop();
  });

  const tests = backplaneConformance({
    make: () => redis({ url: engine.url }),
    confirms: false,
    async lapse(nodeId) {
      await raw.sendCommand(['DEL', `troupe:l:${nodeId}`]);
      await raw.sendCommand(['ZADD', 'troupe:nodes', '1', nodeId]);
    },
    async own() {
      let own = await startRedis();
      const { port, url } = own;
      return {
        make: () => redis({ url }),
        stop: async () => own.stop(),
        start: async () => {
          own = await startRedis({ port });
        },
        end: async () => own.stop(),
      };
    },
    async hanging() {
      const hung = await startRedis();
      return {
        make: () => redis({ url: hung.url, connectTimeoutMs: 3000 }),
        freeze: () => hung.child.kill('SIGSTOP'),
        end: async () => hung.stop(),
      };
    },
  });

  it.each(tests.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => run());

  it('is held to all of the suite', () => {
    expect(tests.filter(({ skip }) => skip !== undefined)).toEqual([]);
  });
});
