/**
 * Messages at a fixed moderate rate: what one costs, and how long it takes, when nothing is saturated.
 *
 * A message costs so little then that most of what differs from run to run is something else, and that is what the
 * plan is made for (docs/performance.md has the figures). The machine has faster and slower seconds: the servers take
 * turns of a fifth of a second. A process has its own luck with memory and compilation: there are many. What asks a
 * server for its processor time is code that it runs as well, and V8 compiles anew when it comes for the first time:
 * it is asked while it warms up. A process that idles for some seconds shrinks its heap: it warms up in turns, too.
 */
import {
  serverNames,
  type Attempt,
  type RunOptions,
  type Sample,
  type SampleSet,
  type ServerName,
  type Workload,
} from '../contract.ts';
import { within } from '../deadline.ts';
import { median } from '../figures.ts';
import { openAll } from '../generator/connections.ts';
import { dialectOf } from '../generator/dialect.ts';
import type { RawConnection } from '../generator/raw-connection.ts';
import { FrameRing, messagesInRing } from '../generator/sequence.ts';
import { nameOf, textOf } from '../payload.ts';
import { ServerProcess } from '../server-process.ts';

const bytes = 64;
const connectionCount = 100;
const messagesPerMs = 5;

/** How a set of servers is measured. */
interface Plan {
  /** Uncounted messages on each connection, one at a time as later on: with several in a read less is compiled. */
  readonly warmUpEach: number;
  /** The warm-up has so many turns. */
  readonly warmUpTurns: number;
  /** Uncounted messages at the rate. */
  readonly settling: number;
  readonly turns: number;
  readonly messagesInTurn: number;
}

const fullPlan: Plan = { warmUpEach: 600, warmUpTurns: 6, settling: 500, turns: 10, messagesInTurn: 1_000 };
const shortPlan: Plan = { ...fullPlan, warmUpEach: 300, warmUpTurns: 3, turns: 4 };

/** Sets in a round of full length: new processes for each. */
const setsInRound = 5;

/** Sends to the connections in turn and notes how long each message was away. */
class Metronome {
  readonly #outgoing: readonly FrameRing[];
  readonly #connections: readonly RawConnection[];
  /** When the n-th message of each connection was sent. */
  readonly #sentAt: number[][];
  readonly #received: number[];
  #latenciesMs: number[] = [];
  #sent = 0;
  #finish = { resolve: (): void => {}, reject: (_error: Error): void => {} };
  #until = 0;

  constructor(server: ServerName, connections: readonly RawConnection[]) {
    const { wrap } = dialectOf(server);
    const texts = connections.map((_, index) =>
      Array.from({ length: messagesInRing }, (__, sequence) => wrap(textOf(sequence, bytes, nameOf(index)))),
    );
    this.#connections = connections;
    this.#outgoing = texts.map((of) => FrameRing.fromClient(of));
    this.#sentAt = texts.map(() => []);
    this.#received = texts.map(() => 0);
    for (const [index, connection] of connections.entries()) {
      connection.expect(
        FrameRing.fromServer(texts[index] ?? []),
        (count) => this.#onMessages(index, count),
        (error) => this.#finish.reject(error),
      );
    }
  }

