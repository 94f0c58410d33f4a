/** `troupe start <module>`: serves what a module exports, in this process or in several. */
import cluster from 'node:cluster';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { UsageError, type Command } from './command.ts';
import { serve, type ServeSettings } from './serve.ts';
import { serveInWorkers, workerPort } from './workers.ts';

const MAX_WORKERS = 1024;

export const start: Command = {
  summary: 'Serves the services that a module exports, in one process or several.',
  usage: `Usage: troupe start <module> [options]

Serves, over HTTP and WebSocket, the services that <module> exports by themselves
or in arrays, or what its default export says: options of createTroupe(), or a
function that returns them. TypeScript needs tsx in the project of the module.

SIGTERM and SIGINT close it, a second one ends it at once. With --workers, SIGHUP
starts the workers anew, one after another.

Options:
  -p, --port <port>        where to listen; 0 takes a free one (default: 9090)
      --host <address>     the address to bind (default: 127.0.0.1; 0.0.0.0 or :: for all)
  -w, --workers <n>|auto   serve in n processes that share the port, auto for one
                           for each processor, and replace those that die
      --redis <url>        join nodes over Redis, redis://127.0.0.1:6379 for example
      --nats <servers>     join nodes over NATS: one address or several, with commas
      --drain <ms>         how long closing may take (default: 10000)
      --health <path>      answer GET <path> with 200 or 503, and the health as JSON
      --inspector          serve the inspector, and print its address
  -h, --help               show this
`,
  async run(args, surroundings) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        port: { type: 'string', short: 'p', default: '9090' },
        host: { type: 'string', default: '127.0.0.1' },
        workers: { type: 'string', short: 'w' },
        redis: { type: 'string' },
        nats: { type: 'string' },
        drain: { type: 'string', default: '10000' },
        health: { type: 'string' },
        inspector: { type: 'boolean', default: false },
      },
    });
    const [module, ...more] = positionals;
    if (module === undefined || more.length > 0) throw new UsageError('Name one module.');
    const { host, redis, nats, health, inspector } = values;
    if (redis !== undefined && nats !== undefined) throw new UsageError('Choose one of --redis and --nats.');
    if (health !== undefined && !health.startsWith('/')) {
      throw new UsageError(`"${health}" is no path. Write --health /health.`);
    }
    const workers = values.workers === undefined ? undefined : workersOf(values.workers);
    if (inspector && workers !== undefined && workers > 1) {
      throw new UsageError('--inspector shows one process, and with several workers not always the same.');
    }
    const settings: ServeSettings = {
      module,
      host,
      port: numberOf(values.port, 65_535, 'port'),
      drainMs: numberOf(values.drain, 2 ** 31 - 1, 'time in ms'),
      isAlone: workers === undefined || workers === 1,
      redis,
      nats: nats?.split(',').filter((server) => server !== ''),
      health,
      inspector,
    };
    if (workers === undefined) return serve(settings, surroundings);
    if (cluster.isPrimary || workerPort() === undefined) return serveInWorkers(workers, settings, surroundings);
    return serve({ ...settings, port: workerPort() ?? settings.port }, surroundings);
  },
};

function workersOf(text: string): number {
  const count = text === 'auto' ? availableParallelism() : numberOf(text, MAX_WORKERS, 'number of workers');
  if (count === 0) throw new UsageError('There has to be a worker.');
  return count;
}

function numberOf(text: string, max: number, what: string): number {
  if (!/^\d{1,10}$/.test(text) || Number(text) > max) throw new UsageError(`"${text}" is no ${what}.`);
  return Number(text);
}
