import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { closeCodes, isSendableCloseCode, TroupeRangeError } from 'troupe';
import { MAX_CLOSE_REASON_BYTES } from '../src/close-codes.ts';

const entries = Object.entries(closeCodes);

describe('the registered close codes', () => {
  it('are those of RFC 6455 §7.4.1 and four that the registry added', () => {
    expect(entries.map(([code]) => Number(code))).toEqual([
      1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015, 3000,
    ]);
  });

  it.each(entries)('%s is filed under its own number, with a name and a meaning', (number, { code, name, meaning }) => {
    expect(code).toBe(Number(number));
    expect(name).toMatch(/^[A-Z]/);
    expect(meaning).toMatch(/^[A-Z].*\.$/);
  });

  it('may be sent, all but those that only describe an end', () => {
    const unsendable = entries.filter(([, { sendable }]) => !sendable).map(([, { code }]) => code);
    expect(unsendable).toEqual([1005, 1006, 1015]);
  });

  it.each([
    [1000, 'no'],
    [1001, 'later'],
    [1006, 'later'],
    [1008, 'no'],
    [1009, 'no'],
    [1011, 'later'],
    [1012, 'now'],
    [1013, 'later'],
    [3000, 'later'],
  ] as const)('%i says to connect again: %s', (code, reconnect) => {
    expect(closeCodes[code].reconnect).toBe(reconnect);
  });

  // A server that broke or went away is worth another try; a program that broke a rule will break it again.
  it('never ask a program at fault to connect again', () => {
    const atFault = [1002, 1003, 1007, 1008, 1009, 1010] as const;
    expect(atFault.map((code) => closeCodes[code].reconnect)).toEqual(atFault.map(() => 'no'));
  });
});

describe('sendable codes', () => {
  it.each([1000, 1003, 1007, 1014, 3000, 4000, 4999])('%d is one', (code) => {
    expect(isSendableCloseCode(code)).toBe(true);
  });

  it.each([-1, 0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 1000.5, 3000.5, Number.NaN, Infinity])(
    '%d is none',
    (code) => {
      expect(isSendableCloseCode(code)).toBe(false);
    },
  );

  it('are told in the error exactly as they are', () => {
    const { message } = new TroupeRangeError('TROUPE_CLOSE_CODE_INVALID', { closeCode: 1 });
    const told = [...message.matchAll(/(\d{4}) to (\d{4})/g)].map(
      ([, from, to]) => [Number(from), Number(to)] as const,
    );
    expect(told).toHaveLength(3);
    for (let code = 999; code <= 5001; code += 1) {
      expect(told.some(([from, to]) => code >= from && code <= to)).toBe(isSendableCloseCode(code));
    }
  });

  it('leave 123 bytes for the reason: a control frame holds 125, the code takes two', () => {
    expect(MAX_CLOSE_REASON_BYTES).toBe(125 - 2);
    expect(readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8')).toContain(
      `${MAX_CLOSE_REASON_BYTES} UTF-8 bytes`,
    );
  });
});
