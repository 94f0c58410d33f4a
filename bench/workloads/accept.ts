/** Connecting, upgrading, closing: the cost of one connection from its first byte to its last. */
import { serverNames, type RunOptions, type Sample, type ServerName, type Workload } from '../contract.ts';
import { within } from '../deadline.ts';
import { inParallel, openOne } from '../generator/connections.ts';
import type { WithRig } from '../rig.ts';
import { withServer } from '../server-process.ts';

const connections = 6_000;
/** The cost of these is `coldUs`. */
const cold = 500;
/** After these, and not before, a connection costs what it will go on costing: what runs once for each is compiled late. */
const warmUp = 5_000;
const atOnce = 32;

/** Each connection comes from the next address, also from one run to the next: ports are held for a while. */
export const withVisitors: WithRig = (server, use) =>
  withServer(server, 'echo', async (process) => {
    const target = { server, port: process.port };
    let first = 0;
    const openAndClose = async (count: number): Promise<void> => {
      const from = first;
      first += count;
      await inParallel(count, atOnce, async (index) => {
        const connection = openOne(target, from + index);
        await connection.opened;
        await connection.close();
      });
    };
    return use({
      warmUp: () => within(30_000, 'the warm-up', openAndClose(warmUp)),
      async run(count) {
        const checked = Math.round(count);
        await process.begin();
        await within(120_000, 'all close handshakes', openAndClose(checked));
        return { ...(await process.end()), checked };
      },
    });
  });

function measureAccept(server: ServerName, { scale }: RunOptions): Promise<Sample> {
  return withVisitors(server, async (rig) => {
    const first = await rig.run(cold);
    await rig.warmUp();
    const { cpuUs, checked } = await rig.run(connections * Math.max(scale, 0.3));
    return { value: cpuUs / checked, extra: { coldUs: first.cpuUs / first.checked }, checked: checked + first.checked };
  });
}

export const accept: Workload = {
  name: 'accept',
  title: 'connect, upgrade and close handshake',
  unit: 'µs of server CPU per connection',
  method:
    'Thirty-two at a time: TCP, the upgrade with its accept key checked, a close frame from the client, ' +
    'its answer, and the end of the TCP connection by the server. Counted after 5 500 others; `coldUs` is what each ' +
    'of the first 500 costs in a new process.',
  servers: serverNames,
  budgets: {
    'troupe-handlers': { kind: 'ratio', atMost: 1.2, stretch: 0.95 },
    'troupe-machine': { kind: 'ratio', atMost: 1.2, stretch: 0.95 },
  },
  measure: measureAccept,
};
