/** A server under test in a process of its own, on a core of its own where the system can pin. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ServerName } from './contract.ts';
import type { Command, Memory, Reply, Role, SendOrder, SendToEachOrder, Spent } from './servers/contract.ts';
import { PeerMissing } from './servers/peers.ts';

/** Set by whoever starts the run (start.ts), as the run itself is pinned already and sees one core only. */
const serverCore = process.env['BENCH_SERVER_CORE'];

/** For profiles: `BENCH_NODE_FLAGS=--cpu-prof npm run bench -- …`. */
const nodeFlags = (process.env['BENCH_NODE_FLAGS'] ?? '').split(' ').filter((flag) => flag !== '');

export const isPinned = serverCore !== undefined;

const running = new Set<ChildProcess>();

/** Ends what a measurement that failed has left behind. */
export async function endAllProcesses(): Promise<void> {
  const exits = [...running].map((child) => once(child, 'exit'));
  for (const child of running) child.kill('SIGKILL');
  await Promise.all(exits);
}

/** `endAllProcesses` ends it as well. */
export function watch(child: ChildProcess): void {
  child.once('spawn', () => running.add(child)).once('exit', () => running.delete(child));
}

/** A compiled program as plain Node.js with `--expose-gc` and a channel for messages. */
export function forkPinned(program: URL, args: readonly string[], core = serverCore): ChildProcess {
  const command = [process.execPath, '--expose-gc', ...nodeFlags, fileURLToPath(program), ...args];
  const [file = '', ...rest] = core === undefined ? command : ['taskset', '-c', core, ...command];
  const child = spawn(file, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  watch(child);
  return child;
}

/** It leaves by itself when the channel closes, so that a profile is written. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  if (child.connected) child.disconnect();
  const patience = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await exited;
  clearTimeout(patience);
}

type ReplyOf<Kind extends Reply['reply']> = Extract<Reply, { reply: Kind }>;

export class ServerProcess {
  readonly #child: ChildProcess;
  #port = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** @throws {PeerMissing} The server cannot run here. */
  static async start(server: ServerName, role: Role): Promise<ServerProcess> {
    const started = new ServerProcess(forkPinned(new URL('servers/main.js', import.meta.url), [server, role]));
    const { port } = await started.#next('ready').catch(async (error: unknown) => {
      await started.stop();
      throw error;
    });
    started.#port = port;
    return started;
  }

  get port(): number {
    return this.#port;
  }

  /** From here on processor time counts. */
  async begin(): Promise<void> {
    await this.#ask({ command: 'begin' }, 'begun');
  }

  /** What was spent since `begin`. */
  end(): Promise<Spent> {
    return this.#ask({ command: 'end' }, 'spent');
  }

  /** After garbage collection. */
  memory(): Promise<Memory> {
    return this.#ask({ command: 'memory' }, 'memory');
  }

  send(order: SendOrder): void {
    this.#child.send({ command: 'send', ...order } satisfies Command);
  }

  sendToEach(order: SendToEachOrder): void {
    this.#child.send({ command: 'sendToEach', ...order } satisfies Command);
  }

  stop(): Promise<void> {
    return stopProcess(this.#child);
  }

  #ask<Kind extends Reply['reply']>(command: Command, kind: Kind): Promise<ReplyOf<Kind>> {
    const reply = this.#next(kind);
    this.#child.send(command);
    return reply;
  }

  #next<Kind extends Reply['reply']>(kind: Kind): Promise<ReplyOf<Kind>> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#child.off('message', onMessage).off('exit', onExit).off('error', reject);
      };
      const onExit = (code: number | null, signal: string | null): void => {
        settle();
        reject(new Error(`the server's process ended (${signal ?? `exit code ${code}`}) before it answered "${kind}"`));
      };
      const onMessage = (reply: Reply): void => {
        if (reply.reply === 'unavailable') {
          settle();
          reject(new PeerMissing(reply.reason));
        } else if (reply.reply === kind) {
          settle();
          resolve(reply as ReplyOf<Kind>);
        }
      };
      this.#child.on('message', onMessage).on('exit', onExit).on('error', reject);
    });
  }
}

/** Runs `body` with a server, which is gone when it ends. */
export async function withServer<T>(
  server: ServerName,
  role: Role,
  body: (process: ServerProcess) => Promise<T>,
): Promise<T> {
  const started = await ServerProcess.start(server, role);
  try {
    return await body(started);
  } finally {
    await started.stop();
  }
}
