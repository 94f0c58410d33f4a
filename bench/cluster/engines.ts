/** A Redis or NATS server of a measurement's own: on a free port of 127.0.0.1, in a folder that goes with it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { within } from '../deadline.ts';
import { watch } from '../server-process.ts';
import { PeerMissing } from '../servers/peers.ts';

/** In ticks a second: what Linux counts in for programs, whatever the kernel's own clock. */
const ticksPerSecond = 100;
const patienceMs = 10_000;

/** Debian keeps servers where not everybody looks. */
const searchPath = `${process.env['PATH'] ?? ''}${delimiter}/usr/sbin`;

interface Kind {
  readonly program: string;
  readonly scheme: string;
  readonly args: (port: string, folder: string) => string[];
  /** What it writes when it takes connections. */
  readonly ready: string;
}

const kinds = {
  redis: {
    program: 'redis-server',
    scheme: 'redis',
    args: (port, dir) => ['--bind', '127.0.0.1', '--port', port, '--save', '', '--appendonly', 'no', '--dir', dir],
    ready: 'Ready to accept connections',
  },
  nats: {
    program: 'nats-server',
    scheme: 'nats',
    args: (port, folder) => ['-a', '127.0.0.1', '-p', port, '-js', '-sd', folder],
    ready: 'Server is ready',
  },
} as const satisfies Record<string, Kind>;

export type EngineName = keyof typeof kinds;

export interface Engine {
  readonly url: string;
  /** Processor time so far, in µs; undefined where the system does not say. */
  cpuUs(): number | undefined;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** @throws {PeerMissing} It is not installed. */
export async function startEngine(name: EngineName, path = searchPath): Promise<Engine> {
  const { program, scheme, args, ready }: Kind = kinds[name];
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const env = { ...process.env, PATH: path };
  const child = spawn(program, args(String(port), folder), { env, stdio: ['ignore', 'pipe', 'pipe'] });
  watch(child);
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      process.off('exit', end);
      rmSync(folder, { recursive: true, force: true });
      resolve();
    });
  });
  await within(patienceMs, `an answer of ${program}`, Promise.race([isReady(child, ready), hasFailed(child, program)]));
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    cpuUs: () => cpuUsOf(child.pid),
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function isReady(child: ChildProcess, sign: string): Promise<void> {
  return new Promise((resolve) => {
    let log = '';
    // It goes on writing: what is not read would stop it.
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        if (log.includes(sign)) return;
        log += text;
        if (log.includes(sign)) resolve();
      });
    }
  });
}

function hasFailed(child: ChildProcess, program: string): Promise<never> {
  return new Promise((_resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ENOENT' ? new PeerMissing(`${program} is not installed`, { cause: error }) : error),
    );
    child.once('exit', (code, signal) => reject(new Error(`${program} ended with ${signal ?? code}`)));
  });
}

function cpuUsOf(pid: number | undefined): number | undefined {
  if (process.platform !== 'linux' || pid === undefined) return undefined;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name stands in brackets, with whatever in it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [Number(fields[11]), Number(fields[12])];
  return ((user + system) / ticksPerSecond) * 1_000_000;
}
