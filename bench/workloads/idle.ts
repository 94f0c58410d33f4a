/** What a connection that says nothing costs in memory. */
import { serverNames, type RunOptions, type Sample, type ServerName, type Workload } from '../contract.ts';
import { openAll } from '../generator/connections.ts';
import { openFilesLimit } from '../machine.ts';
import { withServer } from '../server-process.ts';

const connections = 10_000;
/** Opened and closed before, so that code and pools are there already. */
const warmUp = 500;
/** Files that a process has open beside its connections. */
const otherFiles = 200;

async function measureIdle(server: ServerName, { scale, onProgress }: RunOptions): Promise<Sample> {
  const wanted = Math.max(2_000, connections * scale);
  const count = Math.min(wanted, openFilesLimit() - otherFiles);
  if (count < wanted)
    onProgress(`idle: only ${count} connections, as the limit of open files has no room for ${wanted}`);
  return withServer(server, 'echo', async (process) => {
    const target = { server, port: process.port };
    const early = await openAll(target, warmUp);
    await Promise.all(early.map((connection) => connection.close()));
    const before = await process.memory();
    const open = await openAll(target, count);
    const after = await process.memory();
    for (const connection of open) connection.destroy();
    return {
      value: (after.rssKiB - before.rssKiB) / count,
      extra: {
        heapKiB: (after.heapKiB - before.heapKiB) / count,
        externalKiB: (after.externalKiB - before.externalKiB) / count,
        connections: count,
      },
      checked: count,
    };
  });
}

export const idle: Workload = {
  name: 'idle',
  title: 'an idle connection, resident memory with 10 000 of them (2 000 in a quick run)',
  unit: 'KiB of RSS per connection',
  method:
    'Resident memory after garbage collection with all connections open, less that before, in a process that has ' +
    'served 500 others already.',
  servers: serverNames,
  budgets: {
    'troupe-handlers': { kind: 'difference', atMost: 2.5, stretch: 1.5 },
    'troupe-machine': { kind: 'difference', atMost: 4.5, stretch: 3.5 },
  },
  measure: measureIdle,
};
