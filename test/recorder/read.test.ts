import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { replayRecording, TroupeError } from 'troupe';
import { readRecording } from '../../src/recorder/read.ts';
import { till } from '../support/recorded-services.ts';

const header = {
  kind: 'recording',
  format: 1,
  troupe: '1.0.0',
  node: 'v20.19.0',
  service: '/till/machine',
  form: 'machine',
  reason: 'crash',
  writtenAt: 0,
  gaps: [],
  connection: { id: 'a', path: '/till/machine', pathParams: {}, subprotocol: '', isSecure: false, openedAt: 0 },
};
const begin = { at: 1, kind: 'begin', from: 'start' };
const end = (entries: number): object => ({ kind: 'end', entries });
const lines = (...all: readonly object[]): string => all.map((line) => `${JSON.stringify(line)}\n`).join('');

describe('reading a recording', () => {
  it('takes one that is as it has to be', () => {
    const { entries } = readRecording(lines(header, begin, end(1)));
    expect(entries).toEqual([begin]);
  });

  it.each([
    ['', 1, 'no JSON'],
    ['{', 1, 'no JSON'],
    ['null', 1, 'no object'],
    [lines([]), 1, 'no object'],
    [lines(end(0)), 1, '"kind"'],
    [lines({ ...header, format: 2 }, end(0)), 1, '"format" is not 1'],
    [lines({ ...header, writtenAt: 1e300 }, end(0)), 1, '"writtenAt"'],
    [lines({ ...header, connection: { ...header.connection, id: 5 } }, end(0)), 1, '"connection" "id"'],
    [lines({ ...header, base: { life: -1 } }, end(0)), 1, '"base" "life"'],
    [lines(header), 1, 'in the middle'],
    [lines(header, begin), 2, 'in the middle'],
    [lines(header, begin, end(2)), 3, 'entries are missing'],
    [lines(header, { ...begin, kind: '__proto__' }, end(1)), 2, '"kind"'],
    [lines(header, { ...begin, at: 'now' }, end(1)), 2, '"at"'],
    [lines(header, { ...begin, from: 'anywhere' }, end(1)), 2, '"from"'],
    [lines(header, { at: 1, kind: 'step', event: { text: 'no type' } }, end(1)), 2, '"event" is no event'],
    [lines(header, { at: 1, kind: 'step', event: { type: 'a', $type: 'Map', entries: [1] } }, end(1)), 2, '"event"'],
    [lines(header, { at: 1, kind: 'answer', request: -1 }, end(1)), 2, '"request"'],
    [`${JSON.stringify(header)}\n${'['.repeat(100_000)}\n`, 2, ''],
  ])('refuses %.60s', async (text, line, reason) => {
    const refused = expect.objectContaining({
      code: 'TROUPE_RECORDING_INVALID',
      fields: { line, reason: expect.stringContaining(reason) as string },
    }) as Error;
    expect(() => readRecording(text)).toThrow(refused);
    await expect(replayRecording(text, [till('machine')])).rejects.toThrow(refused);
  });

  it('takes or refuses whatever a line is changed into, and never fails otherwise', () => {
    const text = lines(
      header,
      begin,
      { at: 2, kind: 'event', event: { type: 'ws.open' }, lifecycle: 'opening' },
      end(2),
    );
    fc.assert(
      fc.property(fc.nat({ max: text.length }), fc.nat({ max: 9 }), fc.string({ maxLength: 9 }), (from, count, put) => {
        try {
          readRecording(text.slice(0, from) + put + text.slice(from + count));
        } catch (error) {
          expect(error).toBeInstanceOf(TroupeError);
        }
      }),
    );
  });

  it('a prototype in a value is data', () => {
    const event = JSON.parse('{"type":"a","__proto__":{"isAdmin":true}}') as object;
    readRecording(lines(header, { at: 1, kind: 'step', event }, end(1)));
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
  });
});
