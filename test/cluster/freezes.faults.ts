/** What freezes, is cut off or does not keep up: faults that only time reveals. */
// oxlint-disable-next-line no-restricted-imports -- how long a fault lasts is part of it
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Echo } from './echo.ts';
import { engines } from './engines.ts';
import { measured } from './measured.ts';
import { Cluster, type NodeProcess } from './nodes.ts';
import { Pair, SOON, Watch } from './outages.ts';

const SUBSCRIPTIONS = 20_000;
const NODE_FROZEN_MS = 9000;
const ENGINE_FROZEN_MS = 7000;
const MESSAGE_BYTES = 1_000_000;

for (const kind of engines) {
  describe.skipIf(kind.isMissing)(`over ${kind.name}`, () => {
    let cluster: Cluster;
    let one: NodeProcess;
    let two: NodeProcess;
    let three: NodeProcess;

    beforeAll(async () => {
      cluster = await Cluster.start(kind, 3);
      [one, two, three] = cluster.nodes as [NodeProcess, NodeProcess, NodeProcess];
    });
    afterAll(() => cluster?.end());

    async function echoing(nodes: readonly NodeProcess[]): Promise<() => Promise<number>> {
      const echoes = await Promise.all(nodes.map((node) => Echo.on(node)));
      return async () => {
        expect((await Promise.all(echoes.map((echo) => echo.stop()))).flat()).toEqual([]);
        const longestMs = Math.max(...echoes.map((echo) => echo.longestMs));
        // Far less than what the watchdog waits for, on however busy a machine.
        expect(longestMs).toBeLessThan(1500);
        for (const echo of echoes) expect(echo.count).toBeGreaterThan(10);
        return longestMs;
      };
    }

    it('a node that froze for 9 s has the names back that nobody took, and is told of the others', async () => {
      const pair = await Pair.on(one, two);
      const stopEchoes = await echoing([one, three]);
      const rival = await three.puppet();
      await pair.there.call('storeConnection', 'taken from who froze');
      const start = performance.now();
      const watch = new Watch([two]);
      two.freeze();
      await rival.call('storeConnection', 'taken from who froze');
      const statuses = new Set<string>();
      await expect
        .poll(async () => {
          const { status } = await pair.push(pair.here, pair.there, 'while frozen');
          statuses.add(status);
          return status;
        }, SOON)
        .toBe('unknown');
      const unknown = performance.now() - start;
      expect(unknown).toBeLessThan(10_000);
      await wait(NODE_FROZEN_MS - unknown);
      two.thaw();
      const woken = performance.now();
      await watch.tells(two, 'connected');
      await pair.there.until(({ replaced }) => replaced.length > 0);
      await pair.namesAreFound();
      await pair.groupIsHeard();
      const repaired = performance.now() - woken;
      expect(pair.there.replaced).toEqual(['taken from who froze']);
      await one
        .puppet()
        .then((puppet) => puppet.call('pushTextToConnection', 'taken from who froze', 'to its new owner'));
      await rival.hears('to its new owner');
      expect(rival.replaced).toEqual([]);
      const answers = [...statuses].join(', then ');
      measured(kind.name, 'node frozen 9 s', { unknown, repaired, answers, 'longest local echo': await stopEchoes() });
    });

    it('an engine that froze is noticed, nothing local waits for it, and names and groups are there when it wakes', async () => {
      const pair = await Pair.on(one, two);
      const stopEchoes = await echoing(cluster.nodes);
      const watch = new Watch(cluster.nodes);
      cluster.engine.freeze();
      const detected = await watch.all('lost');
      expect(await pair.push(pair.here, pair.there, 'x')).toEqual({ status: 'down', count: 0 });
      expect(await pair.here.call('storeConnection', 'y')).toMatchObject({ status: 'down' });
      await wait(ENGINE_FROZEN_MS - detected);
      cluster.engine.thaw();
      const woken = performance.now();
      await watch.all('connected');
      await pair.namesAreFound();
      await pair.groupIsHeard();
      const repaired = performance.now() - woken;
      expect([...pair.here.replaced, ...pair.there.replaced]).toEqual([]);
      measured(kind.name, 'engine frozen 7 s', { detected, repaired, 'longest local echo': await stopEchoes() });
    });

    it('a node that was cut off loses what others took and removed meanwhile, and keeps the rest', async () => {
      const pair = await Pair.on(one, two);
      const stopEchoes = await echoing(cluster.nodes);
      const rival = await one.puppet();
      await pair.there.call('storeConnection', 'taken from who was cut off');
      for (const puppet of [pair.here, pair.there]) await puppet.call('addConnectionToGroup', 'removed meanwhile');
      const watch = new Watch([two]);
      two.proxy.blackhole();
      const [detected] = await Promise.all([
        watch.all('lost'),
        rival.call('storeConnection', 'taken from who was cut off'),
        rival.call('removeConnectionGroup', 'removed meanwhile'),
      ]);
      await pair.here.call('addConnectionToGroup', 'removed meanwhile');
      expect(await pair.push(pair.there, pair.there, 'local')).toEqual({ status: 'delivered', count: 1 });
      expect(await pair.push(pair.there, pair.here, 'remote')).toEqual({ status: 'down', count: 0 });
      two.proxy.heal();
      const healed = performance.now();
      expect(await watch.tells(two, 'connected')).toMatchObject({ again: true, fenced: 1, removed: 1 });
      two.proxy.letLateThrough();
      await pair.there.until(({ replaced }) => replaced.length > 0);
      await pair.namesAreFound();
      await pair.groupIsHeard();
      const repaired = performance.now() - healed;
      expect(pair.there.replaced).toEqual(['taken from who was cut off']);
      expect(rival.replaced).toEqual([]);
      expect(await pair.there.call('troupe.members', 'removed meanwhile')).toEqual({ items: [] });
      expect(await pair.here.call('troupe.members', 'removed meanwhile')).toMatchObject({ items: [{}] });
      measured(kind.name, 'node cut off', { detected, repaired, 'longest local echo': await stopEchoes() });
    });

    it('a connection that is cut is noticed at once and mended', async () => {
      const pair = await Pair.on(one, two);
      const watch = new Watch([two]);
      two.proxy.cut();
      const detected = await watch.all('lost');
      await watch.tells(two, 'connected');
      await pair.namesAreFound();
      await pair.groupIsHeard();
      measured(kind.name, 'connection cut', { detected, repaired: Date.now() - watch.start });
    });

    it('a node that does not keep up is cut off by the engine, misses messages, and is repaired', async () => {
      const pair = await Pair.on(one, two);
      const stopEchoes = await echoing([one, three]);
      const listeners = await cluster.engine.listeners();
      const watch = new Watch([two]);
      two.freeze();
      const start = performance.now();
      let sent = 0;
      let taken = 0;
      while ((await cluster.engine.listeners()) >= listeners && performance.now() - start < 60_000) {
        taken += await pair.here.call<number>('pushMany', pair.group, 8, MESSAGE_BYTES, sent);
        sent += 8;
      }
      const cutOff = performance.now() - start;
      expect(await cluster.engine.listeners()).toBeLessThan(listeners);
      two.thaw();
      const woken = performance.now();
      await watch.tells(two, 'lost');
      await watch.tells(two, 'connected');
      const heard = pair.there.heard.map((text) => Number.parseInt(text, 10));
      await pair.namesAreFound();
      await pair.groupIsHeard();
      const repaired = performance.now() - woken;
      // At most once and in order, with a gap.
      expect(heard).toEqual([...new Set(heard)].toSorted((x, y) => x - y));
      expect(heard.length).toBeLessThan(taken);
      const lost = `${taken - heard.length} of ${taken} messages of 1 MB (${sent - taken} refused)`;
      measured(kind.name, 'slow subscriber', { cutOff, repaired, lost, 'longest local echo': await stopEchoes() });
    });

    it(`${SUBSCRIPTIONS} subscriptions are there again after the engine was killed`, async () => {
      const [member, sender] = await Promise.all([one.puppet(), two.puppet()]);
      const start = performance.now();
      expect(await member.call<number>('joinMany', 'many ', SUBSCRIPTIONS)).toBe(SUBSCRIPTIONS);
      const subscribed = performance.now() - start;
      const watch = new Watch(cluster.nodes);
      await cluster.engine.kill();
      const detected = await watch.all('lost');
      await cluster.engine.restart();
      const back = performance.now();
      await watch.all('connected');
      const repaired = performance.now() - back;
      const some = Array.from({ length: 200 }, (_, at) => at * (SUBSCRIPTIONS / 200) + 7);
      for (const at of some) await sender.call('pushTextToGroup', `many ${at}`, `to ${at}`);
      await member.hears(`to ${some.at(-1)}`);
      expect(member.heard).toEqual(some.map((at) => `to ${at}`));
      measured(kind.name, `${SUBSCRIPTIONS} subscriptions, engine killed`, { subscribed, detected, repaired });
      await member.close();
    });

    it('the names of a node that was killed are unknown within 10 s', async () => {
      const pair = await Pair.on(one, three);
      await three.kill();
      const start = performance.now();
      expect((await pair.push(pair.here, pair.there, 'x')).status).toBe('unreachable');
      const isUnknown = async (): Promise<string> => (await pair.push(pair.here, pair.there, 'x')).status;
      await expect.poll(isUnknown, SOON).toBe('unknown');
      const unknown = performance.now() - start;
      expect(unknown).toBeLessThan(10_000);
      const heir = await two.puppet();
      expect(await heir.call('storeConnection', pair.nameOf(pair.there))).toMatchObject({ status: 'ok' });
      await pair.push(pair.here, pair.there, 'to the heir');
      await heir.hears('to the heir');
      measured(kind.name, 'node killed', { unknown });
    });
  });
}
