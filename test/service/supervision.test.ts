import { describe, expect, it } from 'vitest';
import { defineService, type SupervisionOptions } from 'troupe';
import { resolveSupervision } from '../../src/service/supervision.ts';

function define(supervision: unknown): unknown {
  return defineService({ supervision: supervision as SupervisionOptions, onTextMessage: () => {} });
}

describe('supervision', () => {
  it.each<[unknown, string]>([
    [5, 'supervision'],
    [{ retries: 3 }, 'supervision.retries'],
    [{ onCrash: 'resume' }, 'supervision.onCrash'],
    [{ restartFrom: 'end' }, 'supervision.restartFrom'],
    [{ restartLimit: { restarts: -1 } }, 'supervision.restartLimit.restarts'],
    [{ restartLimit: { withinMs: 0 } }, 'supervision.restartLimit.withinMs'],
    [{ restartLimit: { times: 3 } }, 'supervision.restartLimit.times'],
    [{ backoff: { minMs: 0.5 } }, 'supervision.backoff.minMs'],
    [{ intensity: 5 }, 'supervision.intensity'],
    [{ intensity: { crashes: 0, withinMs: 1 } }, 'supervision.intensity.crashes'],
    [{ intensity: { crashes: 1 } }, 'supervision.intensity.withinMs'],
    [{ intensity: { crashes: 1, withinMs: 2 ** 31 } }, 'supervision.intensity.withinMs'],
    [{ recovery: { minMs: -1 } }, 'supervision.recovery.minMs'],
    [{ recovery: { minMs: 10, maxMs: 9 } }, 'supervision.recovery.maxMs'],
    [{ recovery: { factor: 0.5 } }, 'supervision.recovery.factor'],
    [{ recovery: { jitter: Number.NaN } }, 'supervision.recovery.jitter'],
    [{ recovery: { jitter: '1' } }, 'supervision.recovery.jitter'],
    [{ recovery: { max: 1 } }, 'supervision.recovery.max'],
  ])('refuses %j', (supervision, argument) => {
    expect(() => define(supervision)).toThrow(
      expect.objectContaining({ code: 'TROUPE_ARGUMENT_INVALID', fields: expect.objectContaining({ argument }) }),
    );
  });

  it('waits at least as long as it says when it says no bound', () => {
    expect(resolveSupervision({ recovery: { minMs: 100_000 } }).recovery).toMatchObject({ maxMs: 100_000 });
    expect(resolveSupervision({}).recovery).toEqual({ minMs: 1_000, maxMs: 60_000, factor: 2, jitter: 0.2 });
  });
});
