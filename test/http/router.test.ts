import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Router } from '../../src/http/router.ts';
import { parseRoute, type Route } from '../../src/service/path.ts';

function route(path: string): Route {
  return parseRoute('a service', path);
}

function routerOf(...paths: string[]): Router<string> {
  const router = new Router<string>();
  for (const path of paths) router.add(route(path), path);
  return router;
}

describe('finding', () => {
  it('finds the value and the parameters of a path', () => {
    const router = routerOf('/chat/{room}/seat/{seat}');
    expect(router.find('/chat/lobby/seat/7')).toEqual({
      value: '/chat/{room}/seat/{seat}',
      params: { room: 'lobby', seat: '7' },
    });
  });

  it.each(['/chat', '/chat/a/b', '/', '', '/Chat/a', '/chats/a'])('finds nothing for %j', (path) => {
    expect(routerOf('/chat/{room}').find(path)).toBeUndefined();
  });

  it('normalises slashes', () => {
    const router = routerOf('/a/b');
    for (const path of ['/a/b', '/a/b/', '//a///b//', 'a/b']) expect(router.find(path)?.value).toBe('/a/b');
  });

  it('finds the root', () => {
    for (const path of ['/', '', '//']) expect(routerOf('/').find(path)).toEqual({ value: '/', params: {} });
    expect(routerOf('/').find('/a')).toBeUndefined();
  });

  it('lets the more specific route win, from the left', () => {
    const router = routerOf('/{a}/{b}', '/chat/{b}', '/{a}/lobby', '/chat/lobby');
    expect(router.find('/chat/lobby')?.value).toBe('/chat/lobby');
    expect(router.find('/chat/other')?.value).toBe('/chat/{b}');
    expect(router.find('/other/lobby')?.value).toBe('/{a}/lobby');
    expect(router.find('/other/other')?.value).toBe('/{a}/{b}');
  });

  it('goes back to a parameter when the literal leads nowhere', () => {
    expect(routerOf('/chat/lobby', '/{a}/{b}/c').find('/chat/lobby/c')?.value).toBe('/{a}/{b}/c');
    expect(routerOf('/chat/lobby/x', '/{a}/lobby').find('/chat/lobby')?.value).toBe('/{a}/lobby');
  });
});

describe('percent-encoding', () => {
  it('is undone before segments are compared', () => {
    expect(routerOf('/chat/abc').find('/ch%61t/a%62c')?.value).toBe('/chat/abc');
    expect(routerOf('/caf%C3%A9').find('/café')?.value).toBe('/caf%C3%A9');
    expect(routerOf('/café').find('/caf%c3%a9')?.value).toBe('/café');
  });

  it('is undone in parameters, once', () => {
    expect(routerOf('/{a}').find('/50%25%20off')?.params).toEqual({ a: '50% off' });
    expect(routerOf('/{a}').find('/%2561')?.params).toEqual({ a: '%61' });
  });

  it('keeps an encoded slash within its segment', () => {
    const router = routerOf('/files/{name}', '/files/a/b');
    expect(router.find('/files/a%2Fb')).toEqual({ value: '/files/{name}', params: { name: 'a/b' } });
    expect(router.find('/files/a/b')?.value).toBe('/files/a/b');
    expect(routerOf('/a/b').find('/a%2Fb')).toBeUndefined();
  });

  it.each(['/%', '/%zz', '/%c3%28', '/a/%e2%82', '/\ud800'])('that is malformed finds nothing: %j', (path) => {
    expect(routerOf('/{a}', '/{a}/{b}').find(path)).toBeUndefined();
  });
});

