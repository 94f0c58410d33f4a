import { describe, expect, it } from 'vitest';
import type { ServerName } from '../../bench/contract.ts';
import { ratiosOf } from '../../bench/guard-limits.ts';
import type { Rig, WithRig } from '../../bench/rig.ts';
import { measureSlices } from '../../bench/slices.ts';

describe('slices', () => {
  const servers: readonly ServerName[] = ['ws', 'troupe-handlers'];

  it('alternate between servers that are up all the time, after all are warm', async () => {
    const log: string[] = [];
    const withRig: WithRig = async (server, use) => {
      log.push(`${server} up`);
      const rig: Rig = {
        warmUp: async () => void log.push(`${server} warm`),
        run: async (count) => {
          log.push(server);
          return { cpuUs: count * (server === 'ws' ? 4 : 3), wallMs: 1, checked: count };
        },
      };
      const result = await use(rig);
      log.push(`${server} down`);
      return result;
    };
    const costs = await measureSlices(servers, { withRig, perSlice: 10, slices: 2, patienceMs: 1_000 });
    expect(log).toEqual([
      'ws up',
      'troupe-handlers up',
      'ws warm',
      'troupe-handlers warm',
      'ws',
      'troupe-handlers',
      'ws',
      'troupe-handlers',
      'troupe-handlers down',
      'ws down',
    ]);
    expect([...costs]).toEqual([
      ['ws', [4, 4]],
      ['troupe-handlers', [3, 3]],
    ]);
    expect(ratiosOf(costs)).toEqual({ 'troupe-handlers': 0.75 });
  });

  it('are a few even when there is no time', async () => {
    const withRig: WithRig = (_server, use) =>
      use({ warmUp: async () => {}, run: async (count) => ({ cpuUs: 1, wallMs: 1, checked: count }) });
    const costs = await measureSlices(['ws'], { withRig, perSlice: 1, slices: 1_000, patienceMs: 0 });
    expect(costs.get('ws')?.length).toBeLessThan(20);
    expect(costs.get('ws')?.length).toBeGreaterThan(2);
  });
});
