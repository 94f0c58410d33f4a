import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createClient } from '@redis/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { redis } from 'troupe/redis';
import type { Topic } from 'troupe/backplane';
import { connectNode, type TestNode } from '../support/backplane-node.ts';
import { freePort } from '../support/nginx.ts';
import { isMissing, startRedis, type Engine } from '../support/redis-server.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

describe.skipIf(isMissing('redis-server'))('a link to Redis', () => {
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

  it('delivers what is published to the other nodes that subscribe, in order, and not to itself', async () => {
    const [a, b, c] = (await nodesOf(3)) as [TestNode, TestNode, TestNode];
    await Promise.all([a, b].map(async ({ link }) => link.subscribe(['g:room'])));
    for (let n = 0; n < 500; n += 1) expect(a.link.publish('g:room', bytes(String(n)))).toBe('accepted');
    const heard = await b.heard(500);
    expect(heard).toEqual(Array.from({ length: 500 }, (_, n) => ['message', 'g:room', String(n)]));
    await Promise.all([a, c].map(async ({ link }) => link.beat()));
    expect([a.told, c.told]).toEqual([[], []]);
  });

  it('delivers what is published in later turns before what is asked for after it', async () => {
    const [a, b] = (await nodesOf(2)) as [TestNode, TestNode];
    await b.link.subscribe(['g:room']);
    for (let turns = 1; turns <= 20; turns += 1) {
      a.link.publish('g:room', bytes(`first ${turns}`));
      await new Promise((resolve) => setImmediate(resolve));
      a.link.publish('g:room', bytes(`second ${turns}`));
      const removed = a.link.removeGroup('room', false);
      await removed;
      const heard = (await b.heard(3 * turns)).slice(-3);
      expect(heard.map(([kind, , text]) => (kind === 'message' ? text : kind))).toEqual([
        `first ${turns}`,
        `second ${turns}`,
        'groupRemoved',
      ]);
    }
  });

  it('resolves a subscription once nothing is missed any more', async () => {
    const [a, b] = (await nodesOf(2)) as [TestNode, TestNode];
    for (let n = 1; n <= 20; n += 1) {
      await b.link.subscribe([`s:/${n}`]);
      a.link.publish(`s:/${n}`, bytes('hello'));
    }
    expect(await b.heard(20)).toHaveLength(20);
  });

  it('is subscribed after any order of asking for a topic and giving it up, as the last call says', async () => {
    const [a, b] = (await nodesOf(2)) as [TestNode, TestNode];
    const first = b.link.subscribe(['g:kept', 'g:left']);
    b.link.unsubscribe(['g:kept', 'g:left']);
    await first;
    const again = b.link.subscribe(['g:kept']);
    b.link.unsubscribe(['g:kept']);
    await Promise.all([again, b.link.subscribe(['g:kept'])]);
    a.link.publish('g:left', bytes('lost'));
    a.link.publish('g:kept', bytes('heard'));
    expect(await b.heard(1)).toEqual([['message', 'g:kept', 'heard']]);
    expect(await raw.sendCommand(['PUBSUB', 'CHANNELS', `${prefix}:t:*`])).toEqual([`${prefix}:t:g:kept`]);
  });

  it('sends a node nothing that it does not subscribe to', async () => {
    const [a] = (await nodesOf(2)) as [TestNode, TestNode];
    a.link.publish('g:room', bytes('hello'));
    expect(await raw.sendCommand(['PUBSUB', 'NUMSUB', `${prefix}:t:g:room`])).toEqual([`${prefix}:t:g:room`, 0]);
  });

  it.each([
    ['of 512 bytes', 'ä'.repeat(256)],
    ['with spaces, colons, quotes, globs and line ends', ' :{x}*?[a]"\'\r\n%d\\ '],
    ['that begins with NUL', '\0x'],
    ['with half a pair', 'a\ud800'],
    ['with the other half of a pair', 'a\udfff'],
    ['beyond the first plane', '🦊'],
  ])('takes names %s for topics, groups and connections', async (_, name) => {
    const [a, b] = (await nodesOf(2)) as [TestNode, TestNode];
    const topic: Topic = `g:${name}`;
    await b.link.subscribe([topic]);
    a.link.publish(topic, bytes('published'));
    const generation = await a.link.removeGroup(name, true);
    expect(await a.link.generations([name])).toEqual([{ generation, retired: true }]);
    const { epoch } = await b.link.claim(name, 'fox');
    expect(await a.link.push(name, bytes('pushed'))).toBe('accepted');
    expect(await a.link.claim(name, 'owl')).toMatchObject({ previous: { nodeId: b.id, connectionId: 'fox' } });
    expect(await b.heard(4)).toEqual([
      ['message', topic, 'published'],
      ['groupRemoved', name, generation, true],
      ['direct', name, 'fox', 'pushed'],
      ['nameLost', name, 'fox', epoch, 'replaced'],
    ]);
    expect(await a.link.release(name, 'owl')).toBe(true);
  });

  it('confuses no two names whose halves of pairs have no UTF-8', async () => {
    const [a, b] = (await nodesOf(2)) as [TestNode, TestNode];
    const names = ['\ud800', '\ud801', '\ufffd', '\u000000d8'];
    for (const name of names) await a.link.claim(name, `of ${JSON.stringify(name)}`);
    for (const name of names) await b.link.push(name, bytes(''));
    expect(await a.heard(4)).toEqual(names.map((name) => ['direct', name, `of ${JSON.stringify(name)}`, '']));
  });

  it('leaves one owner of a name that many claim at once, and tells each loser once, with its epoch', async () => {
    const nodes = await nodesOf(3);
    for (let round = 0; round < 10; round += 1) {
      const name = `name ${round}`;
      const claims = Array.from({ length: 60 }, (_, n) => ({ node: nodes[n % 3] as TestNode, id: `c${n}` }));
      const claimed = await Promise.all(
        claims.map(async ({ node, id }) => ({ node, id, ...(await node.link.claim(name, id)) })),
      );
      const byEpoch = claimed.toSorted((one, other) => one.epoch - other.epoch);
      expect(new Set(byEpoch.map(({ epoch }) => epoch)).size).toBe(60);
      // Those that the same node replaced are known to it from the answer.
      const replaced = byEpoch.slice(0, -1).filter(({ node }, n) => node !== byEpoch[n + 1]?.node);
      await Promise.all(nodes.map(async ({ link }) => link.beat()));
      const notices = nodes.flatMap((node) => node.told.splice(0).map((told) => [node.id, ...told].join()));
      const expected = replaced.map(({ node, id, epoch }) => [node.id, 'nameLost', name, id, epoch, 'replaced'].join());
      expect(notices.toSorted()).toEqual(expected.toSorted());
      expect(byEpoch.slice(1).map(({ previous }) => previous?.connectionId)).toEqual(
        byEpoch.slice(0, -1).map(({ id }) => id),
      );
      const last = byEpoch.at(-1);
      await last?.node.link.push(name, bytes('you?'));
      expect(await last?.node.heard(1)).toEqual([['direct', name, last?.id, 'you?']]);
      last?.node.told.splice(0);
    }
  });

  it('gives a greater epoch after a release as well', async () => {
    const [a] = (await nodesOf(1)) as [TestNode];
    const claims = Array.from({ length: 100 }, async () => {
      const claim = a.link.claim('ada', 'c');
      return a.link.release('ada', 'c').then(async () => (await claim).epoch);
    });
    const epochs = await Promise.all(claims);
    expect(epochs.every((epoch, n) => n === 0 || epoch > (epochs[n - 1] ?? 0))).toBe(true);
  });

  it('gives a greater epoch than one that is ahead of the time', async () => {
    const [a, b] = (await nodesOf(2)) as [TestNode, TestNode];
    const ahead = 2 ** 52;
    await a.link.restore([{ name: 'ada', connectionId: 'c', epoch: ahead }]);
    expect(await b.link.claim('ada', 'd')).toMatchObject({ epoch: ahead + 1 });
    expect(await a.heard(1)).toEqual([['nameLost', 'ada', 'c', ahead, 'replaced']]);
    expect(await raw.sendCommand(['EXISTS', `${prefix}:o:${a.id}`])).toBe(0);
  });

  it('releases only what the connection still owns, and removes from whoever does', async () => {
    const [a, b] = (await nodesOf(2)) as [TestNode, TestNode];
    await a.link.claim('ada', 'first');
    const { epoch } = await b.link.claim('ada', 'second');
    expect(await a.link.release('ada', 'first')).toBe(false);
    expect(await b.link.release('ada', 'first')).toBe(false);
    expect(await a.link.remove('ada')).toBe(true);
    expect(await a.link.remove('ada')).toBe(false);
    expect(await b.heard(1)).toEqual([['nameLost', 'ada', 'second', epoch, 'removed']]);
    const own = await b.link.claim('ada', 'third');
    await b.link.remove('ada');
    expect((await b.heard(2)).at(-1)).toEqual(['nameLost', 'ada', 'third', own.epoch, 'removed']);
    expect(await a.link.push('ada', bytes('gone'))).toBe('unknown');
  });

  it('restores what nobody owns, what is its own, and what is older, and fences the rest', async () => {
    const [a, b] = (await nodesOf(2)) as [TestNode, TestNode];
    // Of another node, dead by now.
    await raw.sendCommand(['HSET', `${prefix}:n:dead`, 'n', 'gone', 'c', 'x', 'e', '9']);
    const older = await b.link.claim('older', 'b1');
    const own = await a.link.claim('own', 'a1');
    const newer = await b.link.claim('newer', 'b2');
    const restored = await a.link.restore([
      { name: 'absent', connectionId: 'a0', epoch: 7 },
      { name: 'own', connectionId: 'a1', epoch: own.epoch },
      { name: 'own', connectionId: 'a1', epoch: 5 },
      { name: 'older', connectionId: 'a2', epoch: older.epoch + 1 },
      { name: 'newer', connectionId: 'a3', epoch: newer.epoch - 1 },
      { name: 'dead', connectionId: 'a4', epoch: 8 },
    ]);
    expect(restored).toEqual([7, own.epoch, own.epoch, older.epoch + 1, 'fenced', 8]);
    expect(await b.heard(1)).toEqual([['nameLost', 'older', 'b1', older.epoch, 'replaced']]);
    for (const name of ['absent', 'own', 'older', 'newer']) await b.link.push(name, bytes('x'));
    await Promise.all([a.link.beat(), b.link.beat()]);
    expect(a.told.map(([, name, id]) => `${name} ${id}`)).toEqual(['absent a0', 'own a1', 'older a2']);
    expect(b.told.slice(1).map(([, name, id]) => `${name} ${id}`)).toEqual(['newer b2']);
    expect(await a.link.restore([])).toEqual([]);
  });

  it('answers what became of a push: unknown, unreachable, accepted', async () => {
    const [a, b] = (await nodesOf(2)) as [TestNode, TestNode];
    await b.link.claim('ada', 'c1');
    expect(await a.link.push('nobody', bytes('x'))).toBe('unknown');
    expect(await a.link.push('ada', bytes('x'))).toBe('accepted');
    b.link.disconnect();
    expect(await a.link.push('ada', bytes('x'))).toBe('unreachable');
    expect(await a.link.claim('own', 'c2')).toEqual({ epoch: expect.any(Number) as number });
    expect(await a.link.push('own', bytes('to myself'))).toBe('accepted');
    expect(await a.heard(1)).toEqual([['direct', 'own', 'c2', 'to myself']]);
  });

  it('tells a removed group in the order of what is published, and remembers it for a day or for good', async () => {
    const [a, b] = (await nodesOf(2)) as [TestNode, TestNode];
    await Promise.all([a, b].map(async ({ link }) => link.subscribe(['g:room'])));
    a.link.publish('g:room', bytes('before'));
    const removed = a.link.removeGroup('room', false);
    a.link.publish('g:room', bytes('after'));
    const first = await removed;
    expect(await b.heard(3)).toEqual([
      ['message', 'g:room', 'before'],
      ['groupRemoved', 'room', first, false],
      ['message', 'g:room', 'after'],
    ]);
    expect(await raw.sendCommand(['PTTL', `${prefix}:g:room`])).toBeGreaterThan(24 * 60 * 60 * 1000);
    const second = await b.link.removeGroup('room', true);
    const third = await b.link.removeGroup('room', false);
    expect([second > first, third > second]).toEqual([true, true]);
    expect(await raw.sendCommand(['PTTL', `${prefix}:g:room`])).toBe(-1);
    expect(await a.link.generations(['never', 'room'])).toEqual([
      { generation: 0, retired: false },
      { generation: third, retired: true },
    ]);
    expect(await a.heard(2)).toEqual([
      ['groupRemoved', 'room', second, true],
      ['groupRemoved', 'room', third, true],
    ]);
  });

  it('knows the nodes that have a lease, and says when its own was not held', async () => {
    const [a, b] = (await nodesOf(2)) as [TestNode, TestNode];
    expect((await a.link.nodes()).toSorted()).toEqual([a.id, b.id].toSorted());
    expect(await b.link.beat()).toBe('held');
    const leftMs = Number(await raw.sendCommand(['PTTL', `${prefix}:l:${b.id}`]));
    expect([leftMs > 5000, leftMs <= 6000]).toEqual([true, true]);
    await raw.sendCommand(['DEL', `${prefix}:l:${b.id}`]);
    expect(await a.link.nodes()).toEqual([a.id]);
    expect([await b.link.beat(), await b.link.beat()]).toEqual(['lapsed', 'held']);
  });

  it('takes the names of a node without a lease away: at once for who asks, later from the engine', async () => {
    const [a, b] = (await nodesOf(2)) as [TestNode, TestNode];
    const names = Array.from({ length: 1500 }, (_, n) => `name ${n}`);
    await Promise.all(names.map(async (name) => b.link.claim(name, 'c')));
    const again = await a.link.claim('name 1499', 'mine');
    await raw.sendCommand(['DEL', `${prefix}:l:${b.id}`]);
    expect(await a.link.push('name 0', bytes('x'))).toBe('unknown');
    expect(await raw.sendCommand(['EXISTS', `${prefix}:n:name 0`])).toBe(0);
    // As a name is that was another's when the engine was cut off.
    await raw.sendCommand(['SADD', `${prefix}:o:${b.id}`, 'name 1499']);
    expect(await a.link.claim('name 1', 'c')).toEqual({ epoch: expect.any(Number) as number });
    // Dead are those whose beat is older than a lease.
    await raw.sendCommand(['ZADD', `${prefix}:nodes`, '1', b.id]);
    for (const _ of names.slice(0, 3)) await a.link.beat();
    const left = (await raw.sendCommand(['KEYS', `${prefix}:[no]*`])) as unknown as string[];
    expect(left.toSorted()).toEqual(
      [`${prefix}:n:name 1`, `${prefix}:n:name 1499`, `${prefix}:nodes`, `${prefix}:o:${a.id}`].toSorted(),
    );
    expect(await b.link.beat()).toBe('lapsed');
    expect(await b.link.restore([{ name: 'name 1499', connectionId: 'c', epoch: again.epoch - 1 }])).toEqual([
      'fenced',
    ]);
  });

  it('gives up lease and names when it leaves, and says nothing more', async () => {
    const [a, b] = (await nodesOf(2)) as [TestNode, TestNode];
    const names = Array.from({ length: 1100 }, (_, n) => `name ${n}`);
    await Promise.all(names.map(async (name) => b.link.claim(name, 'c')));
    await b.link.leave();
    expect(await a.link.nodes()).toEqual([a.id]);
    const left = (await raw.sendCommand(['KEYS', `${prefix}:[lno]*`])) as unknown as string[];
    expect(left.toSorted()).toEqual([`${prefix}:l:${a.id}`, `${prefix}:nodes`]);
    expect([b.told, b.link.publish('g:room', bytes('x'))]).toEqual([[], 'down']);
  });

  it('is silent after disconnect, settles what was under way, and takes nothing any more', async () => {
    const [a, b] = (await nodesOf(2)) as [TestNode, TestNode];
    await b.link.subscribe(['g:room']);
    const underWay = [b.link.claim('ada', 'c'), b.link.subscribe(['g:other']), b.link.beat(), b.link.nodes()];
    const push = b.link.push('ada', bytes('x'));
    b.link.disconnect();
    b.link.disconnect();
    const settled = await Promise.allSettled(underWay);
    expect(settled.map(({ status }) => status)).toEqual(underWay.map(() => 'rejected'));
    expect(await push).toBe('timeout');
    expect([b.link.publish('g:room', bytes('x')), await b.link.push('ada', bytes('x'))]).toEqual(['down', 'down']);
    const later = [b.link.claim('ada', 'c'), b.link.subscribe(['g:other']), b.link.beat(), b.link.leave()];
    expect((await Promise.allSettled(later)).map(({ status }) => status)).toEqual(later.map(() => 'rejected'));
    b.link.unsubscribe(['g:room']);
    a.link.publish('g:room', bytes('hello'));
    await a.link.beat();
    expect(b.told).toEqual([]);
  });

  it.each([
    ['for commands', 'normal'],
    ['that listens', 'pubsub'],
  ])('is lost once when its connection %s ends', async (_, type) => {
    const [a] = (await nodesOf(1)) as [TestNode];
    await a.link.subscribe(['g:room']);
    const list = (await raw.sendCommand(['CLIENT', 'LIST', 'TYPE', type])) as unknown as string;
    const line = list.split('\n').find((one) => one.includes('name=troupe'));
    await raw.sendCommand(['CLIENT', 'KILL', 'ID', /id=(\d+)/.exec(line ?? '')?.[1] ?? '']);
    expect(await a.heard(1)).toEqual([['lost']]);
    expect(a.link.publish('g:room', bytes('x'))).toBe('down');
    await expect(a.link.beat()).rejects.toThrow();
    expect(a.told).toEqual([['lost']]);
  });

  it('is lost when its scripts are gone, and another link brings them along', async () => {
    const [a] = (await nodesOf(1)) as [TestNode];
    await raw.sendCommand(['SCRIPT', 'FLUSH']);
    await expect(a.link.claim('ada', 'c')).rejects.toThrow('NOSCRIPT');
    expect(await a.heard(1)).toEqual([['lost']]);
    const again = await connectNode(redis({ url: engine.url, prefix }), a.id);
    open.push(again);
    expect(await again.link.claim('ada', 'c')).toEqual({ epoch: expect.any(Number) as number });
  });

  it('refuses what is more than the server takes, and takes more once it has', async () => {
    const [a] = (await nodesOf(1)) as [TestNode];
    const large = Buffer.alloc(1024 * 1024);
    const outcomes = Array.from({ length: 20 }, () => a.link.publish('g:room', large));
    expect([outcomes[0], outcomes.at(-1)]).toEqual(['accepted', 'overloaded']);
    expect(await a.link.push('ada', large)).toBe('overloaded');
    expect(a.link.publish('g:room', Buffer.alloc(17 * 1024 * 1024))).toBe('overloaded');
    await a.link.beat();
    const small = Array.from({ length: 20_000 }, () => a.link.publish('g:room', bytes('')));
    expect(small.filter((outcome) => outcome === 'accepted')).toHaveLength(16_384);
    await a.link.beat();
    expect(a.link.publish('g:room', large)).toBe('accepted');
  });
});

