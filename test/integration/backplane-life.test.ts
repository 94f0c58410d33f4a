import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { SimulatedClock } from 'xstate';
import { createTroupe, defineService } from 'troupe';
import { memoryEngine, type Backplane, type BackplaneLink } from 'troupe/backplane';
import { bent } from '../support/bent-backplane.ts';
import { isUp, startNode } from '../support/nodes.ts';
import { advance, advanceUntil } from '../support/server.ts';

/** A link that takes `ms` for each call of `restore` with names. */
function slowly(clock: SimulatedClock, isSlow: () => boolean, ms: number) {
  return (link: BackplaneLink): Partial<BackplaneLink> => ({
    async restore(bindings) {
      const answers = await link.restore(bindings);
      if (isSlow() && bindings.length > 0)
        await new Promise<void>((resolve) => {
          clock.setTimeout(resolve, ms);
        });
      return answers;
    },
  });
}

describe('a node with more names than an engine restores in a moment', () => {
  it('comes back and stays, also if its lease is shorter than that takes', async () => {
    const clock = new SimulatedClock();
    const engine = memoryEngine({ clock });
    let isSlow = false;
    const slow = bent(
      engine.backplane(),
      slowly(clock, () => isSlow, 7000),
    );
    const [one, two] = await Promise.all([startNode(slow, clock), startNode(engine.backplane(), clock)]);
    const a = await one.puppet();
    await a.call('storeConnection', 'a');
    isSlow = true;
    engine.lapse(one.id);
    const told: string[] = [];
    for (const name of ['backplane.lost', 'backplane.connected'] as const) one.troupe.on(name, () => told.push(name));
    await advance(clock, 60_000, 250);
    expect(told).toEqual(['backplane.connected']);
    expect(await two.troupe.pushTextToConnection('a', 'hello')).toMatchObject({ status: 'delivered' });
  });

  it('is repaired however long that takes, as long as it goes on', async () => {
    const clock = new SimulatedClock();
    const engine = memoryEngine({ clock });
    let isSlow = false;
    const slow = bent(
      engine.backplane(),
      slowly(clock, () => isSlow, 15_000),
    );
    const one = await startNode(slow, clock);
    const a = await one.puppet();
    for (let at = 0; at < 501; at++) await a.call('storeConnection', `name ${at}`);
    isSlow = true;
    engine.lapse(one.id);
    const told: string[] = [];
    for (const name of ['backplane.lost', 'backplane.connected'] as const) one.troupe.on(name, () => told.push(name));
    await advance(clock, 40_000, 250);
    expect(told).toEqual(['backplane.connected']);
  });
});

describe('a backplane that breaks its word', () => {
  it('is tried again when its attempt to connect never ends', async () => {
    const clock = new SimulatedClock();
    const engine = memoryEngine({ clock });
    const inner = engine.backplane();
    let attempts = 0;
    const aborted: boolean[] = [];
    const troupe = createTroupe({
      clock,
      backplane: {
        engine: 'hanging',
        connect(nodeId, sink, signal) {
          if (++attempts > 1) return inner.connect(nodeId, sink, signal);
          signal.addEventListener('abort', () => aborted.push(true));
          return new Promise(() => {});
        },
      },
    });
    onTestFinished(() => advanceUntil(clock, troupe.close({ drain: { timeoutMs: 100 } })));
    await advanceUntil(clock, isUp(troupe), { stepMs: 500, limitMs: 30_000 });
    expect({ attempts, aborted }).toEqual({ attempts: 2, aborted: [true] });
  });
});

describe('a backplane that settles nothing when it is cut', () => {
  it('keeps nobody waiting', async () => {
    const clock = new SimulatedClock();
    const engine = memoryEngine({ clock });
    const never = (): Promise<never> => new Promise(() => {});
    let isHanging = false;
    const hanging = bent(engine.backplane(), (link) => ({
      claim: never,
      push: never,
      removeGroup: never,
      beat: () => (isHanging ? never() : link.beat()),
    }));
    const node = await startNode(hanging, clock);
    const a = await node.puppet();
    isHanging = true;
    const answers = Promise.all([
      a.call('storeConnection', 'x'),
      node.troupe.pushTextToConnection('y', 'hello'),
      node.troupe.removeConnectionGroup('z'),
    ]);
    const settled = await advanceUntil(clock, answers, { stepMs: 250, limitMs: 10_000 });
    expect(settled.map(({ status }) => status)).toEqual(['timeout', 'timeout', 'timeout']);
  });
});

describe('nothing is left', () => {
  it('of a Troupe that could not be created', () => {
    const connect = vi.fn(() => new Promise<never>(() => {}));
    const service = defineService({ basePath: '/a', onTextMessage() {} });
    const backplane = { engine: 'any', connect };
    expect(() => createTroupe({ services: [service, service], backplane })).toThrow();
    expect(connect).not.toHaveBeenCalled();
  });

  it('of a question that nobody has answered when the node is closed', async () => {
    const clock = new SimulatedClock();
    const engine = memoryEngine({ clock });
    const [one, two] = await Promise.all([startNode(engine.backplane(), clock), startNode(engine.backplane(), clock)]);
    engine.cut(two.id);
    const asking = one.troupe.cluster.groups({ timeoutMs: 1_000_000 });
    await advanceUntil(clock, one.troupe.close({ drain: { timeoutMs: 100 } }), { stepMs: 50 });
    engine.heal(two.id);
    expect(await asking).toMatchObject({ answered: 1 });
  });
});

describe('a link that comes up and is lost at once, again and again', () => {
  it('is made after waits that get longer', async () => {
    const clock = new SimulatedClock();
    const backplane = memoryEngine({ clock }).backplane();
    const lose: (() => void)[] = [];
    const flapping: Backplane = {
      engine: 'flapping',
      connect(nodeId, sink, signal) {
        lose.push(() => sink.lost(new Error('Gone again.')));
        return backplane.connect(nodeId, sink, signal);
      },
    };
    const { troupe } = await startNode(flapping, clock);
    troupe.on('backplane.connected', () => lose.at(-1)!());
    lose[0]!();
    await advance(clock, 10_000, 50);
    expect(lose.length).toBeGreaterThan(4);
    expect(lose.length).toBeLessThan(12);
  });
});
