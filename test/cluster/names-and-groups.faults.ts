/** What holds between nodes that are processes of their own, joined by a real engine, while nothing fails. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Echo } from './echo.ts';
import { engines } from './engines.ts';
import { measured } from './measured.ts';
import { Cluster, type NodeProcess, type Puppet } from './nodes.ts';
import { Pair, Watch } from './outages.ts';

const CLAIM_ROUNDS = 50;
const CLAIMANTS_PER_NODE = 8;
const REMOVAL_ROUNDS = 40;
const MESSAGES = 2000;

for (const kind of engines) {
  describe.skipIf(kind.isMissing)(`three processes over ${kind.name}`, { timeout: 20_000 }, () => {
    let cluster: Cluster;
    let one: NodeProcess;
    let two: NodeProcess;
    let three: NodeProcess;

    beforeAll(async () => {
      cluster = await Cluster.start(kind, 3);
      [one, two, three] = cluster.nodes as [NodeProcess, NodeProcess, NodeProcess];
    }, 30_000);
    afterAll(() => cluster?.end());

    async function puppets(count: number): Promise<Puppet[]> {
      return Promise.all(cluster.nodes.flatMap((node) => Array.from({ length: count }, () => node.puppet())));
    }

    it(`have one owner of a name that ${CLAIMANTS_PER_NODE * 3} connections claim at once, in each of ${CLAIM_ROUNDS} rounds`, async () => {
      const all = await puppets(CLAIMANTS_PER_NODE);
      const askers = cluster.nodes.map((node) => all.find((puppet) => puppet.node === node)!);
      for (let round = 0; round < CLAIM_ROUNDS; round++) {
        const name = `contended ${round}`;
        const isLoser = ({ replaced }: Puppet): boolean => replaced.includes(name);
        const outcomes = await Promise.all(all.map((puppet) => puppet.call('storeConnection', name)));
        expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['ok']));
        const isDecided = (): boolean => all.filter(isLoser).length >= all.length - 1;
        await Promise.race(all.map((puppet) => puppet.until(isDecided)));
        const owners = all.filter((puppet) => !isLoser(puppet));
        expect(owners).toHaveLength(1);
        const [owner] = owners as [Puppet];
        for (const [at, asker] of askers.entries()) await asker.call('pushTextToConnection', name, `${round} by ${at}`);
        for (const at of askers.keys()) await owner.hears(`${round} by ${at}`);
      }
      // The answer to a question is behind all that was sent before.
      await Promise.all(all.map((puppet) => puppet.call('cluster.storedNames', { limit: 1000 })));
      for (let round = 0; round < CLAIM_ROUNDS; round++) {
        const name = `contended ${round}`;
        const told = all.map(({ replaced }) => replaced.filter((lost) => lost === name).length);
        expect(told.toSorted((x, y) => x - y)).toEqual([0, ...Array.from({ length: all.length - 1 }, () => 1)]);
        const got = all.flatMap(({ heard }) => heard.filter((text) => text.startsWith(`${round} by`)));
        expect(got.toSorted()).toEqual([`${round} by 0`, `${round} by 1`, `${round} by 2`]);
      }
      const names = await askers[0]!.call<{ items: { name: string }[] }>('cluster.storedNames', { limit: 1000 });
      expect(names.items.filter(({ name }) => name.startsWith('contended'))).toHaveLength(CLAIM_ROUNDS);
      await Promise.all(all.map((puppet) => puppet.close()));
    });

    it('leave a name with its new owner when the old one goes', async () => {
      const asker = await three.puppet();
      for (let round = 0; round < 10; round++) {
        const name = `released ${round}`;
        const [old, heir] = await Promise.all([one.puppet(), two.puppet()]);
        await old.call('storeConnection', name);
        await heir.call('storeConnection', name);
        // It may go before it is told.
        await old.close();
        expect((await asker.call('pushTextToConnection', name, 'still here')).status).toMatch(/accepted|delivered/);
        await heir.hears('still here');
        await heir.close();
        await expect.poll(async () => (await asker.call('pushTextToConnection', name, 'x')).status).toBe('unknown');
      }
    });

    it(`carry ${MESSAGES} group messages in order and once, and none to a node without members`, async () => {
      const [a, b, sender] = await Promise.all([one.puppet(), two.puppet(), one.puppet()]);
      for (const member of [a, b]) await member.call('addConnectionToGroup', 'ordered');
      const before = three.proxy.received;
      expect(await sender.call('troupe.members', 'ordered')).toMatchObject({ items: [{}] });
      expect(await sender.call('pushMany', 'ordered', MESSAGES, 1000)).toBe(MESSAGES);
      await sender.call('pushTextToGroup', 'ordered', 'end');
      for (const member of [a, b]) {
        await member.hears('end');
        expect(member.heard.map((text) => text.replaceAll('.', '').trimEnd())).toEqual([
          ...Array.from({ length: MESSAGES }, (_, at) => `${at}`),
          'end',
        ]);
      }
      expect(sender.heard).toEqual([]);
      // Beats, not messages.
      expect(three.proxy.received - before).toBeLessThan(50_000);
    });

    it(`have no member of a removed group left, in ${REMOVAL_ROUNDS} rounds in which others join meanwhile`, async () => {
      const all = await puppets(3);
      const askers = [one, two, three].map((node) => all.find((puppet) => puppet.node === node)!);
      for (let round = 0; round < REMOVAL_ROUNDS; round++) {
        const group = `removed ${round}`;
        // The first on each node is there before; the others come while it goes.
        await Promise.all(askers.map((asker) => asker.call('addConnectionToGroup', group)));
        const late = all.filter((puppet) => !askers.includes(puppet));
        const remover = askers[round % 3]!;
        const [removal, ...joins] = await Promise.all([
          remover.call('removeConnectionGroup', group),
          ...late.map((puppet) => puppet.call('addConnectionToGroup', group)),
        ]);
        expect(removal.status).toBe('ok');
        expect(new Set(joins.map(({ status }) => status))).toEqual(new Set(['ok']));
        // What each node says of the group is behind the removal only when a later message has come: from the remover.
        await Promise.all(askers.map((asker) => asker.call('addConnectionToGroup', `fence ${round}`)));
        await remover.call('pushTextToGroup', `fence ${round}`, `fence ${round}`);
        await Promise.all(askers.map((asker) => asker.hears(`fence ${round}`)));
        await remover.call('pushTextToGroup', group, `to ${group}`);
        await remover.call('pushTextToGroup', `fence ${round}`, `end ${round}`);
        await Promise.all(askers.map((asker) => asker.hears(`end ${round}`)));
        for (const asker of askers) expect(asker.heard).not.toContain(`to ${group}`);
        // Who joined and is a member by what its own node says hears, the others do not.
        const { items } = await remover.call<{ items: { id: string; node: string }[] }>('cluster.members', group);
        await expect.poll(() => late.filter(({ heard }) => heard.includes(`to ${group}`)).length).toBe(items.length);
      }
    });

    it('go on locally while the engine is killed, and have names and groups back when it returns empty', async () => {
      const pair = await Pair.on(one, two);
      const echoes = await Promise.all(cluster.nodes.map((node) => Echo.on(node)));
      const watch = new Watch(cluster.nodes);
      await cluster.engine.kill();
      const detected = await watch.all('lost');
      const [a, b] = [pair.here, pair.there];
      expect(await pair.push(a, b, 'x')).toEqual({ status: 'down', count: 0 });
      expect(await a.call('pushTextToGroup', pair.group, 'local')).toEqual({ status: 'down', count: 1 });
      expect(await a.call('storeConnection', 'another')).toMatchObject({ status: 'down' });
      await Promise.all(cluster.nodes.map((node) => watch.tells(node, 'unreachable')));
      await cluster.engine.restart();
      const back = Date.now();
      const up = (await watch.all('connected')) + watch.start - back;
      await pair.namesAreFound();
      await pair.groupIsHeard();
      const repaired = Date.now() - back;
      const wrong = (await Promise.all(echoes.map((echo) => echo.stop()))).flat();
      expect(wrong).toEqual([]);
      const longest = Math.max(...echoes.map(({ longestMs }) => longestMs));
      measured(kind.name, 'engine killed, back empty', { detected, up, repaired, 'longest local echo': longest });
    });

    it('answer unreachable at once for a name of a node that was killed, and none of the others is disturbed', async () => {
      const pair = await Pair.on(one, three);
      const told = [one, two].map((node) => node.told.length);
      await three.kill();
      const start = Date.now();
      await expect
        .poll(async () => (await pair.push(pair.here, pair.there, 'x')).status, { interval: 5 })
        .toBe('unreachable');
      measured(kind.name, 'node killed', { unreachable: Date.now() - start });
      const member = await two.puppet();
      await member.call('addConnectionToGroup', pair.group);
      await pair.here.call('pushTextToGroup', pair.group, 'to who is left');
      await member.hears('to who is left');
      expect([one, two].map((node) => node.told.length)).toEqual(told);
    });
  });
}
