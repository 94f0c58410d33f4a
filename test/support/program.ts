import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

export interface Program {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** What it wrote to its output, or to its errors, once that contains `text`. Rejects when it ends before. */
  printed(text: string): Promise<string>;
}

interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
}

/** Runs a program, which gets SIGTERM when the test ends. */
export function run(command: string, parameters: readonly string[], options: RunOptions = {}): Program {
  const program = launch(command, parameters, options);
  onTestFinished(async () => {
    program.child.kill('SIGTERM');
    await program.ended;
  });
  return program;
}

/** Runs a program that several tests share: whoever starts it ends it. */
export function launch(
  command: string,
  parameters: readonly string[],
  { cwd = root, env = {} }: RunOptions = {},
): Program {
  const child = spawn(command, parameters, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, output, errors }));
  return {
    child,
    ended,
    async printed(text) {
      while (!output.includes(text) && !errors.includes(text)) {
        const more = [once(child.stdout, 'data'), once(child.stderr, 'data')].map((heard) =>
          heard.then(() => undefined),
        );
        const end = await Promise.race([...more, ended]);
        if (end !== undefined) throw new Error(`ended with ${end.code}: ${end.output}${end.errors}`);
      }
      return output + errors;
    },
  };
}

/** Runs a program of this repository in TypeScript. */
export function runTypeScript(file: string, options: RunOptions = {}): Program {
  return run(process.execPath, ['--import', 'tsx', '--conditions=troupe-source', file], options);
}
