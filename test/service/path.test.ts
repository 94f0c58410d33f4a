import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRoute } from '../../src/service/path.ts';

describe('a path', () => {
  it.each([
    [['/chat', '/{room}'], '/chat/{room}'],
    [['chat/', '{room}'], '/chat/{room}'],
    [['//chat//', '//lobby//'], '/chat/lobby'],
    [['', ''], '/'],
    [['/', '/'], '/'],
    [['', '/ws'], '/ws'],
    [['/a/b/c', '/d/{e}/f'], '/a/b/c/d/{e}/f'],
  ])('of %j is normalised to %s', (parts, path) => {
    expect(parseRoute('a service', ...parts).path).toBe(path);
  });

  it('is read as literals and parameters, segment by segment', () => {
    expect(parseRoute('a service', '/chat/{room}/caf%C3%A9').segments).toEqual([
      { literal: 'chat' },
      { param: 'room' },
      { literal: 'café' },
    ]);
  });

  it.each(['{a}', '{room_1}', '{$x}', '{_}', '{__proto__}', '{constructor}'])(
    'may have the parameter %s',
    (segment) => {
      expect(parseRoute('a service', segment).segments).toEqual([{ param: segment.slice(1, -1) }]);
    },
  );

  it.each([
    ['/{}', 'mixes'],
    ['/{a', 'mixes'],
    ['/a}', 'mixes'],
    ['/{1a}', 'mixes'],
    ['/{a-b}', 'mixes'],
    ['/room-{a}', 'mixes'],
    ['/{a}{b}', 'mixes'],
    ['/{a}/x/{a}', 'twice'],
    ['/a?b', 'no path may'],
    ['/a#b', 'no path may'],
    ['/a b', 'no path may'],
    ['/a\tb', 'no path may'],
    ['/a\nb', 'no path may'],
    ['/./a', 'never arrive'],
    ['/a/..', 'never arrive'],
    ['/%', 'percent-encoding'],
    ['/%c3%28', 'percent-encoding'],
  ])('%j is refused, as it %s', (path, reason) => {
    expect(() => parseRoute('chat', path)).toThrow(
      expect.objectContaining({
        code: 'TROUPE_PATH_INVALID',
        fields: { service: 'chat', path: expect.any(String), reason: expect.stringContaining(reason) },
      }),
    );
  });

  // URL parsers of clients resolve these too, so such a service could never be reached; the router beneath
  // resolves them as well, and would serve the parent path in its place.
  it.each(['/a/%2e%2e', '/a/%2E', '/%2e%2E/a', '/a/.%2e'])(
    '%s is refused: dots that are encoded mean the same',
    (path) => {
      expect(() => parseRoute('chat', path)).toThrow(expect.objectContaining({ code: 'TROUPE_PATH_INVALID' }));
    },
  );

  it('is refused when the same parameter stands in both parts', () => {
    expect(() => parseRoute('chat', '/{a}', '/{a}')).toThrow(expect.objectContaining({ code: 'TROUPE_PATH_INVALID' }));
  });

  it('is read the same again from what it was normalised to', () => {
    const segment = fc.oneof(
      fc
        .string({ minLength: 1 })
        .filter((text) => text !== '.' && text !== '..')
        .map(encodeURIComponent),
      fc.nat({ max: 9 }).map((index) => `{p${index}}`),
    );
    fc.assert(
      fc.property(fc.uniqueArray(segment, { maxLength: 6 }), (segments) => {
        const route = parseRoute('a service', ...segments);
        expect(parseRoute('a service', route.path)).toEqual(route);
      }),
    );
  });
});
