/** Each message comes back: the cost of one message there and back. */
import type { Measure, ServerName, Workload } from '../contract.ts';
import { serverNames } from '../contract.ts';
import { within } from '../deadline.ts';
import { openAll } from '../generator/connections.ts';
import { dialectOf } from '../generator/dialect.ts';
import type { RawConnection } from '../generator/raw-connection.ts';
import { FrameRing, messagesInRing } from '../generator/sequence.ts';
import { nameOf, textOf } from '../payload.ts';
import type { WithRig } from '../rig.ts';
import { withServer } from '../server-process.ts';

const bytes = 64;
const connectionCount = 100;
/** Messages on each connection before any is counted: the code has to be compiled. */
const warmUpEach = 1_200;

/** One connection that keeps `inFlight` messages on their way until its share is done. */
export class Echo {
  readonly #connection: RawConnection;
  readonly #outgoing: FrameRing;
  readonly #inFlight: number;
  #sent = 0;
  #received = 0;
  #until = 0;
  #finish = { resolve: (): void => {}, reject: (_error: Error): void => {} };

  constructor(server: ServerName, connection: RawConnection, index: number, inFlight: number) {
    const { wrap } = dialectOf(server);
    const texts = Array.from({ length: messagesInRing }, (_, sequence) => wrap(textOf(sequence, bytes, nameOf(index))));
    this.#connection = connection;
    this.#outgoing = FrameRing.fromClient(texts);
    this.#inFlight = inFlight;
    connection.expect(
      FrameRing.fromServer(texts),
      (count) => this.#onMessages(count),
      (error) => this.#finish.reject(error),
    );
  }

  /** Sends `count` more and resolves when all of them are back, each as it was and in order. */
  run(count: number): Promise<void> {
    this.#until += count;
    return new Promise((resolve, reject) => {
      this.#finish = { resolve, reject };
      this.#send(Math.min(this.#inFlight, count));
    });
  }

  #send(count: number): void {
    this.#connection.write(this.#outgoing.frames(this.#sent, count));
    this.#sent += count;
  }

  #onMessages(count: number): void {
    this.#received += count;
    const more = Math.min(count, this.#until - this.#sent);
    if (more > 0) this.#send(more);
    else if (this.#received === this.#until) this.#finish.resolve();
    else if (this.#received > this.#sent) this.#finish.reject(new Error('more messages came back than were sent'));
  }
}

/** A hundred connections with `inFlight` messages on their way on each. */
function withEchoes(inFlight: number): WithRig {
  return (server, use) =>
    withServer(server, 'echo', async (process) => {
      const connections = await openAll({ server, port: process.port }, connectionCount);
      try {
        const echoes = connections.map((connection, index) => new Echo(server, connection, index, inFlight));
        const runEach = async (each: number): Promise<void> => {
          await Promise.all(echoes.map((echo) => echo.run(each)));
        };
        return await use({
          warmUp: (share = 1) => within(30_000, 'the warm-up', runEach(warmUpEach * share)),
          async run(count) {
            const each = Math.ceil(count / connectionCount);
            await process.begin();
            await within(120_000, 'all messages', runEach(each));
            const { cpuUs, wallMs } = await process.end();
            return { cpuUs, wallMs, checked: each * connectionCount };
          },
        });
      } finally {
        for (const connection of connections) connection.destroy();
      }
    });
}

/** Server CPU per message. */
function measureEcho(withRig: WithRig, messages: number): Measure {
  return (server, { scale }) =>
    withRig(server, async (rig) => {
      await rig.warmUp(scale < 1 ? 0.5 : 1);
      const { cpuUs, wallMs, checked } = await rig.run(messages * scale);
      return { value: cpuUs / checked, extra: { messagesPerSecond: (checked / wallMs) * 1000 }, checked };
    });
}

const method =
  'Each connection keeps so many messages on their way: as many go out as came back with one read. ' +
  'Every byte that comes back is compared, in order, and the messages are counted.';

export const withEchoes16 = withEchoes(16);

export const echo16: Workload = {
  name: 'echo-16',
  title: 'echo 64 B, 100 connections, 16 in flight',
  unit: 'µs of server CPU per message',
  method,
  servers: serverNames,
  budgets: {
    'troupe-handlers': { kind: 'ratio', atMost: 0.3, stretch: 0.2 },
    'troupe-machine': { kind: 'ratio', atMost: 0.65, stretch: 0.35 },
  },
  measure: measureEcho(withEchoes16, 200_000),
};

export const echo1: Workload = {
  name: 'echo-1',
  title: 'echo 64 B, 100 connections, 1 in flight',
  unit: 'µs of server CPU per message',
  method,
  servers: serverNames,
  budgets: { 'troupe-handlers': { kind: 'ratio', atMost: 1, stretch: 0.85 } },
  measure: measureEcho(withEchoes(1), 80_000),
};
