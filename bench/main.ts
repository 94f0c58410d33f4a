/**
 * A run: takes the options that start.ts has checked, measures, reports. It is
 * the generator as well, compiled, and pinned where the system can.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { serverNames, type Results, type WorkloadResult } from './contract.ts';
import { describeMachine } from './machine.ts';
import { readOptions, type Options } from './options.ts';
import { terminalReport } from './report/terminal.ts';
import { writeReport } from './report/write.ts';
import { failuresIn, runWorkload } from './rounds.ts';
import { isPinned } from './server-process.ts';
import { versions } from './versions.ts';
import { workloads } from './workloads/index.ts';

/** How much of the full count a quick run does. */
const quickScale = 0.1;

function chosen({ workloads: names, quick }: Options): typeof workloads {
  if (names !== undefined) return workloads.filter(({ name }) => names.includes(name));
  return workloads.filter(({ when = 'always' }) => when === 'always' || (when === 'not in quick' && !quick));
}

const startedAt = performance.now();

/** One line that is written over; a log file gets a line each. */
function progress(text: string): void {
  const line = `${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${text}`;
  process.stderr.write(process.stderr.isTTY ? `\r\u001B[K${line}` : `${line}\n`);
}

async function run(options: Options): Promise<Results> {
  const results: WorkloadResult[] = [];
  for (const workload of chosen(options)) {
    const measured = await runWorkload(workload, {
      rounds: options.rounds,
      servers: options.servers ?? serverNames,
      options: { scale: options.quick ? quickScale : 1, onProgress: progress },
    });
    results.push(...measured);
  }
  if (process.stderr.isTTY) process.stderr.write('\r\u001B[K');
  return {
    date: new Date().toISOString().slice(0, 10),
    quick: options.quick,
    rounds: options.rounds,
    machine: describeMachine(isPinned),
    versions: versions(),
    workloads: results,
  };
}

const options = readOptions(
  process.argv.slice(2),
  workloads.map(({ name }) => name),
);
const results = await run(options);
process.stdout.write(`\n${terminalReport(results)}`);
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`);
if (options.write) writeReport(results, fileURLToPath(new URL('../../', import.meta.url)));
const failures = failuresIn(results.workloads);
for (const failure of failures) process.stderr.write(`FAILED ${failure}\n`);
process.exit(failures.length === 0 ? 0 : 1);