describe('connecting to Redis', () => {
  const sink = { message() {}, direct: () => 'moved' as const, nameLost() {}, groupRemoved() {}, lost() {} };

  it('rejects where nobody listens', async () => {
    const port = await freePort();
    const attempt = redis({ url: `redis://127.0.0.1:${port}` }).connect('a', sink, new AbortController().signal);
    await expect(attempt).rejects.toThrow('ECONNREFUSED');
  });

  it.each(['redis', 'rediss'])('rejects at once when it is given up, and holds no connection (%s:)', async (scheme) => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket.on('error', () => {}))).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const given = new AbortController();
    const attempt = redis({ url: `${scheme}://127.0.0.1:${port}` }).connect('a', sink, given.signal);
    while (sockets.length < 2) await once(server, 'connection');
    const closed = Promise.all(sockets.map(async (socket) => once(socket.resume(), 'close')));
    given.abort(new Error('enough'));
    await expect(attempt).rejects.toThrow('enough');
    await closed;
    await expect(redis({ url: `redis://127.0.0.1:${port}` }).connect('a', sink, given.signal)).rejects.toThrow(
      'enough',
    );
    server.close();
  });

  it.each<[string, object, string]>([
    ['nothing', {}, 'options must be an object with either url or sentinels, but is without.'],
    ['both', { url: 'redis://a', sentinels: { name: 'm', nodes: [{ host: 'a' }] } }, 'but is with both'],
    ['a misspelt option', { uri: 'redis://a' }, 'options.uri must be one of url, sentinels'],
    ['a number as url', { url: 1 }, 'options.url must be a URL'],
    ['no url', { url: 'localhost' }, 'options.url must be a URL such as "redis://127.0.0.1:6379", but is not a URL.'],
    ['another protocol', { url: 'http://a' }, 'but is one with http:'],
    ['a database by name', { url: 'redis://a/b' }, 'whose path is no number'],
    ['a password that is not encoded', { url: 'redis://:%zz@a' }, 'with a % that encodes nothing'],
    ['a number as password', { url: 'redis://a', password: 1 }, 'options.password must be a string'],
    ['a user without password', { url: 'redis://a', username: 'a' }, 'options.password must be a string where'],
    ['half a database', { url: 'redis://a', database: 0.5 }, 'options.database must be a whole number'],
    ['a text as tls', { url: 'redis://a', tls: 'on' }, 'options.tls must be true, false'],
    ['an empty prefix', { url: 'redis://a', prefix: '' }, 'options.prefix must be a string of 1 to 128 UTF-8 bytes'],
    ['a short lease', { url: 'redis://a', leaseMs: 3999 }, 'options.leaseMs must be a whole number from 4000 to 8000'],
    ['a long wait', { url: 'redis://a', connectTimeoutMs: 1e4 }, 'options.connectTimeoutMs must be a whole number'],
    ['no Sentinels', { sentinels: { name: 'm', nodes: [] } }, 'options.sentinels.nodes must be an array of at least'],
    ['no name', { sentinels: { nodes: [{ host: 'a' }] } }, 'options.sentinels.name must be what the primary'],
    ['no host', { sentinels: { name: 'm', nodes: [{ port: 1 }] } }, 'options.sentinels.nodes[0].host must be'],
    ['port 0', { sentinels: { name: 'm', nodes: [{ host: 'a', port: 0 }] } }, 'nodes[0].port must be a whole number'],
  ])('refuses %s at the call', (_, options, message) => {
    expect(() => redis(options)).toThrow(message);
    expect(() => redis(options)).toThrow(expect.objectContaining({ code: 'TROUPE_ARGUMENT_INVALID' }) as Error);
  });
});
