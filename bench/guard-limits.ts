/** What the guard compares with, and how it decides. */
import type { ServerName } from './contract.ts';

/** By workload and server: the ratio to ws when it was last recorded. */
export type Ratios = Readonly<Record<string, Readonly<Partial<Record<ServerName, number>>>>>;

/**
 * How much worse than recorded the best of all tries may be. Repeats differ by
 * some 15 % and up to 30 % on a loaded machine: a slip of 1.5x lies above, noise below.
 */
export const margin = 1.35;

export interface Check {
  readonly workload: string;
  readonly server: ServerName;
  readonly recorded: number;
  readonly limit: number;
  /** The least ratio of all tries; undefined before the first. */
  readonly best: number | undefined;
  readonly passed: boolean;
}

/** One good try is enough: noise makes things slower, never faster. */
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
