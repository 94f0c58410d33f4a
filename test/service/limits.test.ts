import { describe, expect, it } from 'vitest';
import { createTroupe, defineService, TroupeRangeError, type Limits } from 'troupe';
import { defaultLimits, resolveLimits } from '../../src/service/limits.ts';

const MiB = 1_048_576;

describe('the defaults', () => {
  it('are those that are documented, and cannot be changed', () => {
    expect(defaultLimits).toEqual({
      maxPayload: MiB,
      highWaterMarkBytes: MiB,
      outboundPolicy: 'close',
      hardCapBytes: 16 * MiB,
      maxWaitingMessages: 64,
      messageRate: false,
      maxConnections: Infinity,
      maxConnectionsPerAddress: Infinity,
      heartbeatIntervalMs: 30_000,
      closeTimeoutMs: 10_000,
      idleTimeoutMs: 0,
      handshakeTimeoutMs: 10_000,
      maxWaitingHandshakes: 1000,
      expiryWarningMs: 60_000,
    });
    expect(Object.isFrozen(defaultLimits)).toBe(true);
  });
});

describe('overrides', () => {
  it('replace what they name and leave the base as it was', () => {
    const base = resolveLimits(defaultLimits, { maxPayload: 10 });
    expect(resolveLimits(base, { idleTimeoutMs: 5 })).toEqual({ ...defaultLimits, maxPayload: 10, idleTimeoutMs: 5 });
    expect(base.idleTimeoutMs).toBe(0);
  });

  it('that are undefined replace nothing', () => {
    // Whoever compiles without exactOptionalPropertyTypes passes these.
    const overrides = { maxPayload: undefined } as unknown as Partial<Limits>;
    expect(resolveLimits(defaultLimits, overrides)).toEqual(defaultLimits);
    expect(resolveLimits(defaultLimits)).toEqual(defaultLimits);
  });

  it.each<Partial<Limits>>([
    { maxPayload: 1 },
    { maxPayload: 256 * MiB },
    { highWaterMarkBytes: 65_536 },
    { hardCapBytes: MiB },
    { maxWaitingMessages: 1 },
    { maxConnections: 0 },
    { maxConnections: Infinity },
    { maxConnectionsPerAddress: 1 },
    { maxConnectionsPerAddress: Infinity },
    { outboundPolicy: 'latest' },
    { messageRate: false },
    { messageRate: { perSecond: 0.001 } },
    { messageRate: { perSecond: 1_000_000, burst: 1, excess: 'hold' } },
    { heartbeatIntervalMs: 0 },
    { idleTimeoutMs: 0 },
    { closeTimeoutMs: 1 },
    { handshakeTimeoutMs: 1 },
  ])('may be at the border: %j', (overrides) => {
    expect(resolveLimits(defaultLimits, overrides)).toMatchObject(overrides);
  });

  it.each<[Record<string, unknown>, string]>([
    [{ maxPayload: 0 }, 'limits.maxPayload'],
    [{ maxPayload: 256 * MiB + 1 }, 'limits.maxPayload'],
    [{ maxPayload: -1 }, 'limits.maxPayload'],
    [{ maxPayload: 1.5 }, 'limits.maxPayload'],
    [{ maxPayload: Number.NaN }, 'limits.maxPayload'],
    [{ maxPayload: Infinity }, 'limits.maxPayload'],
    [{ highWaterMarkBytes: 65_535 }, 'limits.highWaterMarkBytes'],
    [{ maxWaitingMessages: 0 }, 'limits.maxWaitingMessages'],
    [{ maxConnections: -1 }, 'limits.maxConnections'],
    [{ maxConnectionsPerAddress: 0 }, 'limits.maxConnectionsPerAddress'],
    [{ outboundPolicy: 'drop-newest' }, 'limits.outboundPolicy'],
    [{ messageRate: { perSecond: 0 } }, 'limits.messageRate.perSecond'],
    [{ messageRate: { perSecond: Infinity } }, 'limits.messageRate.perSecond'],
    [{ messageRate: { perSecond: Number.NaN } }, 'limits.messageRate.perSecond'],
    [{ messageRate: { perSecond: 1, burst: 0 } }, 'limits.messageRate.burst'],
    [{ messageRate: { perSecond: 1, excess: 'drop' } }, 'limits.messageRate.excess'],
    [{ heartbeatIntervalMs: -1 }, 'limits.heartbeatIntervalMs'],
    [{ heartbeatIntervalMs: Infinity }, 'limits.heartbeatIntervalMs'],
    [{ closeTimeoutMs: 0 }, 'limits.closeTimeoutMs'],
    [{ idleTimeoutMs: 2 ** 60 }, 'limits.idleTimeoutMs'],
    [{ maxPayloads: 1 }, 'limits.maxPayloads'],
    [{ constructor: 1 }, 'limits.constructor'],
    [{ hardCapBytes: 1000 }, 'limits.hardCapBytes'],
    [{ highWaterMarkBytes: 17 * MiB }, 'limits.hardCapBytes'],
  ])('%j are refused by the name of the limit', (overrides, argument) => {
    expect(() => resolveLimits(defaultLimits, overrides)).toThrow(
      expect.objectContaining({ code: 'TROUPE_ARGUMENT_INVALID', fields: expect.objectContaining({ argument }) }),
    );
    expect(() => resolveLimits(defaultLimits, overrides)).toThrow(TroupeRangeError);
  });

  it('with an unknown name are told which exist', () => {
    expect(() => resolveLimits(defaultLimits, { maxPayloadBytes: 1 } as Partial<Limits>)).toThrow(
      /maxPayload, .*idleTimeoutMs/,
    );
  });

  // A wrong type is a programming error, and programming errors are TypeErrors.
  it.each([
    { maxPayload: '1000' },
    { maxPayload: null },
    { maxPayload: {} },
    { outboundPolicy: 1 },
    { messageRate: 5 },
    { messageRate: true },
    { messageRate: {} },
    { messageRate: { perSeconds: 1 } },
  ])('%j are a TypeError', (overrides) => {
    expect(() => resolveLimits(defaultLimits, overrides as unknown as Partial<Limits>)).toThrow(TypeError);
  });

  it('that are no object are a typed error', () => {
    for (const overrides of [null, 5, 'x']) {
      expect(() => createTroupe({ limits: overrides as unknown as Partial<Limits> })).toThrow(
        expect.objectContaining({ code: 'TROUPE_ARGUMENT_INVALID' }),
      );
    }
  });

  it('of a service are refused when it is defined', () => {
    const define = () => defineService({ basePath: '/a', limits: { maxPayload: 0 }, onOpen: () => undefined });
    expect(define).toThrow(expect.objectContaining({ code: 'TROUPE_ARGUMENT_INVALID' }));
  });

  it('of a service that contradict those of the server are refused when it is registered', () => {
    const service = defineService({ basePath: '/a', limits: { hardCapBytes: MiB }, onOpen: () => undefined });
    expect(() => createTroupe({ services: [service], limits: { highWaterMarkBytes: 2 * MiB } })).toThrow(
      expect.objectContaining({ fields: expect.objectContaining({ argument: 'limits.hardCapBytes' }) }),
    );
  });
});
