/** The table that a run ends with. */
import { allServerNames, type Results, type ServerName, type WorkloadResult } from '../contract.ts';
import { baselineOf, inTermsOf, isMeasured, judgements, rowFor, short } from './cells.ts';

function cell(result: WorkloadResult, server: ServerName): string {
  const row = rowFor(result, server);
  if (row === undefined) return '';
  if (!isMeasured(row)) return row.unavailable?.startsWith('failed') === true ? 'failed' : 'n/a';
  const ratio = server === baselineOf(result) || row.ratio === undefined ? '' : ` (${row.ratio.toFixed(2)})`;
  return short(row.median) + ratio;
}

function budgetLine(result: WorkloadResult): string {
  const parts = judgements(result).map(
    ({ server, budget, figure, verdict }) =>
      `${server}: ${inTermsOf(baselineOf(result), budget, figure)}, budget ${inTermsOf(baselineOf(result), budget, budget.atMost)}, ${verdict}`,
  );
  return `  ${result.name.padEnd(15)} ${parts.join(`\n${' '.repeat(18)}`)}`;
}

function table(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  const last = widths.length - 1;
  const align = (text: string, column: number): string =>
    column === 0 || column === last ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  return lines.map((line) => line.map(align).join('  ').trimEnd()).join('\n');
}

/** Who is missing and why, each reason once. */
function missing(workloads: readonly WorkloadResult[]): string[] {
  const reasons = workloads.flatMap(({ name, rows }) =>
    rows.flatMap(({ server, unavailable }) => {
      if (unavailable === undefined) return [];
      return [unavailable.startsWith('failed') ? `${name}, ${server}: ${unavailable}` : `${server}: ${unavailable}`];
    }),
  );
  return [...new Set(reasons)];
}

export function terminalReport({ workloads, rounds, machine }: Results): string {
  const servers = allServerNames.filter((server) => workloads.some((result) => rowFor(result, server) !== undefined));
  const lines = workloads.map((result) => [result.name, ...servers.map((server) => cell(result, server)), result.unit]);
  const judged = workloads.filter((result) => judgements(result).length > 0);
  const gone = missing(workloads);
  const baselines = [...new Set(workloads.map(baselineOf))];
  const shared = machine.pinned ? '' : '; servers and generator shared cores';
  return [
    table([['workload', ...servers, ''], ...lines]),
    '',
    `In brackets: the ratio to ${baselines.join(', or ')} of the same round. Medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}${shared}.`,
    ...(judged.length === 0 ? [] : ['', 'Budgets', ...judged.map(budgetLine)]),
    ...(gone.length === 0 ? [] : ['', ...gone]),
    '',
  ].join('\n');
}
