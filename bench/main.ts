/**
 * A run: takes the options that start.ts has checked, measures, reports. It is
 * the generator as well, compiled, and pinned where the system can.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { allServerNames, type Results, type WorkloadResult } from './contract.ts';
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

/** What is measured so far is here, however the run ends. */
const soFar = fileURLToPath(new URL('../results.json', import.meta.url));

function save(results: Results, file: string): void {
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
}

async function run(options: Options): Promise<Results> {
  const files = [soFar, ...(options.json === undefined ? [] : [options.json])];
  const about = {
    date: new Date().toISOString().slice(0, 10),
    quick: options.quick,
    rounds: options.rounds,
    machine: describeMachine(isPinned),
    versions: versions(),
  };
  const measured: WorkloadResult[] = [];
  for (const workload of chosen(options)) {
    const results = await runWorkload(workload, {
      rounds: options.rounds,
      servers: options.servers ?? allServerNames,
      options: { scale: options.quick ? quickScale : 1, onProgress: progress },
    });
    measured.push(...results);
    for (const file of files) save({ ...about, unfinished: true, workloads: measured }, file);
  }
  if (process.stderr.isTTY) process.stderr.write('\r\u001B[K');
  const results = { ...about, workloads: measured };
  for (const file of files) save(results, file);
  return results;
}

const options = readOptions(
  process.argv.slice(2),
  workloads.map(({ name }) => name),
);
const results = await run(options);
process.stdout.write(`\n${terminalReport(results)}`);
if (options.write) writeReport(results, fileURLToPath(new URL('../../', import.meta.url)));
const failures = failuresIn(results.workloads);
for (const failure of failures) process.stderr.write(`FAILED ${failure}\n`);
process.exit(failures.length === 0 ? 0 : 1);
