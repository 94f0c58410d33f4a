import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { createClient } from '@redis/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redis } from 'troupe/redis';
import { connectNode } from '../support/backplane-node.ts';
import { freePort } from '../support/nginx.ts';
import { isMissing, start, startRedis, type Engine } from '../support/redis-server.ts';

const NAME = 'the primary';

describe.skipIf(isMissing('redis-server', 'redis-sentinel'))('a primary that a Sentinel watches', () => {
  let primary: Engine;
  let replica: Engine;
  let sentinel: Engine;
  let watcher: ReturnType<typeof createClient>;
  let deaf: number;
  const options = () => ({
    sentinels: { name: NAME, nodes: [deaf, sentinel.port].map((port) => ({ host: '127.0.0.1', port })) },
  });

  beforeAll(async () => {
    primary = await startRedis({ parameters: ['--repl-diskless-sync-delay', '0'] });
    replica = await startRedis({ parameters: ['--replicaof', '127.0.0.1', String(primary.port)] });
    deaf = await freePort();
    const port = await freePort();
    const settings = [
      `port ${port}`,
      'bind 127.0.0.1',
      `sentinel monitor "${NAME}" 127.0.0.1 ${primary.port} 1`,
      `sentinel down-after-milliseconds "${NAME}" 500`,
      `sentinel failover-timeout "${NAME}" 3000`,
    ];
    sentinel = await start('redis-sentinel', ['sentinel.conf'], port, '+slave slave', (folder) =>
      writeFileSync(join(folder, 'sentinel.conf'), `${settings.join('\n')}\n`),
    );
    watcher = createClient({ socket: { host: '127.0.0.1', port } });
    await watcher.connect();
  }, 10_000);

  afterAll(async () => {
    watcher.destroy();
    for (const engine of [sentinel, replica, primary]) await engine.stop();
  });

  const connect = async (name: string, port: number): Promise<unknown> =>
    connectNode(redis({ sentinels: { name, nodes: [{ host: '127.0.0.1', port }] } }));

  it('is not found by a name that the Sentinels do not know', async () => {
    await expect(connect('another', sentinel.port)).rejects.toThrow('says where the primary "another" is');
  });

  it('has to say itself that it is the primary', async () => {
    const at = String(replica.port);
    const answer = `*2\r\n$9\r\n127.0.0.1\r\n$${at.length}\r\n${at}\r\n`;
    // It was cut off: what it knows is of long ago.
    const answerAll = (socket: Socket): unknown =>
      socket
        .on('error', () => {})
        .on('data', (commands: Buffer) => {
          for (const command of commands.toString().split(/^\*/m).slice(1)) {
            socket.write(command.includes('get-master-addr-by-name') ? answer : '+OK\r\n');
          }
        });
    const stale = createServer(answerAll).listen(0, '127.0.0.1');
    await once(stale, 'listening');
    const { port } = stale.address() as AddressInfo;
    await expect(connect(NAME, port)).rejects.toThrow(`Redis at 127.0.0.1:${at} is a slave`);
    stale.close();
  });

  it(
    'is left for its successor when it dies: links are lost, and the next ones reach that',
    { timeout: 15_000 },
    async () => {
      const before = await connectNode(redis(options()));
      const { epoch } = await before.link.claim('ada', 'c');
      const promoted = new Promise<void>((resolve) => void watcher.subscribe('+switch-master', () => resolve()));
      primary.child.kill('SIGKILL');
      expect(await before.heard(1)).toEqual([['lost']]);
      await promoted;
      const after = await connectNode(redis(options()), before.id);
      expect(await after.link.restore([{ name: 'ada', connectionId: 'c', epoch }])).toEqual([epoch]);
      expect(await after.link.push('ada', Buffer.from('still you'))).toBe('accepted');
      expect(await after.heard(1)).toEqual([['direct', 'ada', 'c', 'still you']]);
      after.link.disconnect();
    },
  );
});
