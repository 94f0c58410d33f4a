/**
 * `npm run bench` and `npm run bench:guard`: installs the peers when they are missing or others, compiles
 * the package and the benchmark, and starts the run on a core of its own.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { coresToPin } from './machine.ts';
import { readOptions, usage, UsageError } from './options.ts';
import { merged } from './report/merge.ts';
import { readResults, writeReport } from './report/write.ts';
import { workloads } from './workloads/index.ts';

const bench = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));

function run(command: string, args: readonly string[], cwd: string, env = process.env): void {
  const { status, signal, error } = spawnSync(command, args, { cwd, env, stdio: 'inherit' });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? (signal === null ? 1 : 130));
}

function same(one: string, other: string): boolean {
  return existsSync(one) && existsSync(other) && readFileSync(one, 'utf8') === readFileSync(other, 'utf8');
}

/** The lock file of the last install lies beside what was installed. */
function installPeers(): void {
  const lock = join(bench, 'package-lock.json');
  const installed = join(bench, 'node_modules', 'installed-lock.json');
  if (same(lock, installed)) return;
  run('npm', ['ci', '--no-audit', '--no-fund'], bench);
  copyFileSync(lock, installed);
}

/** Types are `npm run check`'s business. */
function compile(): void {
  run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', bench, '--noCheck'], root);
}

function startRun(program: string, args: readonly string[]): void {
  const node = [process.execPath, join(bench, 'dist', 'bench', program), ...args];
  const pins = coresToPin();
  const [file = '', ...rest] = pins === undefined ? node : ['taskset', '-c', String(pins.generator), ...node];
  run(file, rest, root, pins === undefined ? process.env : { ...process.env, BENCH_SERVER_CORE: String(pins.server) });
}

function report(files: readonly string[]): void {
  const read = (files.length === 0 ? [join(bench, 'results.json')] : files).map(readResults);
  writeReport(merged(read), bench);
}

const args = process.argv.slice(2);
if (args[0] === 'guard') {
  compile();
  startRun('guard.js', args.slice(1));
} else {
  const names = workloads.map(({ name }) => name);
  try {
    const options = readOptions(args, names);
    if (options.help) process.stdout.write(usage(names));
    else if (options.report !== undefined) report(options.report);
    else {
      installPeers();
      compile();
      startRun('main.js', args);
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n\n${usage(names)}`);
    process.exit(2);
  }
}
