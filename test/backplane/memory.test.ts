import { describe, expect, it, onTestFinished } from 'vitest';
import { SimulatedClock } from 'xstate';
import {
  memoryEngine,
  type BackplaneLink,
  type BackplaneSink,
  type MemoryEngine,
  type MemoryEngineOptions,
} from 'troupe/backplane';
import { createGate, type Gate, turn } from '../support/inbox.ts';

// What the engine does of its own accord; that it does what every backplane must, test/contracts shows.

interface Node {
  readonly link: BackplaneLink;
  /** What the sink was told, in short. */
  readonly told: string[];
  /** Resolves when it was told so many things. */
  heard(count: number): Promise<string[]>;
}

async function connect(engine: MemoryEngine, id: string, signal = new AbortController().signal): Promise<Node> {
  const told: string[] = [];
  let waiting: { count: number; gate: Gate } | undefined;
  const tell = (what: string): void => {
    told.push(what);
    if (waiting !== undefined && told.length >= waiting.count) waiting.gate.open();
  };
  const sink: BackplaneSink = {
    message: (topic, payload) => tell(`${topic} ${new TextDecoder().decode(payload)}`),
    direct: (name) => {
      tell(`direct ${name}`);
      return 'delivered';
    },
    nameLost: (name, _connectionId, _epoch, why) => tell(`${name} ${why}`),
    groupRemoved: (group) => tell(`${group} gone`),
    lost: (cause) => tell(`lost: ${String(cause)}`),
  };
  const link = await engine.backplane().connect(id, sink, signal);
  onTestFinished(() => link.disconnect());
  const heard = async (count: number): Promise<string[]> => {
    if (told.length >= count) return told;
    waiting = { count, gate: createGate() };
    await waiting.gate.opened;
    return told;
  };
  return { link, told, heard };
}

