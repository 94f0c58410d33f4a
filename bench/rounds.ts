/** Lets the servers take turns: each round measures all of them, so that what the machine does meanwhile meets all. */
import type { Row, RunOptions, Sample, ServerName, Workload, WorkloadResult } from './contract.ts';
import { within } from './deadline.ts';
import { rowOf } from './figures.ts';
import { endAllProcesses } from './server-process.ts';
import { PeerMissing } from './servers/peers.ts';

const patienceMs = 300_000;

const nothing = async (): Promise<void> => {};

export interface Turns {
  readonly rounds: number;
  readonly servers: readonly ServerName[];
  readonly options: RunOptions;
}

/**
 * Measures one workload. A server that cannot run here gets a row that says why.
 * One that fails, because it lost a message for example, gets no figure either:
 * the failure is its row.
 */
export async function runWorkload(
  workload: Workload,
  { servers, options, ...turns }: Turns,
): Promise<WorkloadResult[]> {
  const rounds = Math.min(turns.rounds, workload.atMostRounds ?? turns.rounds);
  const samples = new Map<ServerName, Sample[]>();
  const unavailable = new Map<ServerName, string>();
  const taking = workload.servers.filter((server) => servers.includes(server));
  const attempt = async <T>(server: ServerName, work: () => Promise<T>, end = nothing): Promise<T | undefined> => {
    try {
      return await watched(`${workload.name} with ${server}`, workload.patienceMs ?? patienceMs, work, end);
    } catch (error) {
      samples.delete(server);
      unavailable.set(server, reasonOf(error));
      return undefined;
    }
  };
  const keep = (server: ServerName, sample: Sample | undefined): void => {
    if (sample !== undefined && !unavailable.has(server)) samples.set(server, [...(samples.get(server) ?? []), sample]);
  };
  for (let round = 0; round < rounds; round++) {
    const inRound = taking.filter((server) => !unavailable.has(server));
    const progress = `${workload.name}, round ${round + 1} of ${rounds}`;
    if ('measureTogether' in workload) {
      const toldSet = (text: string): void => options.onProgress(`${progress}: ${text}`);
      const sets = await workload.measureTogether(inRound, { ...options, onProgress: toldSet }, attempt);
      await endAllProcesses();
      for (const set of sets) for (const [server, sample] of set) keep(server, sample);
      continue;
    }
    for (const server of inRound) {
      options.onProgress(`${progress}: ${server}`);
      keep(server, await attempt(server, () => workload.measure(server, options), endAllProcesses));
    }
  }
  // Where a figure is judged by itself, it is a ratio already.
  const isJudgedItself = Object.values(workload.budgets).some(({ kind }) => kind === 'self');
  const baseline = isJudgedItself ? [] : (samples.get(workload.baseline ?? 'ws') ?? []);
  const rows = (value: (sample: Sample) => Sample): Row[] =>
    taking.map((server) =>
      rowOf(server, (samples.get(server) ?? []).map(value), baseline.map(value), unavailable.get(server)),
    );
  const { name, title, unit, budgets, figures = [], method } = workload;
  const compared = workload.baseline === undefined ? {} : { baseline: workload.baseline };
  return [
    {
      name,
      title,
      unit,
      ...(method === undefined ? {} : { method }),
      ...compared,
      budgets,
      rows: rows((sample) => sample),
    },
    ...figures.map((figure) => ({
      name: figure.name,
      title: figure.title,
      unit: figure.unit,
      ...compared,
      budgets: figure.budgets,
      rows: rows(({ extra, checked }) => ({ value: extra?.[figure.of] ?? Number.NaN, checked })),
    })),
  ];
}

/** Whatever goes wrong while `work` is done is its failure, not the end of the run. */
async function watched<T>(what: string, forMs: number, work: () => Promise<T>, end: () => Promise<void>): Promise<T> {
  // An error in a socket's callback belongs to no promise.
  let onStray: (error: Error) => void = () => {};
  const stray = new Promise<never>((_resolve, reject) => (onStray = reject));
  process.on('uncaughtException', onStray);
  try {
    return await within(forMs, what, Promise.race([work(), stray]));
  } finally {
    await end();
    // What fails because of that is part of it.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('uncaughtException', onStray);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof PeerMissing) return error.message;
  return `failed: ${error instanceof Error ? error.message : String(error)}`;
}

/** Whether any server failed, which is not the same as not being installed. */
export function failuresIn(results: readonly WorkloadResult[]): string[] {
  return results.flatMap(({ name, rows }) =>
    rows.flatMap(({ server, unavailable }) =>
      unavailable?.startsWith('failed: ') === true ? [`${name}, ${server}: ${unavailable.slice(8)}`] : [],
    ),
  );
}
