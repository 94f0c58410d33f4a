/** What the run is made on: processors, memory, limits. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import type { Results } from './contract.ts';

/** Processor cores for the servers and for the generator. */
export interface Pins {
  readonly server: number;
  readonly generator: number;
}

/** The numbers in a list such as `0-3,8`. */
export function coresIn(list: string): number[] {
  return list.split(',').flatMap((part) => {
    const [first = Number.NaN, last = first] = part.split('-').map(Number);
    return Number.isInteger(first) ? Array.from({ length: last - first + 1 }, (_, index) => first + index) : [];
  });
}

/** One core each; undefined where there is no `taskset` or only one core. */
export function coresToPin(): Pins | undefined {
  if (spawnSync('taskset', ['--version']).status !== 0) return undefined;
  const status = readFileSync('/proc/self/status', 'utf8');
  const cores = coresIn(/^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '');
  const [server, generator] = [cores[0], cores.at(-1)];
  return server === undefined || generator === undefined || server === generator ? undefined : { server, generator };
}

/** How many files, and so sockets, one process may have open. Node.js raises the soft limit by itself. */
export function openFilesLimit(): number {
  const { stdout } = spawnSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' });
  const limit = Number(stdout.trim());
  return Number.isInteger(limit) ? limit : Number.POSITIVE_INFINITY;
}

export function describeMachine(pinned: boolean): Results['machine'] {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    // What a distribution or a host appends says nothing about the figures.
    system: `${type()} ${/^\d+\.\d+/.exec(release())?.[0] ?? release()}`,
    pinned,
  };
}
