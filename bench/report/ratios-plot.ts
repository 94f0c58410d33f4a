/** All workloads at a glance: bars for the ratio to ws, a mark for the budget. */
import type { Results, ServerName, WorkloadResult } from '../contract.ts';
import { rowFor } from './cells.ts';
import { bar, line, render, text } from './svg.ts';

const shown: readonly ServerName[] = ['troupe-handlers', 'troupe-machine', 'socket.io'];
const classOf = (server: ServerName): string => server.replace('.', '');

const width = 820;
const left = 150;
const right = 60;
const top = 66;
const barHeight = 12;
const gap = 14;
/** A longer bar ends here; its figure stands beside it. */
const greatest = 2.5;

const xOf = (ratio: number): number => left + (Math.min(ratio, greatest) / greatest) * (width - left - right);

function group(result: WorkloadResult, y: number): string[] {
  const bars = shown.flatMap((server, index) => {
    const ratio = rowFor(result, server)?.ratio;
    if (ratio === undefined) return [];
    const barY = y + index * barHeight;
    const budget = result.budgets[server];
    const mark = budget?.kind === 'ratio' ? xOf(budget.atMost) : 0;
    return [
      bar(left, barY, xOf(ratio) - left, barHeight - 2, classOf(server)),
      text(Math.max(xOf(ratio), mark) + 5, barY + 9, ratio.toFixed(2), { className: 'small' }),
      ...(mark === 0 ? [] : [line(mark, barY - 1, mark, barY + barHeight - 1, 'budget')]),
    ];
  });
  return [text(left - 10, y + (shown.length * barHeight) / 2 + 3, result.name, { anchor: 'end' }), ...bars];
}

export function ratiosPlot({ workloads }: Results): string | undefined {
  const compared = workloads.filter((result) => shown.some((server) => rowFor(result, server)?.ratio !== undefined));
  if (compared.length === 0) return undefined;
  const step = shown.length * barHeight + gap;
  const bottom = top + compared.length * step;
  const legend = shown.flatMap((server, index) => {
    const x = left + index * 140;
    return [bar(x, 36, 12, 12, classOf(server)), text(x + 18, 46, server)];
  });
  const title = 'Cost as a ratio to bare ws in the same run; shorter is better';
  return render({
    width,
    height: bottom + 24,
    title,
    body: [
      text(10, 22, title, { className: 'title' }),
      ...legend,
      line(left + 430, 36, left + 430, 48, 'budget'),
      text(left + 438, 46, 'budget'),
      ...[0, 0.5, 1, 1.5, 2].flatMap((ratio) => [
        line(xOf(ratio), top - 6, xOf(ratio), bottom, ratio === 1 ? 'ws-line' : 'axis'),
        text(xOf(ratio), bottom + 14, ratio === 1 ? 'ws' : String(ratio), { anchor: 'middle', className: 'small' }),
      ]),
      ...compared.flatMap((result, index) => group(result, top + index * step)),
    ],
  });
}
