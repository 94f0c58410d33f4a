/** How figures are written, in the terminal and in RESULTS.md alike. */
import type { Budget, Row, ServerName, WorkloadResult } from '../contract.ts';
import { median, reached, verdict, type Verdict } from '../figures.ts';

/** Three digits, as more would claim too much. */
export function short(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '–';
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

export function rowFor({ rows }: WorkloadResult, server: ServerName): Row | undefined {
  return rows.find((row) => row.server === server);
}

export function isMeasured({ samples }: Row): boolean {
  return samples.length > 0;
}

export interface Judgement {
  readonly server: ServerName;
  readonly budget: Budget;
  readonly figure: number | undefined;
  readonly verdict: Verdict;
}

export function baselineOf({ baseline = 'ws' }: WorkloadResult): ServerName {
  return baseline;
}

/** Each budget of a workload beside what was reached. */
export function judgements(result: WorkloadResult): Judgement[] {
  const baseline = rowFor(result, baselineOf(result));
  return result.rows.flatMap((row) => {
    const budget = result.budgets[row.server];
    if (budget === undefined) return [];
    const figure = reached(budget, row, baseline);
    return [{ server: row.server, budget, figure, verdict: verdict(budget, figure) }];
  });
}

/** `0.30 × ws`, `ws + 2.50`, or the figure itself. */
export function inTermsOf(baseline: ServerName, { kind }: Budget, value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '–';
  if (kind === 'ratio') return `${value.toFixed(2)} × ${baseline}`;
  if (kind === 'difference') return `${baseline} ${value < 0 ? '−' : '+'} ${short(Math.abs(value))}`;
  return short(value);
}

/** The medians of all further figures of a row, by name. */
export function extrasOf(row: Row): Map<string, number> {
  const names = new Set(row.samples.flatMap(({ extra = {} }) => Object.keys(extra)));
  return new Map(
    [...names].map((name) => {
      const values = row.samples.flatMap(({ extra }) => extra?.[name] ?? []);
      return [name, median(values)];
    }),
  );
}
