import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { createClient } from '@redis/client';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { redis } from 'troupe/redis';
import { connectNode, type TestNode } from '../support/backplane-node.ts';
import { isMissing, startRedis, type Engine } from '../support/redis-server.ts';

const sink = { message() {}, nameLost() {}, groupRemoved() {}, lost() {} };
const bytes = (text: string): Uint8Array => Buffer.from(text);

describe.skipIf(isMissing('redis-server'))('a link to Redis whose node was cut off, or will be', () => {
  let engine: Engine;
  let prefixes = 0;
  let prefix: string;
  const open: TestNode[] = [];
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
  afterEach(() => {
    for (const { link } of open.splice(0)) link.disconnect();
  });

  /** Nodes of a program of their own. */
  async function nodesOf(count: number): Promise<TestNode[]> {
    prefix = `program ${(prefixes += 1)}`;
    const backplane = redis({ url: engine.url, prefix });
    const nodes = await Promise.all(Array.from({ length: count }, async () => connectNode(backplane)));
    open.push(...nodes);
    return nodes;
  }

  it('does nothing that a link of before asked for: a network may deliver it when nobody waits any more', async () => {
    // A claim whose answer never came took the name away from who had claimed it since, for nobody.
    const [a, b] = (await nodesOf(2)) as [TestNode, TestNode];
    await b.link.subscribe(['g:room']);
    await b.link.claim('ada', 'c');
    const later = await connectNode(redis({ url: engine.url, prefix }), a.id);
    open.push(later);
    const binding = { name: 'bob', connectionId: 'late', epoch: 1 };
    const asked = [
      a.link.claim('ada', 'late'),
      a.link.remove('ada'),
      a.link.restore([binding]),
      a.link.removeGroup('room', true),
      a.link.beat(),
      a.link.leave(),
    ];
    const answers = await Promise.allSettled(asked);
    expect(answers.map(({ status }) => status)).toEqual(asked.map(() => 'rejected'));
    expect(await later.link.claim('bob', 'd')).not.toHaveProperty('previous');
    await expect(a.link.release('bob', 'd')).rejects.toThrow('LATE');
    expect(await later.link.beat()).toBe('held');
    for (const name of ['ada', 'bob']) await b.link.push(name, bytes('x'));
    expect(await b.heard(1)).toEqual([['direct', 'ada', 'c', 'x']]);
    expect(await later.heard(1)).toEqual([['direct', 'bob', 'd', 'x']]);
    expect(await b.link.generations(['room'])).toEqual([{ generation: 0, retired: false }]);
  });

  it('gives up a name that its node does not have, as after a failover that has forgotten a release', async () => {
    const [a] = (await nodesOf(1)) as [TestNode];
    const direct = (name: string) => (name === 'kept' ? 'delivered' : 'moved');
    const backplane = redis({ url: engine.url, prefix });
    const link = await backplane.connect('b', { ...sink, direct }, new AbortController().signal);
    onTestFinished(() => link.disconnect());
    for (const name of ['kept', 'given up']) {
      await link.claim(name, 'c');
      expect(await a.link.push(name, bytes('x'))).toBe('accepted');
    }
    await link.beat();
    await link.beat();
    expect(await a.link.push('given up', bytes('x'))).toBe('unknown');
    expect(await a.link.push('kept', bytes('x'))).toBe('accepted');
  });

  it('changes nothing for a node whose lease has lapsed, until its next beat', async () => {
    const [a, b] = (await nodesOf(2)) as [TestNode, TestNode];
    await b.link.claim('ada', 'c');
    await raw.sendCommand(['DEL', `${prefix}:l:${a.id}`]);
    await expect(a.link.claim('ada', 'late')).rejects.toThrow('LATE');
    expect(await a.link.beat()).toBe('lapsed');
    expect(await a.link.claim('ada', 'd')).toMatchObject({ previous: { nodeId: b.id, connectionId: 'c' } });
  });

  it('gives a removal a greater generation than one that is ahead of the time', async () => {
    const [a] = (await nodesOf(1)) as [TestNode];
    await raw.sendCommand(['SET', `${prefix}:g:room`, String(2 ** 52)]);
    expect(await a.link.removeGroup('room', false)).toBe(2 ** 52 + 1);
  });

  it('takes no beat as held that Redis answers, but that does not come to the connection that listens', async () => {
    let isMute = false;
    let hold = (_: string): void => {};
    const muted = new Promise((resolve) => (hold = resolve));
    const sockets: Socket[] = [];
    const proxy = createServer((near) => {
      const far = connect(engine.port, '127.0.0.1');
      sockets.push(
        near.on('error', () => {}),
        far.on('error', () => {}),
      );
      let listens = false;
      near.on('data', (data) => {
        listens ||= data.includes('subscribe');
        far.write(data);
      });
      far.on('data', (data) => {
        if (listens && isMute) hold('not heard');
        else near.write(data);
      });
    }).listen(0, '127.0.0.1');
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      proxy.close();
    });
    await once(proxy, 'listening');
    const url = `redis://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const { link } = await connectNode(redis({ url, prefix: 'mute' }));
    expect(await link.beat()).toBe('held');
    isMute = true;
    const beat = link.beat();
    // Answered after the beat.
    await link.claim('ada', 'c');
    expect(await Promise.race([beat.catch(() => 'rejected'), muted])).toBe('not heard');
    link.disconnect();
    await expect(beat).rejects.toThrow('disconnected');
  });
});
