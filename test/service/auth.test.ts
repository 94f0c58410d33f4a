import { describe, expect, it } from 'vitest';
import { authenticated, reject, TroupeRangeError, TroupeTypeError } from 'troupe';
import { isAuthenticated, isNobody, isRejection } from '../../src/service/auth.ts';

describe('a rejection', () => {
  it('has a reason, and a challenge when it is a 401', () => {
    expect(reject(401)).toMatchObject({
      status: 401,
      reason: 'authentication is required',
      headers: { 'WWW-Authenticate': 'Bearer' },
    });
    expect(reject(403)).toMatchObject({ status: 403, reason: 'access is denied', headers: {} });
    expect(reject(401, 'why', { headers: { 'www-authenticate': 'Basic' } }).headers).toEqual({
      'www-authenticate': 'Basic',
    });
  });

  it.each([
    [() => reject(200 as never), TroupeRangeError],
    [() => reject('401' as never), TroupeRangeError],
    [() => reject(401, 5 as never), TroupeTypeError],
    [() => reject(401, '', { headers: { 'X-A': 'a\r\nb' } }), TroupeTypeError],
    [() => reject(401, '', { headers: { 'content-length': '5' } }), TroupeTypeError],
  ])('is nothing else: %#', (make, kind) => {
    expect(make).toThrow(kind);
  });

  it('is known to another copy of this package, which would let it in otherwise', () => {
    const foreign = { [Symbol.for('troupe.rejection')]: true };
    expect([isRejection(foreign), isRejection(reject(401)), isRejection({ status: 401 })]).toEqual([true, true, false]);
  });
});

describe('an auth with a lifetime', () => {
  it('knows its end in ms since 1970', () => {
    expect(authenticated('a', { expiresAt: new Date(5) })).toMatchObject({ auth: 'a', expiresAt: 5 });
    expect(authenticated('a', { expiresAt: 5 })).toMatchObject({ expiresAt: 5 });
    expect(authenticated('a').expiresAt).toBeUndefined();
    expect([isAuthenticated(authenticated('a')), isAuthenticated({ auth: 'a' })]).toEqual([true, false]);
  });

  it.each([Number.NaN, Infinity, '5', new Date('never'), null])('refuses %s as its end', (expiresAt) => {
    expect(() => authenticated('a', { expiresAt: expiresAt as never })).toThrow(TroupeTypeError);
  });
});

it('what look-ups answer that found nothing stands for nobody', () => {
  expect([undefined, null, false, 0, '', true].map(isNobody)).toEqual([true, true, true, false, false, false]);
});
