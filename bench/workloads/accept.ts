/** Connecting, upgrading, closing: the cost of one connection from its first byte to its last. */
import { serverNames, type RunOptions, type Sample, type ServerName, type Workload } from '../contract.ts';
import { within } from '../deadline.ts';
import { inParallel, openOne } from '../generator/connections.ts';
import { withServer } from '../server-process.ts';

const connections = 6_000;
/** Before any is counted: the code has to be compiled. */
const warmUp = 1_000;
const atOnce = 32;

async function measureAccept(server: ServerName, { scale }: RunOptions): Promise<Sample> {
  return withServer(server, 'echo', async (process) => {
    const target = { server, port: process.port };
    const openAndClose = (count: number, first: number): Promise<void> =>
      inParallel(count, atOnce, async (index) => {
        const connection = openOne(target, first + index);
        await connection.opened;
        await connection.close();
      });
    const checked = Math.round(connections * Math.max(scale, 0.2));
    await within(30_000, 'the warm-up', openAndClose(warmUp, 0));
    await process.begin();
    await within(120_000, 'all close handshakes', openAndClose(checked, warmUp));
    const { cpuUs } = await process.end();
    return { value: cpuUs / checked, checked };
  });
}

export const accept: Workload = {
  name: 'accept',
  title: 'connect, upgrade and close handshake',
  unit: 'µs of server CPU per connection',
  method:
    'Thirty-two at a time: TCP, the upgrade with its accept key checked, a close frame from the client, ' +
    'its answer, and the end of the TCP connection by the server.',
  servers: serverNames,
  budgets: {
    'troupe-handlers': { kind: 'ratio', atMost: 1.2, stretch: 0.95 },
    'troupe-machine': { kind: 'ratio', atMost: 1.2, stretch: 0.95 },
  },
  measure: measureAccept,
};
