import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TroupeError } from 'troupe';
import { decode, encode, type Loss } from '../../src/recorder/values.ts';

function roundTrip(value: unknown, maxLength = 1e6): { value: unknown; lost: Loss[]; length: number } {
  const lost: Loss[] = [];
  const json = encode(value, { maxLength, lost: (loss) => lost.push(loss) });
  const text = JSON.stringify(json);
  return { value: decode(JSON.parse(text) as typeof json), lost, length: text.length };
}

const anything = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withTypedArray: false,
  withObjectString: true,
});

describe('a value in a recording', () => {
  it('comes back as it was, with nothing lost', () => {
    fc.assert(
      fc.property(fc.oneof(anything, fc.uint8Array(), fc.dictionary(fc.constant('$type'), anything)), (value) => {
        const back = roundTrip(value);
        expect(back.lost).toEqual([]);
        // JSON has one nought, and prototypes of data are not data.
        expect(encode(back.value, { maxLength: 1e6 })).toEqual(encode(value, { maxLength: 1e6 }));
      }),
    );
  });

  it('keeps what errors are told apart by', () => {
    const { value } = roundTrip([
      new RangeError('too far'),
      Object.assign(new Error('gone'), { code: 'ENOENT' }),
      new TroupeError('TROUPE_CLOSED', { state: 'closed' }),
    ]);
    const [range, coded, ours] = value as Error[];
    expect(range).toBeInstanceOf(RangeError);
    expect(coded).toMatchObject({ message: 'gone', code: 'ENOENT' });
    expect(ours).toBeInstanceOf(TroupeError);
    expect(ours).toMatchObject({ code: 'TROUPE_CLOSED', fields: { state: 'closed' } });
  });

  it('is cut at its bound, and says so', () => {
    for (const large of ['x'.repeat(9999), new Uint8Array(9999), Array.from({ length: 9999 }, () => 1)]) {
      const { lost, length } = roundTrip({ large }, 300);
      expect(lost).toContain('cut');
      expect(length).toBeLessThan(800);
    }
  });

  it('may be anything, and never fails', () => {
    const loop: Record<string, unknown> = {};
    loop['itself'] = loop;
    const deep: unknown[] = [];
    let inner = deep;
    for (let depth = 0; depth < 5000; depth++) inner.push((inner = []));
    const trap = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('not yours');
        },
      },
    );
    for (const odd of [
      loop,
      deep,
      trap,
      () => {},
      Symbol('s'),
      new WeakMap(),
      new (class Own {
        field = 1;
      })(),
    ]) {
      expect(roundTrip({ odd }).lost).not.toEqual([]);
    }
  });
});
