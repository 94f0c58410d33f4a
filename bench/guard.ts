/**
 * `npm run bench:guard`: whether the delivery path has become slower, in less
 * than a minute. It needs `ws` and Troupe only, no peer.
 *
 * A ratio to bare ws of the same minute is compared with the one recorded in
 * guard.json; `-- --record` writes that anew, after a change that is meant.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { ServerName, Workload } from './contract.ts';
import { median } from './figures.ts';
import { decide, margin, type Ratios } from './guard-limits.ts';
import { broadcast1000 } from './workloads/broadcast.ts';
import { echo16 } from './workloads/echo.ts';

const tries = 3;
/** No further try begins after this. */
const patienceMs = 30_000;
const scale = 0.3;
const workloads = [echo16, broadcast1000];
const servers: readonly ServerName[] = ['troupe-handlers', 'troupe-machine'];
/** In bench/, not in bench/dist/bench/. */
const file = new URL('../../guard.json', import.meta.url);

async function measure(some: readonly Workload[] = workloads): Promise<Ratios> {
  const ratios: Record<string, Partial<Record<ServerName, number>>> = {};
  const options = { scale, onProgress: () => {} };
  for (const workload of some) {
    const base = await workload.measure('ws', options);
    const own: Partial<Record<ServerName, number>> = {};
    for (const server of servers) {
      const { value } = await workload.measure(server, options);
      own[server] = Math.round((value / base.value) * 1000) / 1000;
    }
    ratios[workload.name] = own;
  }
  return ratios;
}

async function record(): Promise<void> {
  const measured: Ratios[] = [];
  for (let count = 0; count < tries; count++) measured.push(await measure());
  const recorded = Object.fromEntries(
    workloads.map(({ name }) => [
      name,
      Object.fromEntries(
        servers.map((server) => [server, median(measured.flatMap((one) => one[name]?.[server] ?? []))]),
      ),
    ]),
  );
  writeFileSync(file, `${JSON.stringify(recorded, null, 2)}\n`);
  console.log(recorded);
}

async function guard(): Promise<boolean> {
  const recorded = JSON.parse(readFileSync(file, 'utf8')) as Ratios;
  const measured: Ratios[] = [];
  const start = performance.now();
  let checks = decide(recorded, measured);
  while (checks.some(({ passed }) => !passed) && measured.length < tries && performance.now() - start < patienceMs) {
    // Only what is in doubt, so that three tries fit into the time.
    const inDoubt = workloads.filter(({ name }) => checks.some((check) => check.workload === name && !check.passed));
    measured.push(await measure(inDoubt));
    checks = decide(recorded, measured);
  }
  for (const { workload, server, best, limit, passed } of checks) {
    const figure = best === undefined ? 'not measured' : `${best.toFixed(2)} × ws`;
    console.log(`${passed ? 'ok  ' : 'SLOW'} ${workload}, ${server}: ${figure}, limit ${limit.toFixed(2)}`);
  }
  const passed = checks.every((check) => check.passed);
  console.log(
    passed
      ? `Within ${margin} × what was recorded, after ${measured.length} of ${tries} tries.`
      : `Slower than recorded in each of ${measured.length} tries. Find out why (BENCH_NODE_FLAGS=--cpu-prof npm run bench -- ` +
          '--workload echo-16,broadcast-1000), or, if it is meant, record it: npm run bench:guard -- --record',
  );
  return passed;
}

const { values } = parseArgs({ options: { record: { type: 'boolean' } } });
if (values.record === true) await record();
else process.exitCode = (await guard()) ? 0 : 1;
