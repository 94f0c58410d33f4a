import { afterAll, beforeAll, describe } from 'vitest';
import { nats } from 'troupe/nats';
import { redis } from 'troupe/redis';
import { describeCluster } from '../contracts/cluster.ts';
import { hasNats, startNats, type NatsServer } from '../support/nats-server.ts';
import { isMissing, startRedis, type Engine } from '../support/redis-server.ts';

/** A program of its own for each test, all on one engine. */
let programs = 0;
const nextPrefix = (): string => `program${(programs += 1)}`;

describe.skipIf(isMissing('redis-server'))('with a real Redis', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await startRedis();
  });
  afterAll(() => engine.stop());

  describeCluster('redis', () => {
    const prefix = nextPrefix();
    return () => redis({ url: engine.url, prefix });
  });
});

if (!hasNats) console.warn('Not tested, for lack of nats-server: see .ci/run.');

describe.skipIf(!hasNats)('with a real NATS', () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNats();
  });
  afterAll(() => server.end());

  describeCluster('nats', () => {
    const prefix = nextPrefix();
    return () => nats({ servers: server.url, prefix });
  });
});
