import { beforeEach, describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import { Crew, type Member } from '../../src/cli/crew.ts';

type Watcher = Parameters<Member['watch']>[0];

/** A worker that does what a test says. */
class FakeWorker implements Member {
  readonly id: number;
  readonly told: string[] = [];
  on!: Watcher;

  constructor(id: number) {
    this.id = id;
  }

  watch(on: Watcher): void {
    this.on = on;
  }

  close(restarting: boolean): void {
    this.told.push(restarting ? 'restart' : 'close');
  }

  withdraw(): void {
    this.told.push('withdraw');
  }

  kill(): void {
    this.on.ended(null, 'SIGKILL');
  }

  async listen(): Promise<void> {
    this.on.listening('ws://here');
    await settled();
  }

  async end(code = 0): Promise<void> {
    this.on.ended(code, null);
    await settled();
  }
}

/** What follows from an event without any time has happened. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

let clock: SimulatedClock;
let workers: FakeWorker[];
let said: string[];

function crewOf(count: number): Crew {
  return new Crew({
    count,
    fork() {
      const worker = new FakeWorker(workers.length + 1);
      workers.push(worker);
      return worker;
    },
    after(ms, then) {
      const timer = clock.setTimeout(then, ms);
      return () => clock.clearTimeout(timer);
    },
    now: () => clock.now(),
    endWithinMs: 15_000,
    announce: (url) => said.push(url),
    report: (text) => said.push(text),
  });
}

const worker = (id: number): FakeWorker => workers[id - 1] ?? expect.fail(`there is no worker ${id}`);

/** A crew all of whose workers listen. */
async function working(count: number): Promise<{ crew: Crew; code: Promise<number> }> {
  const crew = crewOf(count);
  const code = crew.run();
  await worker(1).listen();
  for (let id = 2; id <= count; id += 1) worker(id).on.listening('ws://here');
  await settled();
  said.length = 0;
  return { crew, code };
}

beforeEach(() => {
  clock = new SimulatedClock();
  workers = [];
  said = [];
});

describe('Crew', () => {
  it('starts the others when the first listens, and says so when all do', async () => {
    const crew = crewOf(3);
    void crew.run();
    expect(workers).toHaveLength(1);
    await worker(1).listen();
    expect(workers).toHaveLength(3);
    await worker(2).listen();
    expect(said).toEqual([]);
    await worker(3).listen();
    expect(said).toEqual(['ws://here']);
  });

  it.each([
    [2, 2],
    [0, 1],
  ])('ends at once when the first cannot start and ends with %i', async (code, expected) => {
    const ended = crewOf(3).run();
    await worker(1).end(code);
    expect(await ended).toBe(expected);
    expect(workers).toHaveLength(1);
  });

  it('waits longer for each that dies soon after the one before, and not for one that lived', async () => {
    await working(2);
    for (const waitMs of [100, 200, 400]) {
      const count = workers.length;
      await workers.at(-1)!.end(1);
      expect(said.at(-1)).toContain(`another one is started in ${waitMs} ms`);
      clock.increment(waitMs - 1);
      expect(workers).toHaveLength(count);
      clock.increment(1);
      expect(workers).toHaveLength(count + 1);
    }
    await workers.at(-1)!.listen();
    clock.increment(10_000);
    await workers.at(-1)!.end(1);
    expect(said.at(-1)).toContain('another one is started in 100 ms');
  });

  it('gives up when workers die at once again and again, and drains the others', async () => {
    const { code } = await working(2);
    for (let death = 1; death <= 10; death += 1) {
      await workers.at(-1)!.end(1);
      clock.increment(10_000);
    }
    expect(workers).toHaveLength(11);
    expect(said.at(-1)).toContain('giving up');
    expect(worker(1).told).toEqual(['close']);
    await worker(1).end();
    expect(await code).toBe(1);
  });

  it('starts another at once for one that somebody else told to close', async () => {
    await working(1);
    worker(1).on.draining();
    expect(workers).toHaveLength(2);
    expect(worker(1).told).toEqual(['withdraw']);
    await worker(1).end();
    clock.increment(20_000);
    expect(workers).toHaveLength(2);
    expect(said).toEqual([]);
  });

  it('replaces one after another, each when its successor listens', async () => {
    const { crew } = await working(2);
    void crew.restart();
    expect(worker(1).told).toEqual([]);
    await worker(3).listen();
    expect(worker(1).told).toEqual(['withdraw', 'restart']);
    expect(workers).toHaveLength(3);
    await worker(1).end();
    await worker(4).listen();
    expect(worker(2).told).toEqual(['withdraw', 'restart']);
    await worker(2).end();
    expect(workers).toHaveLength(4);
    expect(said).toEqual([]);
  });

  it('restarts once more when it is asked to during a restart', async () => {
    const { crew } = await working(1);
    void crew.restart();
    void crew.restart();
    await worker(2).listen();
    await worker(1).end();
    await worker(3).listen();
    expect(worker(2).told).toEqual(['withdraw', 'restart']);
  });

  it('keeps the workers that serve when a successor cannot start', async () => {
    const { crew } = await working(2);
    const restarted = crew.restart();
    await worker(3).end(1);
    await restarted;
    expect([worker(1).told, worker(2).told]).toEqual([[], []]);
    expect(said).toEqual(['Worker 3 ended before it listened: nothing more is restarted.']);
  });

  it('drains all of them when it is told to end, one that is just starting and one that is waited for included', async () => {
    const { crew, code } = await working(3);
    await worker(3).end(1);
    void crew.restart();
    crew.end();
    expect([1, 2, 4].map((id) => worker(id).told)).toEqual([['close'], ['close'], ['close']]);
    for (const id of [1, 2, 4]) worker(id).on.ended(0, null);
    expect(await code).toBe(0);
    clock.increment(60_000);
    expect(workers).toHaveLength(4);
  });

  it('kills what does not end in time, and says so with its code', async () => {
    const { crew, code } = await working(2);
    crew.end();
    await worker(1).end();
    clock.increment(15_000);
    expect(await code).toBe(1);
    expect(said).toEqual(['Worker 2 has not ended in time and is killed.']);
  });
});
