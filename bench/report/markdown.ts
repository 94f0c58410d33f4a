/** bench/RESULTS.md, from the results alone: nothing in it is typed by hand. */
import type { Results, Row, WorkloadResult } from '../contract.ts';
import { baselineOf, extrasOf, inTermsOf, isMeasured, judgements, rowFor, short } from './cells.ts';

type Line = readonly string[];

function table(head: Line, lines: readonly Line[]): string {
  const row = (cells: Line): string => `| ${cells.join(' | ')} |`;
  return [row(head), row(head.map(() => '---')), ...lines.map(row)].join('\n');
}

/** A reason may hold whatever a peer said. */
function plain(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|').slice(0, 200);
}

/** Whether Socket.IO costs more than this row: it has to, on every row. */
function besideSocketIo(result: WorkloadResult, row: Row | undefined): string {
  const other = rowFor(result, 'socket.io') ?? rowFor(result, 'socket.io-redis');
  if (row === undefined || other === undefined || !isMeasured(row) || !isMeasured(other)) return '–';
  return `${other.median > row.median ? 'below' : '**not below**'} (${short(other.median)})`;
}

function budgetTable(workloads: readonly WorkloadResult[]): string {
  const lines = workloads.flatMap((result) =>
    judgements(result).map(({ server, budget, figure, verdict }) => [
      `[${result.name}](#${result.name})`,
      server,
      inTermsOf(baselineOf(result), budget, budget.atMost),
      inTermsOf(baselineOf(result), budget, figure),
      verdict === 'not reached' ? `**${verdict}**` : verdict,
      besideSocketIo(result, rowFor(result, server)),
    ]),
  );
  return table(['workload', 'service', 'budget', 'reached', 'verdict', 'beside Socket.IO'], lines);
}

function serverLine(row: Row): Line {
  if (!isMeasured(row)) return [row.server, plain(row.unavailable ?? 'not measured'), '', '', '', ''];
  const values = row.samples.map(({ value }) => value);
  const checked = row.samples.reduce((sum, sample) => sum + sample.checked, 0);
  return [
    row.server,
    short(row.median),
    `${short(Math.min(...values))} – ${short(Math.max(...values))}`,
    row.ratio === undefined ? '–' : row.ratio.toFixed(2),
    String(row.samples.length),
    checked.toLocaleString('en').replaceAll(',', ' '),
  ];
}

function extrasTable(rows: readonly Row[]): string | undefined {
  const extras = rows.filter(isMeasured).map((row) => ({ row, figures: extrasOf(row) }));
  const names = [...new Set(extras.flatMap(({ figures }) => [...figures.keys()]))];
  if (names.length === 0) return undefined;
  const lines = names.map((name) => [`\`${name}\``, ...extras.map(({ figures }) => short(figures.get(name)))]);
  return table(['', ...extras.map(({ row }) => row.server)], lines);
}

function section(result: WorkloadResult): string {
  const extras = extrasTable(result.rows);
  return [
    `### ${result.name}`,
    `${result.title}, ${result.unit}.${result.method === undefined ? '' : ` ${result.method}`}`,
    table(
      ['server', 'median', 'least – most', `ratio to ${baselineOf(result)}`, 'rounds', 'checked'],
      result.rows.map(serverLine),
    ),
    ...(extras === undefined ? [] : ['Further figures, medians:', extras]),
  ].join('\n\n');
}

function header({ date, rounds, quick, unfinished, machine, versions }: Results): string {
  const software = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    '# Results',
    `Written by \`npm run bench\` on ${date} from [results.json](results.json); see [README.md](README.md) for the method.`,
    [
      `- ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}`,
      `- ${software.join(', ')}`,
      `- ${rounds} ${rounds === 1 ? 'round' : 'rounds'}${quick ? ', shortened (`--quick`)' : ''}; ${
        machine.pinned ? 'servers on one core, the generator on another' : 'servers and generator shared cores'
      }`,
    ].join('\n'),
    ...(unfinished ? ['**The run was cut off: workloads are missing.**'] : []),
    'Absolute figures belong to this machine and hour; the ratios to bare `ws` are what holds. ' +
      'A ratio is the median over the rounds of the ratio within each round. Repeats differ by some 15 %.',
  ].join('\n\n');
}

/** @param plots the paths of the pictures, relative to the file, with their descriptions */
export function markdownReport(results: Results, plots: readonly { path: string; description: string }[]): string {
  const { workloads } = results;
  return `${[
    header(results),
    ...plots.map(({ path, description }) => `![${description}](${path})`),
    '## Budgets',
    budgetTable(workloads),
    '## Workloads',
    ...workloads.map(section),
  ].join('\n\n')}\n`;
}
