/** Several runs as one: a run that was cut off and what it lacks, or a workload that runs by itself. */
import { UsageError } from '../options.ts';
import type { Results, WorkloadResult } from '../contract.ts';

/** What was measured on something else, or by halves, has no place in the same tables. */
function conditions({ machine, versions, quick }: Results): string {
  return JSON.stringify({ machine, versions, quick });
}

/** What only one of them took note of is no contradiction. */
function areAlike(one: Results, other: Results): boolean {
  const names = Object.keys(one.versions).filter((name) => name in other.versions);
  const shared = ({ versions }: Results): Record<string, string> =>
    Object.fromEntries(names.map((name) => [name, versions[name]!]));
  return conditions({ ...one, versions: shared(one) }) === conditions({ ...other, versions: shared(other) });
}

/** @throws {UsageError} The runs were made on different machines, versions or lengths. */
export function merged(runs: readonly Results[]): Results {
  const [first, ...others] = runs;
  if (first === undefined) throw new UsageError('--report: there are no results');
  if (others.length === 0) return first;
  const stranger = others.find((run) => !areAlike(run, first));
  if (stranger !== undefined)
    throw new UsageError(`--report: these are not runs of one kind: ${conditions(first)} and ${conditions(stranger)}`);
  const workloads = new Map<string, WorkloadResult>();
  for (const workload of runs.flatMap((run) => run.workloads)) {
    const earlier = workloads.get(workload.name)?.rows ?? [];
    // Of servers that were not measured again: a soak of two servers may run as two processes, at the same time.
    const kept = earlier.filter(({ server }) => !workload.rows.some((row) => row.server === server));
    workloads.set(workload.name, { ...workload, rows: [...kept, ...workload.rows] });
  }
  const { unfinished: _unfinished, ...about } = first;
  const date =
    runs
      .map((run) => run.date)
      .toSorted()
      .at(-1) ?? first.date;
  const versions = Object.fromEntries(runs.flatMap((run) => Object.entries(run.versions)));
  return { ...about, date, versions, workloads: [...workloads.values()] };
}