describe('names that mean something to JavaScript or to the router beneath', () => {
  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('%s is a segment like any other', (name) => {
    expect(routerOf('/a').find(`/${name}`)).toBeUndefined();
    expect(new Router().find(`/${name}`)).toBeUndefined();
    expect(routerOf(`/${name}/x`).find(`/${name}/x`)?.value).toBe(`/${name}/x`);
    expect(routerOf(`/${name}/x`).find(`/${name}`)).toBeUndefined();
    expect(routerOf('/{a}').find(`/${name}`)?.params).toEqual({ a: name });
  });

  it('__proto__ is a parameter like any other', () => {
    const params = routerOf('/{__proto__}/{constructor}').find('/a/b')?.params ?? {};
    expect(Object.entries(params)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
    expect(Object.getPrototypeOf(params)).toBe(Object.prototype);
  });

  it.each([
    '*',
    '**',
    '***',
    ':a',
    ':p0',
    'a:b',
    '(x)',
    '(.*)',
    '(',
    ')',
    'a*',
    '*a',
    'a+',
    '%3F',
    "'!'",
    '\\',
    '\\*',
    '%7Ba%7D',
  ])('the literal %s matches itself and nothing else', (literal) => {
    const router = routerOf(`/x/${literal}`, `/x/${literal}/y`);
    const encoded = encodeURIComponent(decodeURIComponent(literal));
    expect(router.find(`/x/${encoded}`)).toEqual({ value: `/x/${literal}`, params: {} });
    expect(router.find(`/x/${encoded}/y`)).toEqual({ value: `/x/${literal}/y`, params: {} });
    for (const other of ['z', 'aa', 'x', '']) expect(router.find(`/x/${other}`)).toBeUndefined();
    router.remove(route(`/x/${literal}`));
    expect(router.find(`/x/${encoded}`)).toBeUndefined();
    expect(router.find(`/x/${encoded}/y`)?.value).toBe(`/x/${literal}/y`);
  });
});

describe('a path that nothing has to be done to', () => {
  const character = fc.constantFrom(
    '/',
    'a',
    'B',
    '7',
    '-',
    '_',
    '.',
    '!',
    '~',
    '*',
    "'",
    '(',
    ')',
    '%41',
    '+',
    'é',
    ' ',
  );

  it('leads where the same path leads when something has', () => {
    const router = routerOf('/', '/a', '/{a}', '/a/{b}', '/{a}/B', '/a/B/7', "/-_.!~*'()");
    fc.assert(
      fc.property(fc.string({ unit: character, maxLength: 8 }), (path) => {
        const found = router.find(`//${path}/`);
        expect(router.find(`/${path}`)).toEqual(found);
        expect(router.find(`/${path}`)).toEqual(found);
      }),
    );
  });
});

describe('registering', () => {
  it('knows a route by its shape, whatever its parameters are called', () => {
    const router = routerOf('/chat/{room}');
    expect(router.get(route('/chat/{other}'))).toBe('/chat/{room}');
    expect(router.get(route('/chat/room'))).toBeUndefined();
    expect(router.get(route('/{chat}/room'))).toBeUndefined();
  });

  it('tells a parameter from a literal that looks like one', () => {
    const router = routerOf('/x/%7Broom%7D');
    expect(router.get(route('/x/{room}'))).toBeUndefined();
    expect(routerOf('/x/%7B%7D').get(route('/x/{room}'))).toBeUndefined();
  });

  it('removes a route and nothing beside it', () => {
    const router = routerOf('/a', '/a/{b}', '/a/{b}/c', '/a/x');
    router.remove(route('/a/{whatever}'));
    expect(router.find('/a/1')).toBeUndefined();
    expect(router.find('/a')?.value).toBe('/a');
    expect(router.find('/a/1/c')?.value).toBe('/a/{b}/c');
    expect(router.find('/a/x')?.value).toBe('/a/x');
    expect(router.get(route('/a/{b}'))).toBeUndefined();
  });

  it('finds at once what was added or removed, also at the path that was looked up last', () => {
    const router = routerOf('/{a}');
    router.add(route('/a'), 'first');
    expect(router.find('/a')?.value).toBe('first');
    router.remove(route('/a'));
    expect(router.find('/a')?.value).toBe('/{a}');
    router.add(route('/a'), 'second');
    expect(router.find('/a')?.value).toBe('second');
  });

  it('takes another value for a removed route, with its own names of parameters', () => {
    const router = routerOf('/a/{b}');
    router.remove(route('/a/{b}'));
    router.add(route('/a/{c}'), 'second');
    expect(router.find('/a/1')).toEqual({ value: 'second', params: { c: '1' } });
  });

  it('removes what is not there without harm', () => {
    const router = routerOf('/a');
    router.remove(route('/b/{c}'));
    router.remove(route('/{a}'));
    expect(router.find('/a')?.value).toBe('/a');
  });
});

describe('below a route', () => {
  function below(...paths: string[]): Router<string> {
    const router = new Router<string>('below');
    for (const path of paths) router.add(route(path), path);
    return router;
  }

  it('finds the route itself and every path below it', () => {
    const router = below('/orders', '/{tenant}/files');
    for (const path of ['/orders', '/orders/', '/orders/1', '/orders/1/2/3']) {
      expect(router.find(path)?.value).toBe('/orders');
    }
    expect(router.find('/a/files/x')).toEqual({ value: '/{tenant}/files', params: { tenant: 'a' } });
    for (const path of ['/', '/order', '/orders1', '/ordersx/1']) expect(router.find(path)).toBeUndefined();
  });

  it('finds everything below the root', () => {
    for (const path of ['/', '/a', '/a/b/c']) expect(below('/').find(path)?.value).toBe('/');
  });

  it('lets the deeper route win', () => {
    const router = below('/', '/a', '/a/b', '/{x}/b/c');
    expect(router.find('/a/b/z')?.value).toBe('/a/b');
    expect(router.find('/a/z')?.value).toBe('/a');
    expect(router.find('/z/b/c/d')?.value).toBe('/{x}/b/c');
    expect(router.find('/z')?.value).toBe('/');
  });
});

// The naive matcher: every route is tried, and of those that fit the one wins that has a literal where
// the other has a parameter, at the first segment where they differ.
type Model = Map<string, Route>;

function fits(pattern: Route, segments: readonly string[]): boolean {
  return (
    pattern.segments.length === segments.length &&
    pattern.segments.every((segment, index) => 'param' in segment || segment.literal === segments[index])
  );
}

function rank(pattern: Route): string {
  return pattern.segments.map((segment) => ('param' in segment ? '1' : '0')).join('');
}

function naiveFind(model: Model, segments: readonly string[]) {
  const [best] = [...model.values()]
    .filter((one) => fits(one, segments))
    .toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
  if (best === undefined) return undefined;
  const params = best.segments.flatMap((segment, index) =>
    'param' in segment ? [[segment.param, segments[index]] as const] : [],
  );
  return { value: best.path, params: Object.fromEntries(params) };
}

function shape(pattern: Route): string {
  return JSON.stringify(pattern.segments.map((segment) => ('param' in segment ? null : segment.literal)));
}

const texts = ['a', 'b', 'c', 'a/b', '*', '**', ':a', '(', '__proto__', 'é', '%', ' ', '?', '{a}'];
const text = fc.constantFrom(...texts);
const pattern = fc
  .array(fc.oneof({ weight: 2, arbitrary: text }, fc.constant(null)), { maxLength: 4 })
  .map((parts) => parts.map((part, index) => (part === null ? `{p${index}}` : encodeURIComponent(part))).join('/'));
const path = fc.array(text, { maxLength: 4 });

describe('against a naive matcher', () => {
  it('finds the same value and parameters, after any additions and removals', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: pattern.map((one) => ({ add: one })) },
      fc.nat({ max: 20 }).map((index) => ({ remove: index })),
      { weight: 3, arbitrary: path.map((one) => ({ find: one })) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const router = new Router<string>();
        const model: Model = new Map();
        for (const one of steps) {
          if ('add' in one) {
            const added = route(one.add);
            if (model.has(shape(added))) continue;
            model.set(shape(added), added);
            router.add(added, added.path);
          } else if ('remove' in one) {
            const removed = [...model.values()][one.remove];
            if (removed === undefined) continue;
            model.delete(shape(removed));
            router.remove(removed);
          } else {
            const found = router.find(`/${one.find.map(encodeURIComponent).join('/')}`);
            expect(found).toEqual(naiveFind(model, one.find));
          }
          for (const known of model.values()) expect(router.get(known)).toBe(known.path);
        }
      }),
      { numRuns: 500 },
    );
  });
});
