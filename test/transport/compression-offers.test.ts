import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceptableOffer } from '../../src/transport/compression-offers.ts';

const declined = { header: undefined, windowBits: undefined };

describe('of what a handshake offers', () => {
  it.each([
    { offered: 'permessage-deflate', windowBits: 15 },
    { offered: 'permessage-deflate; client_max_window_bits', windowBits: 15 },
    { offered: 'permessage-deflate; client_max_window_bits=8', windowBits: 15 },
    { offered: 'permessage-deflate; server_no_context_takeover; client_no_context_takeover', windowBits: 15 },
    { offered: 'permessage-deflate; server_max_window_bits=10', windowBits: 10 },
    { offered: 'permessage-deflate; server_max_window_bits=8; client_max_window_bits=15', windowBits: 8 },
  ])('$offered is accepted', ({ offered, windowBits }) => {
    expect(acceptableOffer(offered)).toEqual({ header: offered, windowBits });
  });

  it.each([
    ['an extension that is not known', 'x-webkit-deflate-frame, permessage-bzip2; level=1'],
    ['a parameter that is not known', 'permessage-deflate; memory=8'],
    ['a name that every object has', 'permessage-deflate; constructor'],
    ['a parameter that comes twice', 'permessage-deflate; client_max_window_bits; client_max_window_bits=10'],
    ['a flag with a value', 'permessage-deflate; server_no_context_takeover=true'],
    ['a window without a value', 'permessage-deflate; server_max_window_bits'],
    ['a window that is too small', 'permessage-deflate; server_max_window_bits=7'],
    ['a window that is too large', 'permessage-deflate; client_max_window_bits=16'],
    ['a window with a leading zero', 'permessage-deflate; server_max_window_bits=08'],
    ['a window in another notation', 'permessage-deflate; server_max_window_bits=0x0f'],
  ])('%s is declined', (_, offered) => {
    expect(acceptableOffer(offered)).toEqual(declined);
  });

  it.each([
    {
      offered: 'permessage-deflate; server_max_window_bits=10, permessage-deflate',
      header: 'permessage-deflate; server_max_window_bits=10',
      windowBits: 10,
    },
    {
      offered: 'permessage-deflate; memory=8, x, permessage-deflate; server_max_window_bits=12, permessage-deflate',
      header: 'permessage-deflate; server_max_window_bits=12',
      windowBits: 12,
    },
    {
      offered: '\tpermessage-deflate ;\tserver_max_window_bits="11" ,x',
      header: 'permessage-deflate; server_max_window_bits=11',
      windowBits: 11,
    },
  ])('the first acceptable one counts: $offered', ({ offered, header, windowBits }) => {
    expect(acceptableOffer(offered)).toEqual({ header, windowBits });
  });

  it.each(['', ';', ',', 'permessage-deflate;', 'permessage-deflate,', 'a b', 'a=1', 'a; b=', 'a; "b"', 'a; b="', 'ä'])(
    'nothing is read when it is no list of extensions: "%s"',
    (offered) => {
      expect(acceptableOffer(offered)).toBeUndefined();
    },
  );

  it('nothing is read when there is no header', () => {
    expect(acceptableOffer(undefined)).toBeUndefined();
  });

  it('nothing makes it throw, and whatever it accepts it would accept again', () => {
    const pieces = fc.constantFrom(
      ...['permessage-deflate', 'server_max_window_bits', 'client_max_window_bits', '=', '"', '10', '8', ';', ',', ' '],
      'client_no_context_takeover',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const offer = acceptableOffer(parts.join(''));
        if (offer?.header !== undefined) expect(acceptableOffer(offer.header)).toEqual(offer);
      }),
      { numRuns: 2000 },
    );
  });
});
