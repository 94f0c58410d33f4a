import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nats } from 'troupe/nats';
import { backplaneConformance } from 'troupe/testing';
import { hasNats, startNats, streamsOf, type NatsServer, type Streams } from '../support/nats-server.ts';

if (!hasNats)
  console.warn('The conformance of NATS is not tested: there is no nats-server (apt-get install nats-server)');

let server: NatsServer;
let streams: Streams;

const tests = backplaneConformance({
  limitMs: 10_000,
  make: () => nats({ servers: server.url }),
  lapse: (nodeId) => streams.lapse(nodeId),
  async own() {
    let one = await startNats();
    return {
      make: () => nats({ servers: one.url }),
      stop: () => one.end('SIGKILL'),
      async start() {
        one = await one.again();
      },
      end: () => one.end('SIGKILL'),
    };
  },
  async hanging() {
    const one = await startNats();
    return {
      make: () => nats({ servers: one.url }),
      freeze: () => one.child.kill('SIGSTOP'),
      end: () => one.end('SIGKILL'),
    };
  },
});

describe.skipIf(!hasNats).concurrent('the backplane over NATS', () => {
  beforeAll(async () => {
    server = await startNats();
    streams = await streamsOf(server);
  });
  afterAll(async () => {
    await streams.close();
    await server.end();
  });

  // Servers are started on a machine that may be busy.
  it.each(tests.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => run(), 15_000);

  it('is held to all of the suite', () => {
    expect(tests.filter(({ skip }) => skip !== undefined)).toEqual([]);
  });
});
