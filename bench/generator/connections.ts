/** Opens many connections, a bounded number at a time, from several source addresses. */
import type { ServerName } from '../contract.ts';
import { nameOf } from '../payload.ts';
import { dialectOf } from './dialect.ts';
import { RawConnection } from './raw-connection.ts';

/** How many are under way at once: the backlog of a listening socket is 511. */
const atOnce = 64;

/** One address has some 28 000 ports, and closed connections hold theirs for a minute. Only Linux has the whole net. */
export function sourceAddress(index: number): { localAddress?: string } {
  return process.platform === 'linux' ? { localAddress: `127.0.0.${1 + (index % 250)}` } : {};
}

export interface Target {
  readonly server: ServerName;
  readonly port: number;
  /** Each connection asks for the path that it is stored under. */
  readonly named?: boolean;
}

export function openOne({ server, port, named = false }: Target, index: number): RawConnection {
  return new RawConnection({
    port,
    dialect: dialectOf(server),
    label: nameOf(index),
    name: named ? nameOf(index) : '',
    ...sourceAddress(index),
  });
}

/** Calls `each` for 0 to `count - 1`, at most `parallel` at a time. */
export async function inParallel(
  count: number,
  parallel: number,
  each: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await each(next++);
  };
  await Promise.all(Array.from({ length: Math.min(parallel, count) }, lane));
}

export async function openAll(target: Target, count: number): Promise<RawConnection[]> {
  const connections: RawConnection[] = [];
  await inParallel(count, atOnce, async (index) => {
    const connection = openOne(target, index);
    connections[index] = connection;
    await connection.opened;
  });
  return connections;
}
