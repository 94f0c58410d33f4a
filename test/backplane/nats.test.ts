import { readFileSync } from 'node:fs';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { BackplaneLink, BackplaneSink, Topic } from 'troupe/backplane';
import { nats, type NatsOptions } from 'troupe/nats';
import { commandsOf, has, runCommands, temporaryFolder } from '../support/guide.ts';
import { hasNats, startNats, streamsOf, type NatsServer, type Streams } from '../support/nats-server.ts';

if (!hasNats)
  console.warn('test/backplane/nats.test.ts is skipped: there is no nats-server (apt-get install nats-server)');

let server: NatsServer;
let streams: Streams;
let count = 0;
const fresh = (what: string): string => `${what} ${(count += 1)}`;
const bytes = (text: string): Uint8Array => Buffer.from(text);

interface Node {
  readonly id: string;
  readonly link: BackplaneLink;
  /** What its sink heard, in order. */
  readonly heard: unknown[];
  /** Resolves when it has heard that many things. */
  until(length: number): Promise<unknown[]>;
}

/** A node of its own program, unless `prefix` says which. */
async function node(options: NatsOptions = {}, sink: Partial<BackplaneSink> = {}): Promise<Node> {
  const id = fresh('node');
  const heard: unknown[] = [];
  let wake = (): void => {};
  const hear = (...what: unknown[]): void => {
    heard.push(what);
    wake();
  };
  const link = await nats({ servers: server.url, ...options }).connect(
    id,
    {
      message: (topic, payload) => hear('message', topic, Buffer.from(payload).toString()),
      direct: () => 'delivered',
      nameLost: (name, connectionId, _epoch, why) => hear('nameLost', name, connectionId, why),
      groupRemoved: (group, { retired }) => hear('groupRemoved', group, retired),
      lost: () => hear('lost'),
      ...sink,
    },
    new AbortController().signal,
  );
  onTestFinished(() => link.disconnect());
  return {
    id,
    link,
    heard,
    async until(length) {
      while (heard.length < length) await new Promise<void>((resolve) => (wake = resolve));
      return heard;
    },
  };
}