  /** Sends `count` messages at the rate. @returns their latencies once all are back */
  async run(count: number): Promise<number[]> {
    const first = this.#sent;
    const start = performance.now();
    const allBack = this.#expect(count);
    const ticking = setInterval(() => {
      const due = Math.min(this.#until, first + Math.floor((performance.now() - start) * messagesPerMs));
      while (this.#sent < due) this.#sendNext();
      if (this.#sent === this.#until) clearInterval(ticking);
    }, 1);
    try {
      await allBack;
    } finally {
      clearInterval(ticking);
    }
    return this.#latenciesMs;
  }

  /** Sends one message on each connection, all at once. */
  async wave(): Promise<void> {
    const allBack = this.#expect(this.#connections.length);
    while (this.#sent < this.#until) this.#sendNext();
    await allBack;
  }

  #expect(count: number): Promise<void> {
    this.#latenciesMs = [];
    this.#until = this.#sent + count;
    return new Promise<void>((resolve, reject) => (this.#finish = { resolve, reject }));
  }

  #sendNext(): void {
    const index = this.#sent % this.#connections.length;
    const round = Math.floor(this.#sent / this.#connections.length);
    this.#sent++;
    this.#sentAt[index]?.push(performance.now());
    const frame = this.#outgoing[index]?.frames(round, 1);
    if (frame !== undefined) this.#connections[index]?.write(frame);
  }

  #onMessages(index: number, count: number): void {
    const now = performance.now();
    for (let message = 0; message < count; message++) {
      const nth = this.#received[index] ?? 0;
      const sentAt = this.#sentAt[index]?.[nth];
      if (sentAt === undefined) return this.#finish.reject(new Error('a message came that was not sent'));
      this.#latenciesMs.push(now - sentAt);
      this.#received[index] = nth + 1;
    }
    if (this.#received.reduce((sum, each) => sum + each, 0) === this.#until) this.#finish.resolve();
  }
}

/** One server with its clients, and what it has come to so far. */
class Contestant {
  readonly #process: ServerProcess;
  readonly #connections: readonly RawConnection[];
  readonly #metronome: Metronome;
  readonly #latenciesMs: number[] = [];
  #cpuUs = 0;

  private constructor(server: ServerName, process: ServerProcess, connections: readonly RawConnection[]) {
    this.#process = process;
    this.#connections = connections;
    this.#metronome = new Metronome(server, connections);
  }

  static async start(server: ServerName): Promise<Contestant> {
    const process = await ServerProcess.start(server, 'echo');
    try {
      return new Contestant(server, process, await openAll({ server, port: process.port }, connectionCount));
    } catch (error) {
      await process.stop();
      throw error;
    }
  }

  /** Asked for its processor time as well, like in every turn. */
  async warmUp(waves: number): Promise<void> {
    await this.#process.begin();
    for (let wave = 0; wave < waves; wave++) await within(30_000, 'the warm-up', this.#metronome.wave());
    await this.#process.end();
  }

  /** Sends `count` messages at the rate. @returns what that took of the server's processor, and all latencies */
  async run(count: number): Promise<{ cpuUs: number; latenciesMs: readonly number[] }> {
    await this.#process.begin();
    const latenciesMs = await within(30_000, 'all messages', this.#metronome.run(count));
    const { cpuUs } = await this.#process.end();
    return { cpuUs, latenciesMs };
  }

  async takeTurn(count: number): Promise<void> {
    const { cpuUs, latenciesMs } = await this.run(count);
    this.#cpuUs += cpuUs;
    this.#latenciesMs.push(...latenciesMs);
  }

  /** All of its turns together: nothing is left out. */
  get sample(): Sample {
    const checked = this.#latenciesMs.length;
    return { value: this.#cpuUs / checked, extra: { p50Us: median(this.#latenciesMs) * 1000 }, checked };
  }

  async stop(): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    await this.#process.stop();
  }
}

/** New processes of all servers, measured in turns. */
async function measureSet(servers: readonly ServerName[], plan: Plan, attempt: Attempt): Promise<SampleSet> {
  const started: Contestant[] = [];
  const taking = new Map<ServerName, Contestant>();
  /** One who fails is out. */
  const each = async (first: number, work: (contestant: Contestant) => Promise<void>): Promise<void> => {
    for (const [server, contestant] of beginningWith(first, [...taking])) {
      const done = await attempt(server, async () => {
        await work(contestant);
        return true;
      });
      if (done === undefined) taking.delete(server);
    }
  };
  try {
    for (const server of servers) {
      const contestant = await attempt(server, () => Contestant.start(server));
      if (contestant === undefined) continue;
      started.push(contestant);
      taking.set(server, contestant);
    }
    const { warmUpEach, warmUpTurns, settling, turns, messagesInTurn } = plan;
    for (let turn = 0; turn < warmUpTurns; turn++) {
      await each(turn, (contestant) => contestant.warmUp(warmUpEach / warmUpTurns));
    }
    await each(0, async (contestant) => void (await contestant.run(settling)));
    for (let turn = 0; turn < turns; turn++) {
      await each(turn, (contestant) => contestant.takeTurn(messagesInTurn));
    }
    return new Map([...taking].map(([server, { sample }]) => [server, sample]));
  } finally {
    await Promise.all(started.map((contestant) => contestant.stop()));
  }
}

/** The same in the same order, from another one on. */
function beginningWith<T>(first: number, all: readonly T[]): T[] {
  const at = first % Math.max(all.length, 1);
  return [...all.slice(at), ...all.slice(0, at)];
}

async function measureTogether(
  servers: readonly ServerName[],
  { scale, onProgress }: RunOptions,
  attempt: Attempt,
): Promise<SampleSet[]> {
  const isFull = scale === 1;
  const sets: SampleSet[] = [];
  let taking = servers;
  for (let set = 0; set < (isFull ? setsInRound : 1); set++) {
    onProgress(`set ${set + 1}, ${taking.join(', ')}`);
    const samples = await measureSet(beginningWith(set, taking), isFull ? fullPlan : shortPlan, attempt);
    taking = taking.filter((server) => samples.has(server));
    sets.push(samples);
  }
  return sets;
}

const budgets: Workload['budgets'] = {
  'troupe-handlers': { kind: 'ratio', atMost: 1.05, stretch: 0.95 },
  'troupe-machine': { kind: 'ratio', atMost: 1.05, stretch: 0.95 },
};

export const echoRate: Workload = {
  name: 'echo-rate',
  title: 'echo 64 B at 5 000 messages a second over 100 connections',
  unit: 'µs of server CPU per message',
  method:
    'Five messages a millisecond, to the connections in turn, each timed. Every byte that comes back is compared. ' +
    'All servers are up and take turns of a fifth of a second, ten each; with new processes five times in a round, ' +
    'each of which counts as one.',
  servers: serverNames,
  budgets,
  figures: [
    {
      name: 'echo-rate-p50',
      title: 'echo 64 B at 5 000 messages a second: half of the messages are back within',
      unit: 'µs, median latency',
      of: 'p50Us',
      budgets,
    },
  ],
  measureTogether,
};
