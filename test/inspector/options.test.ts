import { describe, expect, it } from 'vitest';
import { createTroupe, type InspectorOptions } from 'troupe';
import { resolveInspector } from '../../src/inspector/options.ts';

describe('the option inspector', () => {
  it('is off unless it is asked for', () => {
    expect(resolveInspector(undefined)).toBeUndefined();
    expect(resolveInspector(false)).toBeUndefined();
  });

  it('has defaults that show little to few', () => {
    const { admission, ...rest } = resolveInspector(true)!;
    expect(admission).toMatchObject({ path: '/__inspector', loopback: false, allowedOrigins: [] });
    expect(rest).toEqual({ redaction: 'all', allowActions: false, maxEventsPerSecond: 2000 });
    expect(resolveInspector({})!.admission.token).not.toBe(admission.token);
  });

  it('says what is shown', () => {
    const redact = (_path: readonly string[], value: unknown): unknown => value;
    expect(resolveInspector({ redact: false })!.redaction).toBe('none');
    expect(resolveInspector({ redact })!.redaction).toBe(redact);
  });

  it.each<[string, unknown]>([
    ['inspector', 'yes'],
    ['inspector', null],
    ['inspector.pat', { pat: '/x' }],
    ['inspector.path', { path: 'x' }],
    ['inspector.path', { path: '/' }],
    ['inspector.path', { path: '/x/' }],
    ['inspector.path', { path: '/a/../b' }],
    ['inspector.path', { path: 1 }],
    ['inspector.token', { token: 'short' }],
    ['inspector.token', { token: 'with a space in it, and long' }],
    ['inspector.token', { token: 1 }],
    ['inspector.loopback', { loopback: 'no' }],
    ['inspector.allowActions', { allowActions: 1 }],
    ['inspector.allowedOrigins', { allowedOrigins: '*' }],
    ['inspector.allowedOrigins', { allowedOrigins: [1] }],
    ['inspector.redact', { redact: true }],
    ['inspector.maxEventsPerSecond', { maxEventsPerSecond: 0 }],
  ])('is refused when %s is wrong: %j', (argument, inspector) => {
    const error = { code: 'TROUPE_ARGUMENT_INVALID', fields: expect.objectContaining({ argument }) };
    expect(() => createTroupe({ inspector: inspector as InspectorOptions })).toThrow(expect.objectContaining(error));
  });

  it('keeps a token that is refused to itself', () => {
    expect(() => resolveInspector({ token: 'not so secret' })).toThrow(/^(?!.*secret)/);
  });
});
