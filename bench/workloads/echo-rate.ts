/** Messages at a fixed moderate rate: what one costs, and how long it takes, when nothing is saturated. */
import { serverNames, type RunOptions, type Sample, type ServerName, type Workload } from '../contract.ts';
import { within } from '../deadline.ts';
import { median } from '../figures.ts';
import { openAll } from '../generator/connections.ts';
import { dialectOf } from '../generator/dialect.ts';
import type { RawConnection } from '../generator/raw-connection.ts';
import { FrameRing, messagesInRing } from '../generator/sequence.ts';
import { nameOf, textOf } from '../payload.ts';
import { withServer } from '../server-process.ts';

const bytes = 64;
const connectionCount = 100;
const messagesPerMs = 5;
const fullMessages = 15_000;
/** Messages before any is counted, and how many a millisecond: at the moderate rate compiling the code would take a minute. */
const warmUp = { messages: 120_000, perMs: 40 };

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

  /** Sends `count` messages, `perMs` a millisecond. @returns their latencies once all are back */
  async run(count: number, perMs: number): Promise<number[]> {
    this.#latenciesMs = [];
    const first = this.#sent;
    this.#until = first + count;
    const start = performance.now();
    const allBack = new Promise<void>((resolve, reject) => (this.#finish = { resolve, reject }));
    const ticking = setInterval(() => {
      const due = Math.min(this.#until, first + Math.floor((performance.now() - start) * perMs));
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

async function measureRate(server: ServerName, { scale }: RunOptions): Promise<Sample> {
  return withServer(server, 'echo', async (process) => {
    const connections = await openAll({ server, port: process.port }, connectionCount);
    try {
      const metronome = new Metronome(server, connections);
      const checked = Math.round(fullMessages * Math.max(scale, 0.2));
      await within(30_000, 'the warm-up', metronome.run(warmUp.messages * (scale < 1 ? 0.25 : 1), warmUp.perMs));
      await process.begin();
      const latencies = await within(60_000, 'all messages', metronome.run(checked, messagesPerMs));
      const { cpuUs } = await process.end();
      return { value: cpuUs / checked, extra: { p50Us: median(latencies) * 1000 }, checked };
    } finally {
      for (const connection of connections) connection.destroy();
    }
  });
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
    'Five messages a millisecond, to the connections in turn, each timed. Every byte that comes back is compared.',
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
  measure: measureRate,
};
