/**
 * `npm run bench:guard`: whether the delivery path has become slower, in less
 * than a minute. It needs `ws` and Troupe only, no peer.
 *
 * A ratio to bare ws of the same minute is compared with the one recorded in
 * guard.json; `-- --record` writes that anew, after a change that is meant.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { ServerName } from './contract.ts';
import { mean } from './figures.ts';
import { decide, margin, ratiosOf, recordable, type Check, type Ratios } from './guard-limits.ts';
import type { WithRig } from './rig.ts';
import { measureSlices } from './slices.ts';
import { withVisitors } from './workloads/accept.ts';
import { withAudience1000 } from './workloads/broadcast.ts';
import { withEchoes16 } from './workloads/echo.ts';

interface Subject {
  /** As the workload is called. */
  readonly name: string;
  readonly servers: readonly ServerName[];
  readonly withRig: WithRig;
  /** A slice takes some 20 to 100 ms: less would be nothing but its beginning and its end. */
  readonly perSlice: number;
  readonly slices: number;
  /** How often the servers are started anew: what V8 makes of the code differs from process to process. */
  readonly processes: number;
}

const both: readonly ServerName[] = ['troupe-handlers', 'troupe-machine'];
const subjects: readonly Subject[] = [
  { name: 'echo-16', servers: both, withRig: withEchoes16, perSlice: 20_000, slices: 14, processes: 1 },
  {
    name: 'broadcast-1000',
    // The machine has no part in it.
    servers: ['troupe-handlers'],
    withRig: withAudience1000,
    perSlice: 10_000,
    slices: 20,
    processes: 1,
  },
  { name: 'accept', servers: both, withRig: withVisitors, perSlice: 300, slices: 10, processes: 2 },
];
const tries = 3;
/** The last try does not begin after this, and no slice of a subject after that: a busy machine takes its time. */
const patience = { lastTryMs: 80_000, sliceMs: 6_000 };
const recordings = 5;
/** In bench/, not in bench/dist/bench/. */
const file = new URL('../../guard.json', import.meta.url);

async function measure({ servers, processes, ...subject }: Subject): Promise<Ratios[string]> {
  const each: Ratios[string][] = [];
  for (let process = 0; process < processes; process++) {
    const plan = { ...subject, patienceMs: patience.sliceMs / processes };
    each.push(ratiosOf(await measureSlices(['ws', ...servers], plan)));
  }
  return Object.fromEntries(
    servers.map((server) => [server, mean(each.map((ratios) => ratios[server] ?? Number.NaN))]),
  );
}

async function measureAll(some: readonly Subject[]): Promise<Ratios> {
  const ratios: Record<string, Ratios[string]> = {};
  for (const subject of some) ratios[subject.name] = await measure(subject);
  return ratios;
}

async function record(): Promise<void> {
  const measured: Ratios[] = [];
  for (let count = 0; count < recordings; count++) {
    measured.push(await measureAll(subjects));
    console.log(measured.at(-1));
  }
  const ratio = (name: string, server: ServerName): number =>
    Math.round(recordable(measured.flatMap((one) => one[name]?.[server] ?? [])) * 1000) / 1000;
  const recorded = Object.fromEntries(
    subjects.map(({ name, servers }) => [
      name,
      Object.fromEntries(servers.map((server) => [server, ratio(name, server)])),
    ]),
  );
  writeFileSync(file, `${JSON.stringify(recorded, null, 2)}\n`);
  console.log('recorded', recorded);
}

function tell({ workload, server, recorded, best, limit, passed }: Check): void {
  const figure = best === undefined ? 'not measured' : `${best.toFixed(2)} × ws`;
  console.log(
    `${passed ? 'ok  ' : 'SLOW'} ${workload}, ${server}: ${figure}, recorded ${recorded.toFixed(2)}, limit ${limit.toFixed(2)}`,
  );
}

async function guard(): Promise<boolean> {
  const recorded = JSON.parse(readFileSync(file, 'utf8')) as Ratios;
  const measured: Ratios[] = [];
  const start = performance.now();
  let checks = decide(recorded, measured);
  while (
    checks.some(({ passed }) => !passed) &&
    measured.length < tries &&
    (measured.length < tries - 1 || performance.now() - start < patience.lastTryMs)
  ) {
    // Only what is in doubt, so that three tries fit into the time.
    const isInDoubt = (name: string): boolean => checks.some((check) => check.workload === name && !check.passed);
    measured.push(await measureAll(subjects.filter(({ name }) => isInDoubt(name))));
    checks = decide(recorded, measured);
  }
  for (const check of checks) tell(check);
  const passed = checks.every((check) => check.passed);
  const seconds = Math.round((performance.now() - start) / 1000);
  console.log(
    passed
      ? `Within ${margin} × what was recorded, after ${measured.length} of ${tries} tries and ${seconds} s.`
      : `Slower than recorded in each of ${measured.length} tries (${seconds} s). Find out why ` +
          '(BENCH_NODE_FLAGS=--cpu-prof npm run bench -- --workload echo-16,broadcast-1000,accept), ' +
          'or, if it is meant, record it: npm run bench:guard -- --record',
  );
  return passed;
}

const { values } = parseArgs({ options: { record: { type: 'boolean' } } });
if (values.record === true) await record();
else process.exitCode = (await guard()) ? 0 : 1;
