import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSendableCloseCode, TroupeRangeError, TroupeTypeError } from 'troupe';
import { checkClose, checkData, checkName, checkText, describe as describeValue } from '../src/arguments.ts';

/** What a program without types passes. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what it should have been
function wrong<Value>(value: unknown): Value {
  return value as Value;
}

/** What `check` throws. */
function thrown(check: () => void): unknown {
  try {
    check();
    return 'nothing';
  } catch (error) {
    return error;
  }
}

function expectTypeError(check: () => void, argument: string): void {
  const error = thrown(check);
  expect(error).toBeInstanceOf(TroupeTypeError);
  expect(error).toBeInstanceOf(TypeError);
  expect(error).toMatchObject({ code: 'TROUPE_ARGUMENT_INVALID', fields: { argument } });
}

const noStrings = [
  undefined,
  null,
  0,
  1n,
  true,
  Symbol('a'),
  {},
  [],
  () => undefined,
  Buffer.from('x'),
  new String('x'),
];

describe('text', () => {
  it.each(['', 'a', '\0', 'x'.repeat(100_000)])('is any string', (text) => {
    expect(thrown(() => checkText(text))).toBe('nothing');
  });

  it.each(noStrings)('is not %s', (value) => {
    expectTypeError(() => checkText(wrong(value)), 'text');
  });
});

describe('data', () => {
  it('is any Uint8Array, a Buffer too', () => {
    for (const data of [new Uint8Array(), Buffer.from('x')]) expect(thrown(() => checkData(data))).toBe('nothing');
  });

  it.each([undefined, null, 'text', [1], new ArrayBuffer(1), new Uint16Array(1), new DataView(new ArrayBuffer(1))])(
    'is not %s',
    (value) => {
      expectTypeError(() => checkData(wrong(value)), 'data');
    },
  );
});

describe('a name', () => {
  it('has 1 to 512 UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), (name) => {
        const bytes = new TextEncoder().encode(name).length;
        if (bytes >= 1 && bytes <= 512) expect(thrown(() => checkName('name', name))).toBe('nothing');
        else expectTypeError(() => checkName('name', name), 'name');
      }),
    );
  });

  it.each([
    ['a'.repeat(512), true],
    ['a'.repeat(513), false],
    ['€'.repeat(170) + 'ab', true],
    ['€'.repeat(170) + 'abc', false],
    ['😀'.repeat(128), true],
    ['😀'.repeat(128) + 'a', false],
    ['\ud800'.repeat(170) + 'ab', true],
    ['\ud800'.repeat(171), false],
    ['__proto__', true],
    [' ', true],
    ['', false],
  ])('is measured at the border, in bytes', (name, isValid) => {
    const error = thrown(() => checkName('group', name));
    expect(error === 'nothing').toBe(isValid);
  });

  it.each(noStrings)('is not %s', (value) => {
    for (const argument of ['name', 'group', 'service'] as const) {
      expectTypeError(() => checkName(argument, wrong(value)), argument);
    }
  });
});

describe('a close', () => {
  it.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])(
    'may have the code %i',
    (code) => {
      expect(thrown(() => checkClose(code, ''))).toBe('nothing');
    },
  );

  it.each([-1, 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535, 1000.5, Number.NaN, Infinity])(
    'may not have the code %d',
    (code) => {
      const error = thrown(() => checkClose(code, ''));
      expect(error).toBeInstanceOf(TroupeRangeError);
      expect(error).toBeInstanceOf(RangeError);
      expect(error).toMatchObject({ code: 'TROUPE_CLOSE_CODE_INVALID', fields: { closeCode: code } });
    },
  );

  it('may have exactly the codes that semantics allow', () => {
    const refused = (code: number): boolean =>
      code < 1000 || (code >= 1004 && code <= 1006) || code === 1015 || (code >= 1016 && code <= 2999) || code > 4999;
    for (let code = 0; code <= 6000; code += 1) expect(isSendableCloseCode(code)).toBe(!refused(code));
  });

  it.each(['1000', null, {}, 1000n])('has a code that is a number, not %s', (code) => {
    expectTypeError(() => checkClose(wrong(code), ''), 'code');
  });

  it.each([null, 0, {}, Buffer.from('x')])('has a reason that is a string, not %s', (reason) => {
    expectTypeError(() => checkClose(1000, wrong(reason)), 'reason');
  });

  it.each([
    ['x'.repeat(123), 0],
    ['x'.repeat(124), 124],
    ['€'.repeat(41), 0],
    ['€'.repeat(41) + 'x', 124],
  ])('has a reason of at most 123 UTF-8 bytes', (reason, bytes) => {
    const error = thrown(() => checkClose(1000, reason));
    if (bytes === 0) expect(error).toBe('nothing');
    else {
      expect(error).toBeInstanceOf(TroupeRangeError);
      expect(error).toMatchObject({ code: 'TROUPE_CLOSE_REASON_TOO_LONG', fields: { bytes, maxBytes: 123 } });
    }
  });
});

describe('the description of a value', () => {
  class Secret {
    password = '1234';
  }

  it.each<[unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    [1234, 'a number'],
    ['1234', 'a string'],
    [1234n, 'a bigint'],
    [Symbol('1234'), 'a symbol'],
    [{ password: '1234' }, 'an object'],
    [Object.create(null), 'an object'],
    [['1234'], 'an instance of Array'],
    [new Secret(), 'an instance of Secret'],
    [Secret, 'the function "Secret"'],
    [() => '1234', 'a function'],
  ])('names its kind and never its contents: %#', (value, text) => {
    expect(describeValue(value)).toBe(text);
  });
});
