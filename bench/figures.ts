/** What is made of samples: medians, ratios of the same round, and whether a budget is kept. */
import type { Budget, Row, Sample, ServerName } from './contract.ts';

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (upper + lower) / 2;
}

/** The row of one server. `baseline` holds the samples of ws, round by round. */
export function rowOf(
  server: ServerName,
  samples: readonly Sample[],
  baseline: readonly Sample[],
  unavailable?: string,
): Row {
  const ratios = samples.flatMap(({ value }, round) => {
    const base = baseline[round]?.value;
    return base === undefined ? [] : [value / base];
  });
  return {
    server,
    samples,
    median: median(samples.map(({ value }) => value)),
    ...(ratios.length === 0 ? {} : { ratio: median(ratios) }),
    ...(unavailable === undefined ? {} : { unavailable }),
  };
}

/** The figure that a budget speaks about; undefined when there are no samples for it. */
export function reached(budget: Budget, row: Row, baseline: Row | undefined): number | undefined {
  if (row.samples.length === 0) return undefined;
  switch (budget.kind) {
    case 'self':
      return row.median;
    case 'ratio':
      return row.ratio;
    case 'difference': {
      const differences = row.samples.flatMap(({ value }, round) => {
        const base = baseline?.samples[round]?.value;
        return base === undefined ? [] : [value - base];
      });
      return differences.length === 0 ? undefined : median(differences);
    }
  }
}

export type Verdict = 'stretch' | 'within' | 'not reached' | 'not measured';

export function verdict(budget: Budget, figure: number | undefined): Verdict {
  if (figure === undefined || Number.isNaN(figure)) return 'not measured';
  if (budget.stretch !== undefined && figure <= budget.stretch) return 'stretch';
  return figure <= budget.atMost ? 'within' : 'not reached';
}
