import { describe, expect, it } from 'vitest';
import type { Results, Row, ServerName } from '../../bench/contract.ts';
import { growthPlot, growthSeries } from '../../bench/report/growth-plot.ts';
import { markdownReport } from '../../bench/report/markdown.ts';
import { merged } from '../../bench/report/merge.ts';
import { ratiosPlot } from '../../bench/report/ratios-plot.ts';
import { terminalReport } from '../../bench/report/terminal.ts';
import { rowOf } from '../../bench/figures.ts';

const samples = (...values: number[]) => values.map((value) => ({ value, checked: 1_000 }));
const row = (server: ServerName, ...values: number[]): Row => rowOf(server, samples(...values), samples(10, 12));

const grown = { 'messageUs@1000': 4, 'messageUs@18000': 5, 'memory:messageUs@1000': 2, 'memory:messageUs@100000': 2.2 };

const results: Results = {
  date: '2026-01-02',
  quick: false,
  rounds: 2,
  machine: { cpu: 'Some <CPU> & Co.', cores: 4, memoryGiB: 8, system: 'Linux 6', pinned: true },
  versions: { 'Node.js': '20.19.0', ws: '8.23.0' },
  workloads: [
    {
      name: 'echo-16',
      title: 'echo 64 B',
      unit: 'µs per message',
      method: 'All of it is compared.',
      budgets: {
        'troupe-handlers': { kind: 'ratio', atMost: 0.3, stretch: 0.2 },
        'troupe-machine': { kind: 'ratio', atMost: 0.65 },
      },
      rows: [
        row('ws', 10, 12),
        row('troupe-handlers', 2.9, 3.5),
        row('troupe-machine', 9, 10.8),
        row('socket.io', 8, 9),
        rowOf('uwebsockets', [], [], 'uwebsockets does not load: no | binary\nhere'),
      ],
    },
    {
      name: 'idle',
      title: 'an idle connection',
      unit: 'KiB',
      budgets: {
        'troupe-handlers': { kind: 'difference', atMost: 2.5 },
        'troupe-machine': { kind: 'difference', atMost: 4 },
      },
      rows: [row('ws', 10, 12), row('troupe-handlers', 12, 14), row('troupe-machine', 9, 11), row('socket.io', 18, 19)],
    },
    {
      name: 'growth',
      title: 'growth',
      unit: 'worst ratio',
      budgets: { 'troupe-handlers': { kind: 'self', atMost: 1.2 } },
      rows: [rowOf('troupe-handlers', [{ value: 1.25, checked: 1, extra: grown }], [])],
    },
  ],
};

const stored = JSON.parse(JSON.stringify(results)) as Results;
const pictures = [{ path: 'plots/ratios.svg', description: 'Ratios' }];

describe('RESULTS.md', () => {
  const markdown = markdownReport(results, pictures);

  it('is the same from the same results, stored ones included', () => {
    expect(markdownReport(stored, pictures)).toBe(markdown);
  });

  it('says on what and when', () => {
    expect(markdown).toContain('2026-01-02');
    expect(markdown).toContain('- Some <CPU> & Co., 4 cores, 8 GiB, Linux 6');
    expect(markdown).toContain('- Node.js 20.19.0, ws 8.23.0');
    expect(markdown).toContain('servers on one core, the generator on another');
  });

  it('has a line for each budget, with what was reached and where Socket.IO stands', () => {
    expect(markdown).toContain(
      '| [echo-16](#echo-16) | troupe-handlers | 0.30 × ws | 0.29 × ws | within | below (8.50) |',
    );
    expect(markdown).toContain(
      '| [echo-16](#echo-16) | troupe-machine | 0.65 × ws | 0.90 × ws | **not reached** | **not below** (8.50) |',
    );
    expect(markdown).toContain('| [idle](#idle) | troupe-handlers | ws + 2.50 | ws + 2.00 | within | below (18.5) |');
    expect(markdown).toContain('| [idle](#idle) | troupe-machine | ws + 4.00 | ws − 1.00 | within | below (18.5) |');
    expect(markdown).toContain('| [growth](#growth) | troupe-handlers | 1.20 | 1.25 | **not reached** | – |');
  });

  it('has a table for each workload, with the method, and why a server is missing', () => {
    expect(markdown).toContain('echo 64 B, µs per message. All of it is compared.');
    expect(markdown).toContain('| troupe-handlers | 3.20 | 2.90 – 3.50 | 0.29 | 2 | 2 000 |');
    expect(markdown).toContain('| uwebsockets | uwebsockets does not load: no \\| binary here |');
    expect(markdown).toContain('| `memory:messageUs@100000` | 2.20 |');
  });
});

