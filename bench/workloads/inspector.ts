/** What does the inspector cost: while nobody looks, for those that nobody watches, and for the one that is watched? */
import type { RunOptions, Sample, ServerName, Workload } from '../contract.ts';
import { everyTick } from '../crowd/pace.ts';
import { Child } from '../crowd/process.ts';
import { within } from '../deadline.ts';
import { median } from '../figures.ts';
import { openAll, openOne } from '../generator/connections.ts';
import type { RawConnection } from '../generator/raw-connection.ts';
import type { InspectedCommands } from '../inspected/server.ts';
import { Viewer } from '../inspected/viewer.ts';
import { Echo } from './echo.ts';

const TOKEN = 'token-of-the-benchmark';
const CONNECTIONS = 100;
const IN_FLIGHT = 16;
const SLICES = 9;
/** On each connection. */
const PER_SLICE = 1_000;
const WARM_UP = 1_200;
/** To the one connection that is watched, in its own time: beyond a share of each second events are left out. */
const WATCHED_PER_SECOND = 500;
const WATCHED = 2_000;
const PATIENCE_MS = 60_000;

const budgets: Workload['budgets'] = {
  'troupe-handlers': { kind: 'self', atMost: 1.05 },
  'troupe-machine': { kind: 'self', atMost: 1.05 },
};

export const inspector: Workload = {
  name: 'inspector',
  title: 'echo-16 while a viewer watches another connection',
  unit: 'µs of server CPU per message, while a viewer watches / while there is none',
  method:
    'Two Troupes in one process, one of which has an inspector: slices of 100 000 messages to the one without, to the ' +
    'other while nobody looks, and while a viewer watches one silent connection there, in turns that begin with each ' +
    'of the three as often; medians of 9. ' +
    '`watched` is the one that is watched: 2 000 messages at 500/s, with and without the viewer; `frameUs` is the ' +
    'difference by the frames that the viewer gets, of which none may be left out. Every message is compared.',
  servers: ['troupe-handlers', 'troupe-machine'],
  budgets,
  figures: [
    {
      name: 'inspector-detached',
      title: 'echo-16 with an inspector that nobody looks at',
      unit: 'µs of server CPU per message, with the option / without it',
      of: 'detached',
      budgets,
    },
  ],
  measure,
};

async function measure(server: ServerName, { scale }: RunOptions): Promise<Sample> {
  const child = new Child<InspectedCommands>(new URL('../inspected/server.js', import.meta.url), [server]);
  const opened: RawConnection[] = [];
  try {
    const ports = await child.ask('listen', TOKEN);
    // The first one: it is the one that viewers find first.
    const watched = openOne({ server, port: ports.inspected }, CONNECTIONS);
    opened.push(watched);
    await watched.opened;
    const [plain, inspected] = await Promise.all(
      [ports.plain, ports.inspected].map(async (port) => {
        const connections = await openAll({ server, port }, CONNECTIONS);
        opened.push(...connections);
        return connections.map((connection, index) => new Echo(server, connection, index, IN_FLIGHT));
      }),
    );
    let checked = 0;
    const cost = async (count: number, run: () => Promise<unknown>): Promise<number> => {
      await child.ask('begin');
      await within(PATIENCE_MS, 'all messages', run());
      checked += count;
      return (await child.ask('end')) / count;
    };
    const each = Math.ceil(PER_SLICE * (scale < 1 ? 0.5 : 1));
    const slice = (echoes: readonly Echo[]): Promise<number> =>
      cost(each * CONNECTIONS, () => Promise.all(echoes.map((echo) => echo.run(each))));
    for (const echoes of [plain!, inspected!]) await Promise.all(echoes.map((echo) => echo.run(WARM_UP)));

    const costs = { without: [] as number[], detached: [] as number[], attached: [] as number[] };
    const attached = async (): Promise<number> => {
      const viewer = await Viewer.open(ports.inspected, TOKEN);
      await viewer.watchFirst();
      const costUs = await slice(inspected!);
      await viewer.close();
      return costUs;
    };
    const turn = [
      async () => costs.without.push(await slice(plain!)),
      async () => costs.detached.push(await slice(inspected!)),
      async () => costs.attached.push(await attached()),
    ];
    for (let number = 0; number < SLICES; number++) {
      // Each begins as often as the others: what comes first in a turn finds another heap.
      const first = number % turn.length;
      for (const measureOne of [...turn.slice(first), ...turn.slice(0, first)]) await measureOne();
    }
    const [withoutUs, detachedUs, attachedUs] = [costs.without, costs.detached, costs.attached].map(median);

    const echo = new Echo(server, watched, CONNECTIONS, 1);
    const count = Math.ceil(WATCHED * scale);
    const paced = (): Promise<number> => cost(count, () => everyTick(WATCHED_PER_SECOND, count, () => echo.run(1)));
    const alone = await paced();
    const viewer = await Viewer.open(ports.inspected, TOKEN);
    await viewer.watchFirst();
    const seen = await paced();
    await viewer.caughtUp();
    await viewer.close();
    if (viewer.doings === 0 || viewer.dropped > 0)
      throw new Error(`the viewer got ${viewer.doings} frames, and ${viewer.dropped} events were left out`);
    return {
      value: attachedUs! / detachedUs!,
      extra: {
        detached: detachedUs! / withoutUs!,
        withoutUs: withoutUs!,
        detachedUs: detachedUs!,
        attachedUs: attachedUs!,
        watchedUs: seen,
        unwatchedUs: alone,
        framesPerMessage: viewer.doings / count,
        frameUs: ((seen - alone) * count) / viewer.doings,
      },
      checked,
    };
  } finally {
    for (const connection of opened) connection.destroy();
    await child.stop();
  }
}
