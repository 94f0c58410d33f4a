/** The process that starts workers: forks them with `node:cluster`, and hears signals. */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { TroupeError } from '../errors.ts';
import type { Surroundings } from './command.ts';
import { Crew } from './crew.ts';
import { ForkedWorker } from './forked-worker.ts';
import type { ServeSettings } from './serve.ts';

/** Where a worker learns which port was found to be free. */
const PORT = 'TROUPE_WORKER_PORT';

/** How much longer than its drain a worker may take to end. */
const GRACE_MS = 5000;

/** The port that the process that started this one tells it to share. */
export function workerPort(): number | undefined {
  const text = process.env[PORT];
  return text === undefined ? undefined : Number(text);
}

/** Resolves with the exit code when all workers have ended. */
export async function serveInWorkers(
  count: number,
  { host, port, drainMs }: ServeSettings,
  { stdout, stderr }: Surroundings,
): Promise<number> {
  const environment = { [PORT]: String(await freePort(host, port)) };
  const crew = new Crew({
    count,
    fork: () => new ForkedWorker(cluster.fork(environment)),
    after(ms, then) {
      const timer = setTimeout(then, ms);
      return () => clearTimeout(timer);
    },
    now: () => performance.now(),
    endWithinMs: drainMs + GRACE_MS,
    announce: (url) => stdout.write(`Listens on ${url} with ${count} ${count === 1 ? 'worker' : 'workers'}\n`),
    report: (text) => stderr.write(`${text}\n`),
  });

  const restart = (): void => void crew.restart();
  const end = (): void => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.off(signal, end);
      process.on(signal, () => {
        crew.kill();
        // The rest is what the signal does by itself.
        process.removeAllListeners(signal);
        process.kill(process.pid, signal);
      });
    }
    crew.end();
  };
  process.on('SIGTERM', end).on('SIGINT', end).on('SIGHUP', restart);
  return crew.run();
}

/** Settles which port it is before any worker asks: each would get another one for 0. */
async function freePort(host: string, port: number): Promise<number> {
  const server = createServer();
  const listening = once(server, 'listening');
  server.listen(port, host);
  try {
    await listening;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') return port;
    throw new TroupeError('TROUPE_ADDRESS_IN_USE', { host, port }, { cause: error });
  }
  const { port: found } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return found;
}
