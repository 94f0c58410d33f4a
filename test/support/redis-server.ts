import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { has, temporaryFolder } from './guide.ts';
import { freePort } from './nginx.ts';

/** Whether there is a program; without it its tests are skipped, and say so. */
export function isMissing(...programs: readonly string[]): boolean {
  const missing = programs.filter((program) => !has(program));
  // oxlint-disable-next-line no-console -- so that a run tells what it did not test
  if (missing.length > 0) console.warn(`Not tested, for lack of ${missing.join(', ')}: see .ci/run.`);
  return missing.length > 0;
}

export interface Engine {
  readonly port: number;
  readonly url: string;
  readonly child: ChildProcess;
  /** Ends it and removes its folder, whatever was done to it before. */
  stop(): Promise<void>;
}

interface StartOptions {
  port?: number;
  parameters?: readonly string[];
}

/** A Redis of its own on 127.0.0.1, that writes nothing to disk. Resolves when it answers. */
export async function startRedis({ port, parameters = [] }: StartOptions = {}): Promise<Engine> {
  const at = port ?? (await freePort());
  const settings = ['--port', String(at), '--save', '', '--appendonly', 'no', ...parameters];
  const isReplica = parameters.includes('--replicaof');
  return start('redis-server', settings, at, isReplica ? 'sync: Finished with success' : 'Ready to accept connections');
}

/** A program of Redis in a temporary folder, once it has printed `ready`. */
export async function start(
  command: string,
  parameters: readonly string[],
  port: number,
  ready: string,
  prepare?: (folder: string) => void,
): Promise<Engine> {
  const { folder, remove } = temporaryFolder();
  prepare?.(folder);
  const child = spawn(command, [...parameters, '--bind', '127.0.0.1', '--dir', folder, '--daemonize', 'no'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    remove();
  };
  let output = '';
  for await (const chunk of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    output += String(chunk);
    if (output.includes(ready)) {
      child.stdout.resume();
      return { port, url: `redis://127.0.0.1:${port}`, child, stop };
    }
  }
  await stop();
  throw new Error(`${command} ended: ${output}`);
}
