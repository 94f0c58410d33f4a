import { describe, expect, it } from 'vitest';
import {
  admit,
  cookieFor,
  isLoopbackAddress,
  isLoopbackHost,
  type AdmissionPolicy,
  type Asking,
} from '../../src/inspector/admission.ts';

const policy: AdmissionPolicy = {
  path: '/__inspector',
  token: 'a-token-that-nobody-guesses',
  loopback: true,
  allowedOrigins: ['https://tools.example'],
};

const url = '/__inspector/ws';
const here: Asking = { remoteAddress: '127.0.0.1', headers: { host: 'localhost:9090' }, url };
const elsewhere: Asking = { remoteAddress: '203.0.113.9', headers: { host: 'app.example' }, url };
const withToken = (asking: Asking, token = policy.token): Asking => ({
  ...asking,
  url: `${asking.url}?token=${token}`,
});
const withHeaders = (asking: Asking, headers: Asking['headers']): Asking => ({
  ...asking,
  headers: { ...asking.headers, ...headers },
});
const cookie = cookieFor(policy, false).split(';')[0]!;

describe('a request from this machine', () => {
  it.each(['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'])('is admitted from %s', (remoteAddress) => {
    expect(admit(policy, { ...here, remoteAddress })).toBe('by-loopback');
  });

  it.each(['localhost', 'LOCALHOST:1', '127.0.0.1:9090', '[::1]:9090'])('is admitted to %s', (host) => {
    expect(admit(policy, withHeaders(here, { host }))).toBe('by-loopback');
  });

  it.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '127.0.0.2', '', undefined])(
    'is refused under the name %s, which a stranger may have given it',
    (host) => {
      expect(admit(policy, { ...here, headers: host === undefined ? {} : { host } })).toBe('refused');
    },
  );

  it.each([
    ...[
      'x-forwarded-for',
      'x-forwarded-port',
      'x-forwarded-server',
      'x-forwarded-prefix',
      'forwarded',
      'forwarded-for',
    ],
    ...['via', 'cdn-loop', 'x-real-ip', 'x-client-ip', 'true-client-ip', 'cf-connecting-ip', 'cf-ray'],
    ...['client-ip', 'wl-proxy-client-ip', 'x-azure-clientip', 'do-connecting-ip', 'x-nf-client-connection-ip'],
    ...['x-remote-addr', 'x-envoy-external-address', 'x-original-host', 'x-amzn-trace-id', 'fly-region'],
  ])('is refused with %s: it is made for another', (name) => {
    expect(admit(policy, withHeaders(here, { [name]: 'someone' }))).toBe('refused');
  });

  it('is admitted with what browsers and programs say of themselves', () => {
    const names = [
      'accept',
      'accept-encoding',
      'upgrade-insecure-requests',
      'sec-fetch-site',
      'sec-gpc',
      'dnt',
      'priority',
    ];
    const headers = Object.fromEntries([...names, 'x-requested-with', 'user-agent'].map((name) => [name, 'anything']));
    expect(admit(policy, withHeaders(here, headers))).toBe('by-loopback');
  });

  it('is refused without a token where the policy says so', () => {
    const strict = { ...policy, loopback: false };
    expect(admit(strict, here)).toBe('refused');
    expect(admit(strict, withToken(here))).toBe('by-query');
  });

  it('is refused with a wrong token', () => {
    expect(admit(policy, withToken(here, 'wrong'))).toBe('refused');
    expect(admit(policy, withToken(here, ''))).toBe('refused');
    expect(admit(policy, withHeaders(here, { cookie: `${cookie}x` }))).toBe('refused');
  });
});

describe('a request from elsewhere', () => {
  it.each(['203.0.113.9', '10.0.0.1', '::ffff:10.0.0.1', '2001:db8::1', '', undefined])(
    'is refused without a token, whatever it calls the server: %s',
    (remoteAddress) => {
      expect(admit(policy, { ...elsewhere, remoteAddress })).toBe('refused');
      expect(admit(policy, { ...here, remoteAddress })).toBe('refused');
    },
  );

  it('is admitted with the token, from the query or from the cookie', () => {
    expect(admit(policy, withToken(elsewhere))).toBe('by-query');
    expect(admit(policy, withHeaders(elsewhere, { cookie: `other=1; ${cookie}; more=2` }))).toBe('by-cookie');
  });

  it.each(['wrong', 'a-token-that-nobody-guesse', 'a-token-that-nobody-guesses ', 'A-TOKEN-THAT-NOBODY-GUESSES'])(
    'is refused with %s',
    (token) => {
      expect(admit(policy, withToken(elsewhere, encodeURIComponent(token)))).toBe('refused');
    },
  );

  it('is refused with the cookie of another server, or one that is broken', () => {
    const other = cookieFor({ ...policy, token: 'another-token-of-another-server' }, false).split(';')[0]!;
    expect(admit(policy, withHeaders(elsewhere, { cookie: other }))).toBe('refused');
    expect(admit(policy, withHeaders(elsewhere, { cookie: `${cookie.split('=')[0]!}=%E0%A4` }))).toBe('refused');
  });
});

describe('the page of a stranger', () => {
  it.each(['https://evil.example', 'null', 'http://localhost:1234', 'http://127.0.0.1:9090'])(
    'is refused, its token right or not: %s',
    (origin) => {
      expect(admit(policy, withHeaders(here, { origin }))).toBe('refused');
      expect(admit(policy, withToken(withHeaders(here, { origin })))).toBe('refused');
    },
  );

  it('is told from the own pages and from those that are allowed', () => {
    expect(admit(policy, withHeaders(here, { origin: 'http://localhost:9090' }))).toBe('by-loopback');
    expect(admit(policy, withHeaders(here, { origin: 'https://tools.example' }))).toBe('by-loopback');
    expect(admit(policy, withToken(withHeaders(elsewhere, { origin: 'https://app.example' })))).toBe('by-query');
  });
});

describe('the cookie', () => {
  it('goes to the inspector only, is seen by no script and sent from no other site', () => {
    expect(cookieFor(policy, false)).toMatch(
      /^troupe-inspector-[0-9a-f]{8}=[\w-]{43}; Path=\/__inspector; HttpOnly; SameSite=Strict$/,
    );
    expect(cookieFor(policy, true)).toMatch(/; Secure$/);
  });

  // A browser sends it to all ports of a host: another program there was given the token.
  it('holds nothing that is of use as a token', () => {
    const [name, value] = cookie.split('=') as [string, string];
    expect(cookie).not.toContain(policy.token);
    expect(admit(policy, withToken(elsewhere, value))).toBe('refused');
    const asValue = { cookie: `${name}=${policy.token}` };
    expect(admit(policy, withHeaders(elsewhere, asValue))).toBe('refused');
  });

  it('is the same after a restart with the same token, and another for another path or token', () => {
    expect(cookieFor({ ...policy }, false)).toBe(cookieFor(policy, false));
    const others = [
      { ...policy, path: '/look' },
      { ...policy, token: 'another-token-of-another-server' },
    ];
    for (const other of others) {
      expect(admit(other, withHeaders(elsewhere, { cookie }))).toBe('refused');
    }
  });
});

describe('addresses and names of this machine', () => {
  it('are no more than they are', () => {
    expect(isLoopbackAddress('127.0.0.1.evil.example')).toBe(false);
    expect(isLoopbackAddress('1127.0.0.1')).toBe(false);
    expect(isLoopbackHost('localhost:9090@evil.example')).toBe(false);
    expect(isLoopbackHost('[::1]evil')).toBe(false);
  });
});
