/** Whether costs stay flat as connections grow: one panel for each operation, costs relative to the smallest size. */
import type { Results, Row, ServerName } from '../contract.ts';
import { extrasOf } from './cells.ts';
import { line, polyline, render, text } from './svg.ts';

/** One line of one panel. */
export interface Series {
  readonly server: ServerName;
  /** `message`, `accept` and so on. */
  readonly operation: string;
  /** Whether the connections were on the in-memory transport. */
  readonly inMemory: boolean;
  /** Connections and µs, from few to many. */
  readonly points: readonly (readonly [connections: number, us: number])[];
}

/** Reads figures named `messageUs@18000` or `memory:messageUs@100000`. */
export function growthSeries(rows: readonly Row[]): Series[] {
  const series = new Map<
    string,
    { server: ServerName; operation: string; inMemory: boolean; points: [number, number][] }
  >();
  for (const row of rows) {
    for (const [name, value] of extrasOf(row)) {
      const [, memory, operation, connections] = /^(memory:)?(\w+)Us@(\d+)$/.exec(name) ?? [];
      if (operation === undefined) continue;
      const key = `${row.server} ${operation} ${memory}`;
      const found = series.get(key) ?? { server: row.server, operation, inMemory: memory !== undefined, points: [] };
      found.points.push([Number(connections), value]);
      series.set(key, found);
    }
  }
  return [...series.values()].map((one) => ({ ...one, points: one.points.toSorted(([a], [b]) => a - b) }));
}

const panel = { width: 250, height: 190, left: 34, top: 30, right: 12, bottom: 30 };
const columns = 3;
const sizes = [1_000, 10_000, 100_000];

function drawPanel(operation: string, series: readonly Series[], greatest: number, x0: number, y0: number): string[] {
  const x = (connections: number): number =>
    x0 + panel.left + (Math.log10(connections / 1_000) / 2) * (panel.width - panel.left - panel.right);
  const y = (relative: number): number =>
    y0 + panel.height - panel.bottom - (relative / greatest) * (panel.height - panel.top - panel.bottom);
  return [
    text(x0 + panel.left, y0 + 18, operation),
    ...[0, 1, greatest].flatMap((relative) => [
      line(x(1_000), y(relative), x(100_000), y(relative), relative === 1 ? 'ws-line' : 'axis'),
      text(x(1_000) - 6, y(relative) + 4, `${relative}×`, { anchor: 'end', className: 'small' }),
    ]),
    ...sizes.map((size) =>
      text(x(size), y0 + panel.height - 14, `${size / 1_000} k`, { anchor: 'middle', className: 'small' }),
    ),
    ...series.map(({ server, inMemory, points }) => {
      const first = points[0]?.[1] ?? 1;
      return polyline(
        points.map(([connections, us]): [number, number] => [x(connections), y(us / first)]),
        `line-${server}${inMemory ? ' memory' : ''}`,
      );
    }),
  ];
}

export function growthPlot({ workloads }: Results): string | undefined {
  const series = growthSeries(workloads.find(({ name }) => name === 'growth')?.rows ?? []);
  if (series.length === 0) return undefined;
  const operations = [...new Set(series.map(({ operation }) => operation))];
  const servers = [...new Set(series.map(({ server }) => server))];
  const relative = series.flatMap(({ points }) => points.map(([, us]) => us / (points[0]?.[1] ?? 1)));
  const greatest = Math.ceil(Math.max(2, ...relative));
  const title = 'Cost of one operation as connections grow, relative to the fewest';
  const legend = servers.flatMap((server, index) => {
    const x = 12 + index * 150;
    return [line(x, 40, x + 22, 40, `line-${server}`), text(x + 28, 44, server)];
  });
  return render({
    width: columns * panel.width + 16,
    height: 56 + Math.ceil(operations.length / columns) * panel.height,
    title,
    body: [
      text(12, 22, title, { className: 'title' }),
      ...legend,
      text(12 + servers.length * 150, 44, 'dashed: in memory', { className: 'small' }),
      ...operations.flatMap((operation, index) =>
        drawPanel(
          operation,
          series.filter((one) => one.operation === operation),
          greatest,
          (index % columns) * panel.width,
          56 + Math.floor(index / columns) * panel.height,
        ),
      ),
    ],
  });
}
