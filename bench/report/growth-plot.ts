/** Whether costs stay flat as connections grow: one panel for each operation, costs relative to the smallest size. */
import type { Results, Row, ServerName } from '../contract.ts';
import { extrasOf } from './cells.ts';
import { line, phoneWidth, polyline, render, text } from './svg.ts';

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

const panel = { width: phoneWidth / 2, height: 170, left: 34, top: 34, right: 10, bottom: 34 };
const columns = 2;
const top = 112;
const sizes = [1_000, 10_000, 100_000];

/** `groupPush` as `group push`. */
const spaced = (operation: string): string => operation.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

function drawPanel(operation: string, series: readonly Series[], greatest: number, x0: number, y0: number): string[] {
  const x = (connections: number): number =>
    x0 + panel.left + (Math.log10(connections / 1_000) / 2) * (panel.width - panel.left - panel.right);
  const y = (relative: number): number =>
    y0 + panel.height - panel.bottom - (relative / greatest) * (panel.height - panel.top - panel.bottom);
  return [
    text(x0 + panel.left, y0 + 22, spaced(operation)),
    ...[0, 1, greatest].flatMap((relative) => [
      line(x(1_000), y(relative), x(100_000), y(relative), relative === 1 ? 'ws-line' : 'axis'),
      text(x(1_000) - 6, y(relative) + 5, `${relative}×`, { anchor: 'end', className: 'small' }),
    ]),
    ...sizes.map((size) => {
      const anchor = size === sizes.at(-1) ? 'end' : 'middle';
      return text(x(size), y0 + panel.height - 14, `${size / 1_000} k`, { anchor, className: 'small' });
    }),
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
  const legend = [
    ...servers.map((server) => ({ label: server as string, className: `line-${server}` })),
    { label: 'in memory', className: 'ws-line memory' },
  ];
  return render({
    width: phoneWidth,
    height: top + Math.ceil(operations.length / columns) * panel.height,
    title: 'Cost of one operation as connections grow, relative to a thousand connections',
    body: [
      text(12, 24, 'Cost as connections grow', { className: 'title' }),
      text(12, 42, 'of one operation, relative to a thousand connections', { className: 'small' }),
      ...legend.flatMap(({ label, className }, index) => {
        const x = 12 + (index % 2) * 170;
        const y = 62 + Math.floor(index / 2) * 20;
        return [line(x, y, x + 24, y, className), text(x + 32, y + 5, label)];
      }),
      ...operations.flatMap((operation, index) =>
        drawPanel(
          operation,
          series.filter((one) => one.operation === operation),
          greatest,
          (index % columns) * panel.width,
          top + Math.floor(index / columns) * panel.height,
        ),
      ),
    ],
  });
}
