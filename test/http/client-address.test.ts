import fc from 'fast-check';
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createTroupe, type TrustProxy } from 'troupe';
import { addressReader } from '../../src/http/client-address.ts';

function from(remoteAddress: string | undefined, forwardedFor?: string): IncomingMessage {
  const headers = { ...(forwardedFor !== undefined && { 'x-forwarded-for': forwardedFor }) };
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage;
}

describe('without trusted proxies', () => {
  it('the address is that of the socket, whatever the header says', () => {
    expect(addressReader(undefined)(from('192.0.2.1', '198.51.100.7'))).toBe('192.0.2.1');
    expect(addressReader([])(from('192.0.2.1', '198.51.100.7'))).toBe('192.0.2.1');
    expect(addressReader(0)(from('192.0.2.1', '198.51.100.7'))).toBe('192.0.2.1');
  });

  it('is empty for a socket that has none', () => {
    expect(addressReader(undefined)(from(undefined))).toBe('');
  });
});

describe('with trusted proxies', () => {
  it.each<[string, TrustProxy, string | undefined, string | undefined, string]>([
    ['the client of the proxy', ['10.0.0.1'], '10.0.0.1', '198.51.100.7', '198.51.100.7'],
    ['the socket, when that is no proxy of ours', ['10.0.0.1'], '10.0.0.2', '198.51.100.7', '10.0.0.2'],
    ['what the last proxy says, not what the client claims', ['10.0.0.1'], '10.0.0.1', '1.1.1.1, 2.2.2.2', '2.2.2.2'],
    [
      'behind several, the first that is none of them',
      ['10.0.0.0/8'],
      '10.0.0.1',
      '6.6.6.6, 5.5.5.5, 10.9.9.9',
      '5.5.5.5',
    ],
    ['the first proxy, when nobody is in front of it', ['10.0.0.0/8'], '10.0.0.1', '10.0.0.3', '10.0.0.3'],
    ['the proxy, when it says nothing', ['10.0.0.1'], '10.0.0.1', undefined, '10.0.0.1'],
    ['an IPv4 proxy that an IPv6 socket shows', ['10.0.0.0/8'], '::ffff:10.0.0.1', '7.7.7.7', '7.7.7.7'],
    ['a block of IPv6', ['fd00::/8'], 'fd12::1', '2001:DB8:0:0::7', '2001:db8::7'],
    ['an entry with a port', ['::1'], '::1', '198.51.100.7:4711', '198.51.100.7'],
    ['an IPv6 entry with a port', ['::1'], '::1', '[2001:db8::7]:4711', '2001:db8::7'],
    ['one hop', 1, '10.0.0.1', '6.6.6.6, 5.5.5.5', '5.5.5.5'],
    ['two hops', 2, '10.0.0.1', '6.6.6.6, 5.5.5.5, 4.4.4.4', '5.5.5.5'],
    ['more hops than there are', 5, '10.0.0.1', '6.6.6.6, 5.5.5.5', '6.6.6.6'],
    ['a hop over a local socket', 1, undefined, '5.5.5.5', '5.5.5.5'],
    ['the proxy, when it hands on nonsense', 1, '10.0.0.1', '5.5.5.5, <script>', '10.0.0.1'],
    ['the proxy, for an obfuscated entry', ['10.0.0.1'], '10.0.0.1', 'unknown', '10.0.0.1'],
    ['the proxy, for an empty entry', 1, '10.0.0.1', '5.5.5.5,', '10.0.0.1'],
  ])('is %s', (_what, trustProxy, socket, header, expected) => {
    expect(addressReader(trustProxy)(from(socket, header))).toBe(expected);
  });

  it('is never one that the client made up, however much it writes', () => {
    const read = addressReader(['10.0.0.0/8']);
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string())), fc.ipV4(), (claims, client) => {
        fc.pre(!client.startsWith('10.'));
        // What a proxy appends comes last.
        expect(read(from('10.0.0.1', [...claims, client].join(', ')))).toBe(client);
      }),
    );
  });
});

describe('proxies that are none', () => {
  it.each<[unknown, new () => Error]>([
    [['10.0.0.0/33'], RangeError],
    [['::1/129'], RangeError],
    [['10.0.0.0/'], RangeError],
    [['10.0.0.0/8/8'], RangeError],
    [['localhost'], RangeError],
    [[''], RangeError],
    [[1], TypeError],
    ['10.0.0.1', TypeError],
    [true, TypeError],
    [-1, RangeError],
    [1.5, RangeError],
    [Number.NaN, RangeError],
    [101, RangeError],
  ])('%j are refused when the Troupe is made', (trustProxy, type) => {
    const make = () => createTroupe({ trustProxy: trustProxy as TrustProxy });
    expect(make).toThrow(type);
    expect(make).toThrow(
      expect.objectContaining({
        code: 'TROUPE_ARGUMENT_INVALID',
        fields: expect.objectContaining({ argument: 'trustProxy' }),
      }),
    );
  });
});
