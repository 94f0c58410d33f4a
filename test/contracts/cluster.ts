import { describe, expect, it } from 'vitest';
import type { Backplane } from 'troupe/backplane';
import { startNode, type Node, type Puppet } from '../support/nodes.ts';

/** What holds of several nodes, whatever relays between them. `make` is called for each test. */
export function describeCluster(engine: string, make: () => () => Backplane): void {
  async function nodes(count: number): Promise<Node[]> {
    const backplane = make();
    return Promise.all(Array.from({ length: count }, () => startNode(backplane())));
  }

  /** Resolves when what was sent to it by the others has arrived: a push follows on the same way. */
  async function settled(from: Node, to: Puppet, name: string): Promise<void> {
    await from.troupe.pushTextToConnection(name, 'settled');
    await to.hears('settled');
  }

  describe(`several nodes over ${engine}`, () => {
    it('push to a connection of another node by its name', async () => {
      const [one, two] = (await nodes(2)) as [Node, Node];
      const alice = await one.puppet();
      expect(await alice.call('storeConnection', 'alice')).toEqual({ status: 'ok', count: 1 });
      const bob = await two.puppet();
      const { status } = await bob.call('pushTextToConnection', 'alice', 'hello');
      expect(['accepted', 'delivered']).toContain(status);
      await alice.hears('hello');
      expect(await bob.call('pushTextToConnection', 'carol', 'hello')).toMatchObject({ status: 'unknown' });
      expect(await alice.call('pushTextToConnection', 'alice', 'me')).toEqual({ status: 'delivered', count: 1 });
    });

    it('tell a connection whose name another node takes, and push to the new one', async () => {
      const [one, two, three] = (await nodes(3)) as [Node, Node, Node];
      const first = await one.puppet();
      await first.call('storeConnection', 'x');
      const second = await two.puppet();
      await second.call('storeConnection', 'x');
      await first.until(({ replaced }) => replaced.includes('x'));
      for (const { troupe } of [one, two, three]) await troupe.pushTextToConnection('x', troupe.cluster.nodeId);
      for (const { id } of [one, two, three]) await second.hears(id);
      expect(first.heard).toEqual([]);
      expect(first.client.socket.readyState).toBe(1);
    });

    it('have one owner of a name for which all of them contend', async () => {
      const three = await nodes(3);
      const puppets = await Promise.all(three.flatMap((node) => [node.puppet(), node.puppet(), node.puppet()]));
      for (let round = 0; round < 10; round++) {
        const name = `contended ${round}`;
        await Promise.all(puppets.map((puppet) => puppet.call('storeConnection', name)));
        await Promise.all(
          puppets.map((puppet) => puppet.call('pushTextToConnection', name, `to the owner of ${round}`)),
        );
        const told = (): number => puppets.filter(({ replaced }) => replaced.includes(name)).length;
        await Promise.race(puppets.map((puppet) => puppet.until(() => told() === puppets.length - 1)));
        const { items } = await three[0]!.troupe.cluster.storedNames({ limit: 1000 });
        expect(items.filter((item) => item.name === name)).toHaveLength(1);
      }
    });

    it('forget the name of a connection that has closed, wherever it was', async () => {
      const [one, two] = (await nodes(2)) as [Node, Node];
      const [gone, rival] = await Promise.all([one.puppet(), two.puppet()]);
      await gone.call('storeConnection', 'x');
      await rival.call('storeConnection', 'x');
      await gone.until(({ replaced }) => replaced.length === 1);
      gone.client.socket.close();
      await gone.client.closed;
      // It gave up what was not its own any more.
      await one.troupe.pushTextToConnection('x', 'still here');
      await rival.hears('still here');
      const { troupe } = one;
      void rival.call('closeConnection');
      await rival.client.closed;
      await expect.poll(async () => (await troupe.pushTextToConnection('x', 'anyone?')).status).toBe('unknown');
    });

    it('remove and close a named connection of another node', async () => {
      const [one, two] = (await nodes(2)) as [Node, Node];
      const alice = await one.puppet();
      await alice.call('storeConnection', 'alice');
      await alice.call('storeConnection', 'alias');
      expect(await two.troupe.removeStoredConnection('alice')).toMatchObject({ status: 'ok' });
      expect(await two.troupe.removeStoredConnection('alice')).toMatchObject({ status: 'unknown' });
      expect(await two.troupe.pushTextToConnection('alice', 'hello')).toMatchObject({ status: 'unknown' });
      expect(alice.client.socket.readyState).toBe(1);
      const { status } = await two.troupe.closeStoredConnection('alias', 4001, 'bye');
      expect(['ok', 'accepted']).toContain(status);
      expect(await alice.client.closed).toEqual({ code: 4001, reason: 'bye' });
      expect(alice.replaced).toEqual([]);
    });

    it('push to a group whose members are on all of them, each message once and in order', async () => {
      const [one, two, three] = (await nodes(3)) as [Node, Node, Node];
      const puppets = await Promise.all([one.puppet(), two.puppet(), two.puppet('/b'), three.puppet()]);
      const [a, b, c, outsider] = puppets as [Puppet, Puppet, Puppet, Puppet];
      for (const member of [a, b, c]) {
        expect(await member.call('addConnectionToGroup', 'lobby')).toEqual({ status: 'ok', count: 1 });
      }
      const sent = Array.from({ length: 200 }, (_, at) => `message ${at}`);
      for (const text of sent) three.troupe.pushTextToGroup('lobby', text);
      for (const member of [a, b, c]) expect(await member.hears('message 199')).toEqual(sent);
      expect(await a.call('pushTextToGroup', 'lobby', 'from a member')).toEqual({ status: 'delivered', count: 1 });
      for (const member of [a, b, c]) {
        await member.hears('from a member');
        expect(member.heard).toHaveLength(201);
      }
      expect(outsider.heard).toEqual([]);
    });

    it('leave out whom a push excepts, by id, and carry bytes', async () => {
      const [one, two] = (await nodes(2)) as [Node, Node];
      const [a, b] = await Promise.all([one.puppet(), one.puppet()]);
      for (const member of [a, b]) await member.call('addConnectionToGroup', 'lobby');
      const { items } = await two.troupe.cluster.members('lobby');
      const [first] = items;
      two.troupe.pushTextToGroup('lobby', 'but one', { except: [first!.id] });
      two.troupe.pushBinaryToGroup('lobby', Uint8Array.of(65, 66));
      two.troupe.pushTextToGroup('lobby', 'end');
      expect(await a.hears('end')).toEqual(['AB', 'end']);
      expect(await b.hears('end')).toEqual(['but one', 'AB', 'end']);
    });

    it('broadcast to a service on all of them, and not to another', async () => {
      const [one, two] = (await nodes(2)) as [Node, Node];
      const [a, b, other] = await Promise.all([one.puppet(), two.puppet(), two.puppet('/b')]);
      await a.call('storeConnection', 'a');
      await settled(two, a, 'a');
      await b.call('addConnectionToGroup', 'fence');
      await a.call('broadcastText', 'to all');
      expect(await a.hears('to all')).toContain('to all');
      await b.hears('to all');
      one.troupe.broadcastText('/a', 'from outside');
      await b.hears('from outside');
      expect(other.heard).toEqual([]);
    });

    it('remove a group everywhere; a later add starts a new, empty one', async () => {
      const [one, two] = (await nodes(2)) as [Node, Node];
      const [a, b] = await Promise.all([one.puppet(), two.puppet()]);
      await a.call('addConnectionToGroup', 'lobby');
      await b.call('addConnectionToGroup', 'lobby');
      expect(await one.troupe.removeConnectionGroup('lobby')).toEqual({ status: 'ok', count: 1 });
      await expect.poll(() => two.troupe.members('lobby').items).toEqual([]);
      await a.call('addConnectionToGroup', 'lobby');
      two.troupe.pushTextToGroup('lobby', 'to the new group');
      await a.hears('to the new group');
      await b.call('storeConnection', 'b');
      await settled(one, b, 'b');
      expect(b.heard).toEqual(['settled']);
    });

    it('refuse a group that was retired anywhere', async () => {
      const [one, two, three] = (await nodes(3)) as [Node, Node, Node];
      const [a, b, c] = await Promise.all([one.puppet(), two.puppet(), three.puppet()]);
      await a.call('addConnectionToGroup', 'old');
      await b.call('addConnectionToGroup', 'old');
      await one.troupe.removeConnectionGroup('old', { retire: true });
      expect(await a.call('addConnectionToGroup', 'old')).toMatchObject({ status: 'retired' });
      // It had no member, so it was not told.
      expect(await c.call('addConnectionToGroup', 'old')).toMatchObject({ status: 'retired' });
      expect(three.troupe.members('old').items).toEqual([]);
      await expect.poll(async () => (await b.call('addConnectionToGroup', 'old')).status).toBe('retired');
    });

    it('close all connections of a group', async () => {
      const [one, two] = (await nodes(2)) as [Node, Node];
      const [a, b] = await Promise.all([one.puppet(), two.puppet()]);
      await a.call('addConnectionToGroup', 'lobby');
      await b.call('addConnectionToGroup', 'lobby');
      expect(await one.troupe.closeConnectionGroup('lobby', 4002, 'over')).toEqual({ status: 'ok', count: 1 });
      expect(await a.client.closed).toEqual({ code: 4002, reason: 'over' });
      expect(await b.client.closed).toEqual({ code: 4002, reason: 'over' });
    });

    it('answer questions for all, and say how many of them answered', async () => {
      const [one, two, three] = (await nodes(3)) as [Node, Node, Node];
      const [a, b] = await Promise.all([one.puppet(), two.puppet()]);
      await a.call('addConnectionToGroup', 'lobby');
      await b.call('addConnectionToGroup', 'lobby');
      await b.call('storeConnection', 'bob');
      const { cluster } = three.troupe;
      expect(await cluster.nodes()).toEqual([one.id, two.id, three.id].toSorted());
      const members = await cluster.members('lobby');
      expect(members).toMatchObject({ asked: 3, answered: 3 });
      expect(members.items.map(({ node }) => node).toSorted()).toEqual([one.id, two.id].toSorted());
      const [, onTwo] = [one, two].map(({ id }) => members.items.find(({ node }) => node === id)!);
      expect(await cluster.isMember('lobby', onTwo!.id)).toEqual({ isMember: true, asked: 3, answered: 3 });
      expect(await cluster.isMember('lobby', 'nobody')).toMatchObject({ isMember: false });
      expect((await cluster.storedNames()).items).toEqual([{ name: 'bob', connection: onTwo!.id, node: two.id }]);
      expect((await cluster.groups()).items).toHaveLength(2);
      const page = await cluster.connections('/a', { limit: 1 });
      expect(page.items).toHaveLength(2);
      expect(page.next).toBeUndefined();
      const more = await two.puppet();
      await more.call('addConnectionToGroup', 'lobby');
      const first = await cluster.members('lobby', { limit: 1 });
      const rest = await cluster.members('lobby', { limit: 1, after: first.next! });
      expect(rest.items.map(({ node }) => node)).toEqual([two.id]);
      expect(rest.next).toBeUndefined();
      // The others have no more.
      expect(rest).toMatchObject({ asked: 1, answered: 1 });
      await expect(cluster.members('lobby', { limit: 0, after: first.next! })).rejects.toThrow('limit must be');
    });

    it('forget the names of a node that has closed', async () => {
      const [one, two] = (await nodes(2)) as [Node, Node];
      const a = await one.puppet();
      await a.call('storeConnection', 'a');
      await one.troupe.close({ drain: { timeoutMs: 100 } });
      expect(await two.troupe.pushTextToConnection('a', 'hello')).toMatchObject({ status: 'unknown' });
      expect(await two.troupe.cluster.nodes()).toEqual([two.id]);
    });
  });
}
