/** All workloads at a glance: bars for the ratio to ws, a mark for the budget. */
import type { Results, ServerName, WorkloadResult } from '../contract.ts';
import { baselineOf, rowFor } from './cells.ts';
import { bar, line, phoneWidth, render, text } from './svg.ts';

const shown: readonly ServerName[] = ['troupe-handlers', 'troupe-machine', 'socket.io'];
const classOf = (server: ServerName): string => server.replace('.', '');

const left = 12;
const right = 48;
const top = 108;
const barHeight = 16;
/** The workload's name stands above its bars. */
const nameHeight = 22;
const gap = 12;
/** A longer bar ends here; its figure stands beside it. */
const greatest = 2.5;

const xOf = (ratio: number): number => left + (Math.min(ratio, greatest) / greatest) * (phoneWidth - left - right);

/** A workload's name with its bars, and where the next one begins. */
function group(result: WorkloadResult, y: number): { drawn: string[]; end: number } {
  const bars = shown.flatMap((server) => {
    const ratio = rowFor(result, server)?.ratio;
    return ratio === undefined ? [] : [{ server, ratio }];
  });
  const drawn = bars.flatMap(({ server, ratio }, index) => {
    const barY = y + nameHeight + index * barHeight;
    const budget = result.budgets[server];
    const mark = budget?.kind === 'ratio' ? xOf(budget.atMost) : 0;
    return [
      bar(left, barY, xOf(ratio) - left, barHeight - 3, classOf(server)),
      text(Math.max(xOf(ratio), mark) + 6, barY + 11, ratio.toFixed(2), { className: 'small' }),
      ...(mark === 0 ? [] : [line(mark, barY - 2, mark, barY + barHeight - 1, 'budget')]),
    ];
  });
  return {
    drawn: [text(left, y + nameHeight - 7, result.name), ...drawn],
    end: y + nameHeight + bars.length * barHeight + gap,
  };
}

export function ratiosPlot({ workloads }: Results): string | undefined {
  const compared = workloads.filter(
    (result) => baselineOf(result) === 'ws' && shown.some((server) => rowFor(result, server)?.ratio !== undefined),
  );
  if (compared.length === 0) return undefined;
  const groups: string[] = [];
  let bottom = top;
  for (const result of compared) {
    const { drawn, end } = group(result, bottom);
    groups.push(...drawn);
    bottom = end;
  }
  const legend = [...shown.map((server) => ({ server, mark: classOf(server) })), { server: 'budget', mark: undefined }];
  const ratios = [0, 1, 2];
  return render({
    width: phoneWidth,
    height: bottom + 30,
    title: 'Cost as a ratio to bare ws; shorter is better',
    body: [
      text(left, 24, 'Cost as a ratio to bare ws', { className: 'title' }),
      text(left, 42, 'in the same run; shorter is better', { className: 'small' }),
      ...legend.flatMap(({ server, mark }, index) => {
        const x = left + (index % 2) * 170;
        const y = 56 + Math.floor(index / 2) * 20;
        const sign = mark === undefined ? line(x + 6, y, x + 6, y + 12, 'budget') : bar(x, y, 12, 12, mark);
        return [sign, text(x + 20, y + 11, server)];
      }),
      ...ratios.flatMap((ratio) => [
        line(xOf(ratio), top - 4, xOf(ratio), bottom, ratio === 1 ? 'ws-line' : 'axis'),
        text(xOf(ratio), bottom + 18, ratio === 1 ? 'ws' : `${ratio}`, { anchor: 'middle', className: 'small' }),
      ]),
      ...groups,
    ],
  });
}
