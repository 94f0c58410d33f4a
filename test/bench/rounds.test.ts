import { describe, expect, it } from 'vitest';
import type { Sample, ServerName, Workload } from '../../bench/contract.ts';
import { failuresIn, runWorkload } from '../../bench/rounds.ts';
import { PeerMissing } from '../../bench/servers/peers.ts';

const options = { scale: 1, onProgress: () => {} };

const about = {
  name: 'fake',
  title: 'a fake',
  unit: 'µs',
  servers: ['ws', 'troupe-handlers', 'net'],
  budgets: {},
  figures: [{ name: 'fake-p50', title: 'its half', unit: 'µs', of: 'halfUs', budgets: {} }],
} as const;

function sampleOf(value: number): Sample {
  return { value, extra: { halfUs: value / 2 }, checked: 10 };
}

function workload(measure: (server: ServerName) => number): Workload {
  return { ...about, measure: async (server) => sampleOf(measure(server)) };
}

describe('rounds', () => {
  it('let the servers take turns', async () => {
    const turns: string[] = [];
    const taking = workload((server) => turns.push(server));
    await runWorkload(taking, { rounds: 2, servers: ['ws', 'troupe-handlers'], options });
    expect(turns).toEqual(['ws', 'troupe-handlers', 'ws', 'troupe-handlers']);
  });

  it('compare with ws of the same round, and take the median of that', async () => {
    // The machine is twice as slow in the second round and four times in the third.
    const costs = { ws: [10, 20, 40], 'troupe-handlers': [5, 12, 16] };
    const measured = workload((server) => costs[server as keyof typeof costs].shift() ?? 0);
    const [result, half] = await runWorkload(measured, { rounds: 3, servers: ['ws', 'troupe-handlers'], options });
    expect(result?.rows[1]).toMatchObject({ server: 'troupe-handlers', median: 12, ratio: 0.5 });
    expect(half).toMatchObject({ name: 'fake-p50', rows: [{ median: 10 }, { median: 6, ratio: 0.5 }] });
  });

  it('compare with something else where a workload says so', async () => {
    const costs = { 'troupe-handlers': 5, net: 20 };
    const other: Workload = { ...workload((server) => costs[server as keyof typeof costs]), baseline: 'net' };
    const [result] = await runWorkload(other, { rounds: 1, servers: ['troupe-handlers', 'net'], options });
    expect(result).toMatchObject({ baseline: 'net', rows: [{ ratio: 0.25 }, { ratio: 1 }] });
  });

  it('compare nothing with ws that is judged by itself', async () => {
    const judged: Workload = { ...workload(() => 1), budgets: { 'troupe-handlers': { kind: 'self', atMost: 1.25 } } };
    const [result] = await runWorkload(judged, { rounds: 1, servers: ['ws', 'troupe-handlers'], options });
    expect(result?.rows[1]).not.toHaveProperty('ratio');
  });

  it('give a peer that is not there a row that says why, which is no failure', async () => {
    const missing = workload((server) => {
      if (server === 'net') throw new PeerMissing('net does not load: no binary');
      return 1;
    });
    const results = await runWorkload(missing, { rounds: 2, servers: ['ws', 'net'], options });
    expect(results[0]?.rows[1]).toMatchObject({ samples: [], unavailable: 'net does not load: no binary' });
    expect(failuresIn(results)).toEqual([]);
  });

  it('count no figure of a server that failed in any round', async () => {
    let turn = 0;
    const failing = workload((server) => {
      if (server === 'net' && ++turn === 2) throw new Error('message 7 was lost');
      return 1;
    });
    const results = await runWorkload(failing, { rounds: 3, servers: ['ws', 'net'], options });
    expect(results[0]?.rows[1]).toMatchObject({ samples: [], unavailable: 'failed: message 7 was lost' });
    expect(failuresIn(results)).toContain('fake, net: message 7 was lost');
  });

  it('make no more rounds than a long workload asks for', async () => {
    const long: Workload = { ...workload(() => 1), atMostRounds: 1 };
    const [result] = await runWorkload(long, { rounds: 3, servers: ['ws'], options });
    expect(result?.rows[0]?.samples).toHaveLength(1);
  });

  it('give up on a measurement that does not end, and go on', async () => {
    const never: Workload = {
      ...workload(() => 1),
      patienceMs: 1,
      measure: (server) => (server === 'net' ? new Promise(() => {}) : Promise.resolve({ value: 1, checked: 1 })),
    };
    const results = await runWorkload(never, { rounds: 1, servers: ['ws', 'net'], options });
    expect(results[0]?.rows[0]?.samples).toHaveLength(1);
    expect(failuresIn(results)).toContain('fake, net: fake with net did not come within 1 ms');
  });

  it('compare servers that are measured together within each set', async () => {
    const together: Workload = {
      ...about,
      measureTogether: async (servers) =>
        // The machine is three times as slow in the second set.
        [1, 3].map(
          (slow) => new Map(servers.map((server) => [server, sampleOf(server === 'ws' ? 4 * slow : 2 * slow)])),
        ),
    };
    const [result] = await runWorkload(together, { rounds: 2, servers: ['ws', 'net'], options });
    expect(result?.rows[0]?.samples.map(({ value }) => value)).toEqual([4, 12, 4, 12]);
    expect(result?.rows[1]).toMatchObject({ server: 'net', ratio: 0.5 });
  });

  it('go on without one of those that fails beside the others', async () => {
    const asked: string[] = [];
    const together: Workload = {
      ...about,
      async measureTogether(servers, _options, attempt) {
        asked.push(servers.join());
        const set = new Map<ServerName, Sample>();
        for (const server of servers) {
          const sample = await attempt(server, async () => {
            if (server === 'net' && asked.length === 2) throw new Error('message 7 was lost');
            return sampleOf(1);
          });
          if (sample !== undefined) set.set(server, sample);
        }
        return [set];
      },
    };
    const results = await runWorkload(together, { rounds: 3, servers: ['ws', 'net'], options });
    expect(asked).toEqual(['ws,net', 'ws,net', 'ws']);
    expect(results[0]?.rows[0]?.samples).toHaveLength(3);
    expect(results[0]?.rows[1]).toMatchObject({ samples: [], unavailable: 'failed: message 7 was lost' });
  });
});
