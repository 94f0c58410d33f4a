import { describe, expect, it } from 'vitest';
import { percentDecode } from '../src/percent-decode.ts';

describe('percent-decoding', () => {
  it.each([
    ['abc', 'abc'],
    ['%61', 'a'],
    ['a%2Fb', 'a/b'],
    ['%25', '%'],
    ['%e2%82%ac', '€'],
    ['%', undefined],
    ['%e2%82', undefined],
    ['%c0%af', undefined],
  ])('of %s is %j', (segment, decoded) => {
    expect(percentDecode(segment)).toBe(decoded);
  });
});
