import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../src/service/json-text.ts';

function nested(depth: number): string {
  return `${'[{"a":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}`;
}

describe('reading JSON', () => {
  it('gives what JSON.parse gives, for whatever is JSON and not deep', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = JSON.stringify(value);
        expect(parseJson(text, 32)).toEqual({ value: JSON.parse(text) });
      }),
    );
  });

  it('says of any other text that it is no JSON', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        let value: unknown;
        try {
          value = JSON.parse(text);
        } catch {
          expect(parseJson(text, 32)).toEqual({ fault: 'not-json' });
          return;
        }
        expect(parseJson(text, 32)).toEqual({ value });
      }),
    );
  });

  it('takes objects and arrays as deep as allowed and no deeper, before it parses', () => {
    expect(parseJson(nested(32), 32)).toHaveProperty('value');
    expect(parseJson(nested(34), 32)).toEqual({ fault: 'too-deep' });
    // Never closed, so it is no JSON either: the depth was seen first.
    expect(parseJson('['.repeat(1_000_000), 32)).toEqual({ fault: 'too-deep' });
  });

  it('counts no brackets within texts, and none that are closed', () => {
    const brackets = JSON.stringify(`${'['.repeat(100)}\\"${'{'.repeat(100)}`);
    expect(parseJson(`[${brackets},${brackets}]`, 1)).toHaveProperty('value');
    expect(parseJson(`[${'[],'.repeat(100)}[]]`, 2)).toHaveProperty('value');
  });

  it.each([['1e999'], ['-1E+400'], ['9'.repeat(400)], [`${'9'.repeat(300)}e99`], ['[0,{"a":[1e999]}]'], ['1.5e309']])(
    'refuses a number that no double holds: %s',
    (text) => {
      expect(parseJson(text, 32)).toEqual({ fault: 'number-too-large' });
    },
  );

  it.each([
    ['1e308', 1e308],
    ['1e-999', 0],
    ['"1e999"', '1e999'],
    ['9007199254740993', 9007199254740992],
    [`0.${'9'.repeat(400)}`, 1],
    ['true', true],
  ])('takes the others as JavaScript does: %s', (text, value) => {
    expect(parseJson(text, 32)).toEqual({ value });
  });

  it('keeps a key __proto__ as a property, and the last of the keys that stand twice', () => {
    const { value } = parseJson('{"__proto__":{"a":1},"b":1,"b":2}', 32) as { value: object };
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.entries(value)).toEqual([
      ['__proto__', { a: 1 }],
      ['b', 2],
    ]);
  });
});
