import { describe, expect, it } from 'vitest';
import { createTroupe, defineService, TroupeRangeError, TroupeTypeError } from 'troupe';
import { resolveCompression } from '../../src/service/compression.ts';

const handlers = { onTextMessage: () => undefined };
const defaults = { thresholdBytes: 1024, maxBytes: 1_048_576, level: 6 };

describe('compression', () => {
  it('is off unless asked for', () => {
    expect(resolveCompression(undefined)).toBeUndefined();
    expect(resolveCompression(false)).toBeUndefined();
  });

  it('has defaults for what is left out', () => {
    expect(resolveCompression(true)).toEqual(defaults);
    expect(resolveCompression({})).toEqual(defaults);
    expect(resolveCompression({ level: 1 })).toEqual({ ...defaults, level: 1 });
    expect(resolveCompression({ thresholdBytes: 0, maxBytes: 0 })).toEqual({
      ...defaults,
      thresholdBytes: 0,
      maxBytes: 0,
    });
  });

  it.each([true, false, {}, { thresholdBytes: 0 }, { maxBytes: 1, level: 9 }])('can be %j', (compression) => {
    expect(defineService({ ...handlers, compression }).options.compression).toEqual(compression);
    createTroupe({ compression });
  });

  it.each([
    ['compression', 'yes', TroupeTypeError],
    ['compression', null, TroupeTypeError],
    ['compression', [], TroupeTypeError],
    ['compression.threshold', { threshold: 5 }, TroupeTypeError],
    ['compression.level', { level: '6' }, TroupeTypeError],
    ['compression.level', { level: 0 }, TroupeRangeError],
    ['compression.level', { level: 10 }, TroupeRangeError],
    ['compression.thresholdBytes', { thresholdBytes: -1 }, TroupeRangeError],
    ['compression.maxBytes', { maxBytes: 0.5 }, TroupeRangeError],
  ])('names %s when it is %j', (argument, compression: unknown, errorClass) => {
    // As plain JavaScript would pass it.
    const options = { compression: compression as boolean };
    for (const call of [() => defineService({ ...handlers, ...options }), () => createTroupe(options)]) {
      expect(call).toThrow(errorClass);
      expect(call).toThrow(argument);
    }
  });
});