describe.skipIf(!hasNats)('the backplane over NATS', () => {
  beforeAll(async () => {
    server = await startNats();
    streams = await streamsOf(server);
  });
  afterAll(async () => {
    await streams.close();
    await server.end();
  });

  it('leaves nothing behind of names that were released', async () => {
    const { link } = await node({ prefix: 'released' });
    await Promise.all(['ada', 'bob', 'cyd'].map((name) => link.claim(name, 'connection')));
    expect(await streams.valuesIn('released_names')).toBe(3);
    await link.release('ada', 'connection');
    await link.remove('bob');
    await link.leave();
    expect(await streams.valuesIn('released_names')).toBe(0);
  });

  it('has NATS forget leases after 6 s, removals after two days, and names and what is retired never', async () => {
    await node({ prefix: 'kept' });
    const kept = ['leases', 'removals', 'names', 'retired'].map((bucket) => streams.keptMs(`kept_${bucket}`));
    expect(await Promise.all(kept)).toEqual([6000, 172_800_000, 0, 0]);
  });

  it('sweeps the names of a node that died, also those that nobody pushes to', async () => {
    const prefix = 'swept';
    const [first, second] = [await node({ prefix }), await node({ prefix })];
    await first.link.beat();
    await second.link.claim('ada', 'connection');
    await first.link.claim('bob', 'connection');
    second.link.disconnect();
    await streams.lapse(second.id, prefix);
    await first.link.beat();
    await expect.poll(() => streams.valuesIn(`${prefix}_names`), { interval: 5 }).toBe(1);
    expect(await first.link.push('ada', bytes('message'))).toBe('unknown');
    expect(await first.link.push('bob', bytes('message'))).toBe('delivered');
  });

  it('says that a lease lapsed, and restores the name that nobody has taken meanwhile', async () => {
    const prefix = 'lapsed';
    const [one, other] = [await node({ prefix }), await node({ prefix })];
    const { epoch } = await one.link.claim('ada', 'connection');
    await streams.lapse(one.id, prefix);
    await other.link.beat();
    expect(await other.link.push('ada', bytes('message'))).toBe('unknown');
    expect(await one.link.beat()).toBe('lapsed');
    expect(await one.link.beat()).toBe('held');
    expect(await one.link.restore([{ name: 'ada', connectionId: 'connection', epoch }])).toEqual([epoch]);
    expect(await other.link.push('ada', bytes('message'))).toBe('delivered');
  });

  it('keeps the order of what is published to a group while the group is removed', async () => {
    const [one, other] = [await node(), await node()];
    const topic: Topic = 'g:ordered';
    await other.link.subscribe([topic]);
    one.link.publish(topic, bytes('1'));
    const removals = [one.link.removeGroup('ordered', false)];
    one.link.publish(topic, bytes('2'));
    removals.push(one.link.removeGroup('ordered', true));
    one.link.publish(topic, bytes('3'));
    await Promise.all(removals);
    expect(await other.until(5)).toEqual([
      ['message', topic, '1'],
      ['groupRemoved', 'ordered', false],
      ['message', topic, '2'],
      ['groupRemoved', 'ordered', true],
      ['message', topic, '3'],
    ]);
  });

  it('finds the owner anew when the one it knows has lost the name', async () => {
    const owned = new Set<string>();
    const direct = (_name: string, connectionId: string) => (owned.has(connectionId) ? 'delivered' : 'moved');
    const [pushing, one, other] = [await node(), await node({}, { direct }), await node({}, { direct })];
    const name = fresh('name');
    await one.link.claim(name, 'first');
    owned.add('first');
    expect(await pushing.link.push(name, bytes('message'))).toBe('delivered');
    await other.link.claim(name, 'second');
    owned.delete('first');
    owned.add('second');
    expect(await pushing.link.push(name, bytes('message'))).toBe('delivered');
    await other.link.release(name, 'second');
    owned.delete('second');
    expect(await pushing.link.push(name, bytes('message'))).toBe('unknown');
  });

  it('hears nothing of what an earlier connection of its node sent and is still on its way', async () => {
    const listening = await node();
    const outside = await connect({ servers: server.url });
    onTestFinished(() => outside.close());
    await listening.link.subscribe(['s:news']);
    const token = (text: string): string => Buffer.from(text).toString('base64url');
    const publish = (from: string): void =>
      outside.publish(`troupe.t.${token('s:news')}`, from, { reply: `troupe.f.${token(from)}` });
    publish(listening.id);
    publish('another');
    expect(await listening.until(1)).toEqual([['message', 's:news', 'another']]);
  });

  it('takes nothing that is larger than the server takes', async () => {
    const [one, other] = [await node(), await node()];
    const name = fresh('name');
    await other.link.claim(name, 'connection');
    const large = new Uint8Array(1024 * 1024);
    expect(one.link.publish('s:large', large)).toBe('accepted');
    expect(one.link.publish('s:large', new Uint8Array(large.byteLength + 1))).toBe('overloaded');
    expect(await one.link.push(name, large)).toBe('overloaded');
    expect(await one.link.push(name, large.subarray(1000))).toBe('delivered');
  });

  it('keeps programs apart that have other prefixes', async () => {
    const [one, other] = [await node({ prefix: 'one' }), await node({ prefix: 'other' })];
    await other.link.subscribe(['s:news']);
    await other.link.claim('ada', 'connection');
    one.link.publish('s:news', bytes('message'));
    expect(await one.link.push('ada', bytes('message'))).toBe('unknown');
    expect(await one.link.nodes()).toEqual([one.id]);
    expect((await one.link.claim('ada', 'connection')).previous).toBeUndefined();
    await other.link.beat();
    expect(other.heard).toEqual([]);
  });

  it('connects with a token, and says why without', async () => {
    const guarded = await startNats(['--auth', 'open sesame']);
    onTestFinished(() => guarded.end());
    await expect(node({ servers: guarded.url })).rejects.toThrow(/authorization/i);
    await expect(node({ servers: guarded.url, token: 'close sesame' })).rejects.toThrow(/authorization/i);
    const { link } = await node({ servers: guarded.url, token: 'open sesame' });
    expect(await link.beat()).toBe('held');
  });

  it('keeps no copies with servers that would let two claims succeed at once', async () => {
    // A server that is new enough says that it has no others to copy to.
    await expect(node({ replicas: 3, prefix: 'copied' })).rejects.toThrow(
      /must be 2\.11 or later, but is 2|replicas > 1/,
    );
  });

  it.skipIf(!has('openssl'))('speaks TLS with the authority that it is given, and with no other', async () => {
    const { folder, remove } = temporaryFolder();
    onTestFinished(remove);
    runCommands(commandsOf('certificates'), folder);
    const secured = await startNats(['--tls', '--tlscert', `${folder}/server.pem`, '--tlskey', `${folder}/server.key`]);
    onTestFinished(() => secured.end());
    await expect(node({ servers: secured.url })).rejects.toThrow(/certificate/);
    const { link } = await node({ servers: secured.url, tls: { ca: readFileSync(`${folder}/ca.pem`, 'utf8') } });
    expect(await link.beat()).toBe('held');
  });

  it('goes to another server when one is not there', async () => {
    const gone = await startNats();
    await gone.end();
    await expect(node({ servers: gone.url })).rejects.toThrow(/NATS at 127.0.0.1:\d+ cannot be reached/);
    const { link } = await node({ servers: [gone.url, server.url, gone.url] });
    expect(await link.beat()).toBe('held');
  });
});
