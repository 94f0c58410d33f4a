/** One text to many: the cost of one delivery. Broadcasts, group pushes and pushes to names have the same shape. */
import { serverNames, type Measure, type ServerName, type Workload } from '../contract.ts';
import { within } from '../deadline.ts';
import { openAll } from '../generator/connections.ts';
import { dialectOf } from '../generator/dialect.ts';
import type { RawConnection } from '../generator/raw-connection.ts';
import { FrameRing, messagesInRing } from '../generator/sequence.ts';
import { nameOf, textOf } from '../payload.ts';
import type { WithRig } from '../rig.ts';
import { withServer, type ServerProcess } from '../server-process.ts';
import type { Role } from '../servers/contract.ts';

const bytes = 128;
/** Before any is counted: the code has to be compiled. */
const warmUpDeliveries = 120_000;

/** Waits until all connections have all that was sent; a message too many is an error as well. */
export class Audience {
  #missing = 0;
  #finish = { resolve: (): void => {}, reject: (_error: Error): void => {} };

  constructor(connections: readonly RawConnection[], expected: (index: number) => FrameRing) {
    for (const [index, connection] of connections.entries()) {
      connection.expect(
        expected(index),
        (count) => this.#onMessages(count),
        (error) => this.#finish.reject(error),
      );
    }
  }

  /** Resolves when `count` more messages have come, over all connections. */
  receives(count: number): Promise<void> {
    this.#missing += count;
    return new Promise((resolve, reject) => {
      this.#finish = { resolve, reject };
    });
  }

  #onMessages(count: number): void {
    this.#missing -= count;
    if (this.#missing === 0) this.#finish.resolve();
    else if (this.#missing < 0) this.#finish.reject(new Error('more messages came than were sent'));
  }
}

interface Shape {
  readonly role: Role;
  readonly connections: number;
  /** Messages to each connection in one tick. */
  readonly together: number;
  /** Deliveries of the full run. */
  readonly deliveries: number;
}

/** What each connection has to receive. All see the same, unless each is pushed to by its name. */
function expectations(server: ServerName, role: Role): (index: number) => FrameRing {
  const { wrap } = dialectOf(server);
  const ring = (tag: string): FrameRing =>
    FrameRing.fromServer(Array.from({ length: messagesInRing }, (_, sequence) => wrap(textOf(sequence, bytes, tag))));
  const same = ring('');
  return role === 'stored' ? (index) => ring(nameOf(index)) : () => same;
}

/** The next messages are sent when the last ones have arrived everywhere. */
function withAudience({ role, connections: count, together }: Shape): WithRig {
  return (server, use) =>
    withServer(server, role, async (process) => {
      const connections = await openAll({ server, port: process.port, named: role === 'stored' }, count);
      try {
        const audience = new Audience(connections, expectations(server, role));
        let first = 0;
        const deliver = async (deliveries: number): Promise<number> => {
          const ticks = Math.ceil(deliveries / (count * together));
          await sendTicks(process, audience, { role, count, together, first, ticks });
          first += ticks;
          return ticks * together * count;
        };
        return await use({
          warmUp: async (share = 1) => void (await deliver(warmUpDeliveries * share)),
          async run(deliveries) {
            await process.begin();
            const checked = await deliver(deliveries);
            return { ...(await process.end()), checked };
          },
        });
      } finally {
        for (const connection of connections) connection.destroy();
      }
    });
}

/** Server CPU per delivery. */
function measureDeliveries(shape: Shape): Measure {
  // A short run of a few ticks would be one of chance.
  const least = 8 * shape.connections * shape.together;
  const withRig = withAudience(shape);
  return (server, { scale }) =>
    withRig(server, async (rig) => {
      await rig.warmUp(scale < 1 ? 0.5 : 1);
      const { cpuUs, checked } = await rig.run(Math.max(least, shape.deliveries * scale));
      return { value: cpuUs / checked, checked };
    });
}

interface Ticks {
  readonly role: Role;
  readonly count: number;
  readonly together: number;
  readonly first: number;
  readonly ticks: number;
}

async function sendTicks(process: ServerProcess, audience: Audience, plan: Ticks): Promise<void> {
  const { role, count, together } = plan;
  for (let tick = plan.first; tick < plan.first + plan.ticks; tick++) {
    const arrived = audience.receives(count * together);
    const from = (tick * together) % messagesInRing;
    if (role === 'stored') process.sendToEach({ sequence: from, names: count, bytes });
    else process.send({ from, count: together, bytes });
    await within(30_000, `message ${tick * together} at all ${count} connections`, arrived);
  }
}

function workload(
  about: Pick<Workload, 'name' | 'title' | 'when'>,
  shape: Shape,
  budgets: Workload['budgets'],
): Workload {
  return {
    ...about,
    unit: 'µs of server CPU per delivery',
    method:
      'Sent from outside any handler; the next when the last has arrived everywhere. ' +
      'Each connection compares every byte with what it has to receive.',
    servers: serverNames,
    budgets,
    measure: measureDeliveries(shape),
  };
}

function bothWithin(atMost: number, stretch?: number): Workload['budgets'] {
  const budget = { kind: 'ratio', atMost, ...(stretch === undefined ? {} : { stretch }) } as const;
  return { 'troupe-handlers': budget, 'troupe-machine': budget };
}

const toThousand: Shape = { role: 'broadcast', connections: 1_000, together: 1, deliveries: 300_000 };
export const withAudience1000 = withAudience(toThousand);

export const broadcast1000 = workload(
  { name: 'broadcast-1000', title: 'broadcast 128 B to 1 000 connections' },
  toThousand,
  bothWithin(0.85, 0.75),
);

export const broadcast5000 = workload(
  { name: 'broadcast-5000', title: 'broadcast 128 B to 5 000 connections', when: 'not in quick' },
  { role: 'broadcast', connections: 5_000, together: 1, deliveries: 300_000 },
  bothWithin(0.85, 0.75),
);

export const broadcast8 = workload(
  { name: 'broadcast-8', title: '8 broadcasts of 128 B in one tick to 1 000 connections' },
  { role: 'broadcast', connections: 1_000, together: 8, deliveries: 800_000 },
  bothWithin(0.15, 0.1),
);

export const pushStored = workload(
  { name: 'push-stored', title: 'push 128 B to each of 1 000 stored connections by name' },
  { role: 'stored', connections: 1_000, together: 1, deliveries: 300_000 },
  bothWithin(1.1),
);

export const pushGroup = workload(
  { name: 'push-group', title: 'push 128 B to a group of 1 000 connections' },
  { role: 'group', connections: 1_000, together: 1, deliveries: 300_000 },
  bothWithin(0.85),
);
