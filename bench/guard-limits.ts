/** What the guard compares with, and how it decides. */
import type { ServerName } from './contract.ts';
import { mean } from './figures.ts';
import type { Slices } from './slices.ts';

/** By workload and server: the ratio to ws when it was last recorded. */
export type Ratios = Readonly<Record<string, Readonly<Partial<Record<ServerName, number>>>>>;

/**
 * How much worse than recorded the best of all tries may be. A single try beside
 * tests that fill both cores came to 1.29, a planted slip of 1.5x in the best of three to 1.48.
 */
export const margin = 1.33;

export interface Check {
  readonly workload: string;
  readonly server: ServerName;
  readonly recorded: number;
  readonly limit: number;
  /** The least ratio of all tries; undefined before the first. */
  readonly best: number | undefined;
  readonly passed: boolean;
}

/** The mean of the cheaper half: the other half was disturbed by whatever else the machine does. */
function undisturbed(costs: readonly number[]): number {
  return mean([...costs].toSorted((a, b) => a - b).slice(0, Math.ceil(costs.length / 2)));
}

/** The cost of each server beside that of ws. */
export function ratiosOf(slices: Slices): Readonly<Partial<Record<ServerName, number>>> {
  const base = undisturbed(slices.get('ws') ?? []);
  const others = [...slices].filter(([server]) => server !== 'ws');
  return Object.fromEntries(others.map(([server, costs]) => [server, undisturbed(costs) / base]));
}

/** What to record of several ratios: the second least, as a disturbed one would let the limit out, and one may be luck. */
export function recordable(ratios: readonly number[]): number {
  return ratios.toSorted((a, b) => a - b)[1] ?? Number.NaN;
}

/** One good try is enough: a process that was compiled unluckily, or a busy machine, is no slip. */
export function decide(recorded: Ratios, tries: readonly Ratios[]): Check[] {
  return Object.entries(recorded).flatMap(([workload, ratios]) =>
    (Object.entries(ratios) as [ServerName, number][]).map(([server, ratio]) => {
      const seen = tries.flatMap((one) => one[workload]?.[server] ?? []);
      const best = seen.length === 0 ? undefined : Math.min(...seen);
      const limit = ratio * margin;
      return { workload, server, recorded: ratio, limit, best, passed: best !== undefined && best <= limit };
    }),
  );
}