describe('a run that was cut off', () => {
  const [echo, idle, growth] = results.workloads;
  const early: Results = { ...results, unfinished: true, workloads: [echo!, idle!] };
  const late: Results = { ...results, date: '2026-01-03', workloads: [{ ...idle!, title: 'idle again' }, growth!] };

  it('says so in RESULTS.md', () => {
    expect(markdownReport(early, [])).toContain('**The run was cut off: workloads are missing.**');
  });

  it('is made whole by another, whose workloads take the place of the same', () => {
    const whole = merged([early, late]);
    expect(whole.workloads.map(({ title }) => title)).toEqual(['echo 64 B', 'idle again', 'growth']);
    expect(whole).toMatchObject({ date: '2026-01-03', rounds: 2 });
    expect(whole).not.toHaveProperty('unfinished');
  });

  it('keeps the servers that were not measured again', () => {
    const [workload] = early.workloads;
    const of = (server: string): Results => ({
      ...early,
      workloads: [{ ...workload!, rows: workload!.rows.filter((row) => row.server === server) }],
    });
    const servers = workload!.rows.map(({ server }) => server);
    const [one = '', other = ''] = servers;
    expect(merged([of(one), of(other)]).workloads[0]?.rows.map(({ server }) => server)).toEqual([one, other]);
    expect(merged([early, of(one)]).workloads[0]?.rows.map(({ server }) => server)).toHaveLength(servers.length);
  });

  it('is not made whole by one of another machine, other versions or another length', () => {
    expect(() => merged([early, { ...late, quick: true }])).toThrow('not runs of one kind');
    expect(() => merged([early, { ...late, versions: { ws: '9.0.0' } }])).toThrow('not runs of one kind');
    expect(() => merged([early, { ...late, machine: { ...late.machine, cores: 8 } }])).toThrow('not runs of one kind');
  });

  it('may be joined by one that took note of more versions', () => {
    const versions = { ...late.versions, engine: '7.0' };
    expect(merged([early, { ...late, versions }]).versions).toEqual({ ...early.versions, engine: '7.0' });
  });

  it('stands for itself when there is no other', () => {
    expect(merged([early])).toBe(early);
    expect(() => merged([])).toThrow('there are no results');
  });
});

describe('a workload with a baseline of its own', () => {
  const own: Results = {
    ...results,
    workloads: [
      {
        name: 'cluster-group-100',
        title: 'a group on two nodes',
        unit: 'µs',
        baseline: 'socket.io-redis',
        budgets: { 'troupe-redis': { kind: 'ratio', atMost: 0.5 } },
        rows: [row('troupe-redis', 4, 5), row('socket.io-redis', 10, 12)],
      },
    ],
  };

  it('is judged and headed by that, and stands in no picture of ratios to ws', () => {
    const markdown = markdownReport(own, []);
    expect(markdown).toContain('| 0.50 × socket.io-redis | 0.41 × socket.io-redis | within | below (11.0) |');
    expect(markdown).toContain('| ratio to socket.io-redis |');
    expect(terminalReport(own)).toContain('the ratio to socket.io-redis of the same round');
    expect(ratiosPlot(own)).toBeUndefined();
  });
});

describe('the plots', () => {
  it('are the same from the same results', () => {
    expect(ratiosPlot(stored)).toBe(ratiosPlot(results));
    expect(growthPlot(stored)).toBe(growthPlot(results));
  });

  it('show ratios as bars with their budgets, in light and in dark', () => {
    const svg = ratiosPlot(results) ?? '';
    expect(svg).toMatch(/^<svg /);
    expect(svg).toContain('>0.29</text>');
    expect(svg).toContain('class="budget"');
    expect(svg).toContain('prefers-color-scheme: dark');
  });

  it('show growth as lines, real connections and those in memory apart', () => {
    const rows = results.workloads[2]?.rows ?? [];
    const of = { server: 'troupe-handlers', operation: 'message' };
    expect(growthSeries(rows)).toEqual([
      {
        ...of,
        inMemory: false,
        points: [
          [1_000, 4],
          [18_000, 5],
        ],
      },
      {
        ...of,
        inMemory: true,
        points: [
          [1_000, 2],
          [100_000, 2.2],
        ],
      },
    ]);
    expect(growthPlot(results)).toContain('class="line-troupe-handlers memory"');
  });

  it('fit the width of a phone', () => {
    for (const svg of [ratiosPlot(results), growthPlot(results)]) expect(svg).toContain('viewBox="0 0 380 ');
  });

  it('are left out when there is nothing to show', () => {
    expect(ratiosPlot({ ...results, workloads: [] })).toBeUndefined();
    expect(growthPlot({ ...results, workloads: [] })).toBeUndefined();
  });
});

describe('the table in the terminal', () => {
  it('shows medians, ratios and budgets, and says what is missing', () => {
    const table = terminalReport(results);
    expect(table).toMatch(/^echo-16 +11\.0 +3\.20 \(0\.29\) +9\.90 \(0\.90\) +8\.50 \(0\.78\) +n\/a/m);
    expect(table).toContain('troupe-handlers: 0.29 × ws, budget 0.30 × ws, within');
    expect(table).toContain('uwebsockets does not load');
  });
});
