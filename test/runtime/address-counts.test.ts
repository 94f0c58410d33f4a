import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressCounts, networkOf } from '../../src/runtime/address-counts.ts';

describe('what counts as one address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::', '2001:db8:1:2'],
    ['2001:0DB8::1', '2001:db8:0:0'],
    ['2001:db8::5:6:7:8', '2001:db8:0:0'],
    ['1::2:3:4:5:6:7', '1:0:2:3'],
    ['::1', '0:0:0:0'],
    ['::', '0:0:0:0'],
    ['::192.0.2.1', '0:0:0:0'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['', ''],
  ])('"%s" is "%s"', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it('is the first half of any IPv6 address, however it is written', () => {
    const group = fc.integer({ min: 0, max: 0xffff });
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        fc.pre(groups.slice(0, 5).some((one) => one !== 0));
        const written = groups.map((one) => one.toString(16));
        const short = new URL(`http://[${written.join(':')}]/`).hostname.slice(1, -1);
        expect(networkOf(short)).toBe(written.slice(0, 4).join(':'));
        expect(networkOf(written.join(':'))).toBe(networkOf(short));
      }),
    );
  });
});

describe('the connections of an address', () => {
  it('have room up to the bound, and again when one has ended', () => {
    const counts = AddressCounts.of(2)!;
    for (const address of ['192.0.2.1', '::ffff:192.0.2.1']) counts.add(address);
    expect(counts.hasRoomFor('192.0.2.1')).toBe(false);
    expect(counts.hasRoomFor('192.0.2.2')).toBe(true);
    counts.remove('192.0.2.1');
    expect(counts.hasRoomFor('192.0.2.1')).toBe(true);
  });

  it('are not counted where nothing is known of the address', () => {
    const counts = AddressCounts.of(1)!;
    counts.add('');
    counts.add('');
    expect(counts.hasRoomFor('')).toBe(true);
    counts.remove('');
  });

  it('are not counted at all without a bound', () => {
    expect(AddressCounts.of(Infinity)).toBeUndefined();
  });
});
