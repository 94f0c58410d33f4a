import { describe, expect, it } from 'vitest';
import { isOriginAllowed, type AllowedOrigins } from '../../src/http/origin.ts';

function allows(origin: string | undefined, host: string | undefined, allowed?: AllowedOrigins): boolean {
  return isOriginAllowed({ ...(origin !== undefined && { origin }), ...(host !== undefined && { host }) }, allowed);
}

describe('a request without Origin', () => {
  it('comes from no page and is allowed, whatever the list', () => {
    expect(allows(undefined, 'app.example')).toBe(true);
    expect(allows(undefined, 'app.example', [])).toBe(true);
    expect(allows(undefined, undefined, ['https://app.example'])).toBe(true);
  });
});

describe('a page of this server', () => {
  it.each([
    ['http://app.example', 'app.example'],
    ['http://app.example:8080', 'app.example:8080'],
    ['http://app.example', 'app.example:80'],
    ['http://app.example:80', 'app.example'],
    ['https://app.example', 'app.example:443'],
    ['https://app.example:443', 'app.example'],
    ['http://APP.example', 'app.EXAMPLE'],
    ['HTTP://app.example', 'app.example'],
    ['http://127.0.0.1:9090', '127.0.0.1:9090'],
    ['http://[::1]:9090', '[::1]:9090'],
    ['http://[::1]', '[0:0:0:0:0:0:0:1]'],
    ['http://xn--bcher-kva.example', 'bücher.example'],
  ])('%s is allowed at host %s', (origin, host) => {
    expect(allows(origin, host)).toBe(true);
    expect(allows(origin, host, [])).toBe(true);
  });

  it('is allowed over https too, when a proxy ends TLS', () => {
    expect(allows('https://app.example', 'app.example')).toBe(true);
  });
});

describe('a page of another server', () => {
  it.each([
    ['http://evil.example', 'app.example'],
    ['http://app.example.evil.example', 'app.example'],
    ['http://evil-app.example', 'app.example'],
    ['http://sub.app.example', 'app.example'],
    ['http://app.example:81', 'app.example'],
    ['http://app.example', 'app.example:8080'],
    ['http://app.example:443', 'app.example:80'],
    ['https://app.example', 'app.example:80'],
    ['http://app.example@evil.example', 'app.example'],
    ['http://localhost:9090', '127.0.0.1:9090'],
    ['null', 'app.example'],
    ['', 'app.example'],
    ['app.example', 'app.example'],
    ['*', 'app.example'],
    ['http://app.example, http://evil.example', 'app.example'],
    ['http://app.example', undefined],
    ['file://', 'app.example'],
    ['file://', ''],
    ['null', 'null'],
  ])('%s is not allowed at host %s', (origin, host) => {
    expect(allows(origin, host)).toBe(false);
  });

  // Whoever writes an extension or an application with a scheme of its own chooses the host part freely.
  it('with a scheme of its own is not a page of this server, though its host is ours', () => {
    expect(allows('chrome-extension://app.example', 'app.example')).toBe(false);
    expect(allows('evil://app.example', 'app.example')).toBe(false);
  });
});

describe('the list of allowed origins', () => {
  const list = ['https://app.example', 'http://127.0.0.1:3000', 'https://[2001:db8::1]:8443'];

  it.each(['https://app.example', 'https://APP.example:443', 'http://127.0.0.1:3000', 'https://[2001:DB8:0::1]:8443'])(
    'allows %s',
    (origin) => {
      expect(allows(origin, 'other.example', list)).toBe(true);
    },
  );

  it.each(['http://app.example', 'https://app.example:444', 'https://sub.app.example', 'http://127.0.0.1', 'null'])(
    'does not allow %s, as scheme, host and port must be the same',
    (origin) => {
      expect(allows(origin, 'other.example', list)).toBe(false);
    },
  );

  it('may be written with a slash at the end', () => {
    expect(allows('https://app.example', 'other.example', ['https://app.example/'])).toBe(true);
  });

  it('allows null only when it says so', () => {
    expect(allows('null', 'other.example', ['null'])).toBe(true);
    expect(allows('https://evil.example', 'other.example', ['null'])).toBe(false);
  });

  it('with an entry that is no origin allows nothing by it', () => {
    expect(allows('https://app.example', 'other.example', ['app.example', '', 'https://'])).toBe(false);
  });

  // `new URL(...).origin` is "null" for every scheme but those of the web, so two of them look the same.
  it('tells schemes of applications and extensions apart', () => {
    expect(allows('capacitor://localhost', 'other.example', ['capacitor://localhost'])).toBe(true);
    expect(allows('chrome-extension://evil', 'other.example', ['capacitor://localhost'])).toBe(false);
    expect(allows('capacitor://evil', 'other.example', ['capacitor://localhost'])).toBe(false);
    expect(allows('chrome-extension://abcd', 'other.example', ['chrome-extension://efgh'])).toBe(false);
  });

  it("that is '*' allows every page", () => {
    for (const origin of ['https://evil.example', 'null', 'nonsense'])
      expect(allows(origin, 'app.example', '*')).toBe(true);
  });
});