async function two(options?: MemoryEngineOptions): Promise<{ engine: MemoryEngine; one: Node; other: Node }> {
  const engine = memoryEngine(options);
  return { engine, one: await connect(engine, 'one'), other: await connect(engine, 'other') };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('the memory engine', () => {
  it('calls no sink in the turn of whoever asks', async () => {
    const { one, other } = await two();
    await other.link.subscribe(['g:a']);
    await other.link.claim('name', 'connection');
    one.link.publish('g:a', bytes('message'));
    const asked = [one.link.push('name', bytes('push')), one.link.remove('name'), one.link.removeGroup('a', false)];
    await Promise.resolve();
    expect(other.told).toEqual([]);
    await Promise.all(asked);
    expect(await other.heard(4)).toEqual(['g:a message', 'direct name', 'name removed', 'a gone']);
  });

  it('tells of a lost name before it answers a claim that was overtaken at once', async () => {
    const { one, other } = await two();
    const order: string[] = [];
    const first = one.link.claim('name', 'first').then(() => order.push('answer', ...one.told));
    await Promise.all([first, other.link.claim('name', 'second')]);
    expect(order).toEqual(['answer', 'name replaced']);
  });

  it('counts what each node was sent, so that a node without members is seen to get nothing', async () => {
    const { engine, one, other } = await two();
    await other.link.subscribe(['g:a']);
    await other.link.claim('name', 'connection');
    one.link.publish('g:a', bytes('message'));
    one.link.publish('g:b', bytes('message'));
    await one.link.push('name', bytes('push'));
    await one.link.removeGroup('a', false);
    await one.link.claim('name', 'connection');
    await other.heard(4);
    expect(engine.received('other')).toEqual({ messages: 1, removals: 1, pushes: 1, notices: 1 });
    expect(engine.received('one')).toEqual({ messages: 0, removals: 0, pushes: 0, notices: 0 });
  });

  it('refuses a lease of no time', () => {
    expect(() => memoryEngine({ leaseMs: 0 })).toThrow('leaseMs must be a positive number of ms, but is 0.');
  });
});

describe('a lease', () => {
  it('lapses when the clock is moved past it, and takes the names along', async () => {
    const clock = new SimulatedClock();
    const { one, other } = await two({ clock, leaseMs: 1_000 });
    await one.link.claim('name', 'connection');
    clock.increment(600);
    expect(await other.link.beat()).toBe('held');
    clock.increment(600);
    expect(await other.link.nodes()).toEqual(['other']);
    expect(await other.link.push('name', bytes('push'))).toBe('unknown');
    expect(await one.link.beat()).toBe('lapsed');
    expect(await one.link.beat()).toBe('held');
  });

  it('gives epochs and generations that rise while the clock stands still', async () => {
    const { one } = await two({ clock: new SimulatedClock() });
    const first = await one.link.claim('name', 'connection');
    await one.link.release('name', 'connection');
    const second = await one.link.claim('name', 'connection');
    expect(second.epoch).toBeGreaterThan(first.epoch);
    expect(await one.link.removeGroup('a', false)).toBeLessThan(await one.link.removeGroup('a', false));
  });

  it('keeps removals for a day, and retired names for good', async () => {
    const clock = new SimulatedClock();
    const { one } = await two({ clock, leaseMs: 1e9 });
    await one.link.removeGroup('removed', false);
    const retired = await one.link.removeGroup('retired', true);
    clock.increment(86_400_000);
    expect((await one.link.generations(['removed']))[0]?.generation).toBeGreaterThan(0);
    clock.increment(1);
    expect(await one.link.generations(['removed', 'retired'])).toEqual([
      { generation: 0, retired: false },
      { generation: retired, retired: true },
    ]);
  });
});

describe('a stopped engine', () => {
  it('loses all links, refuses to connect, and knows what it knew when it starts', async () => {
    const { engine, one } = await two();
    await one.link.claim('name', 'connection');
    const generation = await one.link.removeGroup('a', false);
    engine.stop();
    expect(await one.heard(1)).toEqual(['lost: Error: The engine was stopped.']);
    expect(engine.connected()).toEqual([]);
    await expect(connect(engine, 'one')).rejects.toThrow('The engine refuses connections: it was stopped.');
    engine.start();
    const again = await connect(engine, 'third');
    expect((await again.link.claim('name', 'next')).previous).toEqual({ nodeId: 'one', connectionId: 'connection' });
    expect(await again.link.generations(['a'])).toEqual([{ generation, retired: false }]);
  });

  it('can start with nothing', async () => {
    const { engine, one } = await two();
    const { epoch } = await one.link.claim('name', 'connection');
    engine.stop();
    await one.heard(1);
    engine.start({ empty: true });
    const again = await connect(engine, 'third');
    expect(await again.link.nodes()).toEqual(['third']);
    const next = await again.link.claim('name', 'next');
    expect(next.previous).toBeUndefined();
    expect(next.epoch).toBeGreaterThan(epoch);
  });
});

describe('a node that is cut off', () => {
  it('is told nothing and heard of by nobody until it is healed; then all of it arrives', async () => {
    const { engine, one, other } = await two();
    await Promise.all([one, other].map(({ link }) => link.subscribe(['g:a'])));
    engine.cut('one');
    const beat = one.link.beat();
    expect(one.link.publish('g:a', bytes('from one'))).toBe('accepted');
    expect(other.link.publish('g:a', bytes('from other'))).toBe('accepted');
    await other.link.beat();
    expect([one.told, other.told]).toEqual([[], []]);
    engine.heal('one');
    expect(await beat).toBe('held');
    expect(await one.heard(1)).toEqual(['g:a from other']);
    expect(await other.heard(1)).toEqual(['g:a from one']);
  });

  it('is unreachable, and its name may be claimed, of which it hears when it is healed', async () => {
    const { engine, one, other } = await two();
    await one.link.claim('name', 'connection');
    engine.cut('one');
    expect(await other.link.push('name', bytes('push'))).toBe('unreachable');
    await other.link.claim('name', 'next');
    engine.heal('one');
    expect(await one.heard(1)).toEqual(['name replaced']);
  });

  it('answers no push that was on its way: whether it arrived is not known', async () => {
    const { engine, one, other } = await two();
    await one.link.claim('name', 'connection');
    const pushed = other.link.push('name', bytes('push'));
    // One turn takes it to the engine, the next one would take it to the owner.
    await turn();
    engine.cut('one');
    expect(await pushed).toBe('timeout');
    expect(one.told).toEqual([]);
  });

  it('may disconnect; connecting hangs until it is healed, aborted or has taken too long', async () => {
    const clock = new SimulatedClock();
    const { engine, one } = await two({ clock, leaseMs: 1e9 });
    engine.cut('one');
    const beat = one.link.beat();
    one.link.disconnect();
    await expect(beat).rejects.toThrow('The link was disconnected.');
    const aborting = new AbortController();
    const aborted = connect(engine, 'one', aborting.signal);
    const late = connect(engine, 'one');
    aborting.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    clock.increment(9_500);
    await expect(late).rejects.toThrow('The engine did not answer for 9500 ms.');
    const healed = connect(engine, 'one');
    engine.heal('one');
    expect(await (await healed).link.beat()).toBe('held');
  });

  it('hears when it is healed that the engine was stopped meanwhile', async () => {
    const { engine, one, other } = await two();
    engine.cut('one');
    engine.stop();
    await other.heard(1);
    expect(one.told).toEqual([]);
    expect(one.link.publish('g:a', bytes('message'))).toBe('accepted');
    engine.heal('one');
    expect(await one.heard(1)).toEqual(['lost: Error: The engine was stopped.']);
    expect(one.link.publish('g:a', bytes('message'))).toBe('down');
  });

  it('loses its link when more is waiting for it than the engine keeps', async () => {
    const { engine, one, other } = await two();
    await one.link.subscribe(['g:a']);
    engine.cut('one');
    const payload = new Uint8Array(4 * 1_048_576);
    for (let message = 0; message < 5; message++) {
      expect(other.link.publish('g:a', payload)).toBe('accepted');
      await other.link.beat();
    }
    expect(engine.connected()).toEqual(['other']);
    engine.heal('one');
    expect(await one.heard(1)).toEqual(['lost: Error: The node takes less than it is sent.']);
  });
});

describe('a frozen engine', () => {
  it('does nothing until it thaws, and then all, in order', async () => {
    const { engine, one, other } = await two();
    await other.link.subscribe(['g:a']);
    engine.freeze();
    const claimed = one.link.claim('name', 'connection');
    one.link.publish('g:a', bytes('1'));
    const removed = other.link.remove('name');
    const connecting = connect(engine, 'third');
    one.link.publish('g:a', bytes('2'));
    await turn();
    expect(other.told).toEqual([]);
    engine.thaw();
    await claimed;
    expect(await removed).toBe(true);
    expect(await other.heard(2)).toEqual(['g:a 1', 'g:a 2']);
    expect(await (await connecting).link.nodes()).toEqual(['one', 'other', 'third']);
  });
});
