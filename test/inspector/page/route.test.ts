import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashOf, routeOf, type Route } from '../../../src/inspector/page/state/route.ts';

describe('the address of a view', () => {
  const name = fc.string({ minLength: 1, unit: 'grapheme' });
  const views: fc.Arbitrary<Route> = fc.oneof(
    fc.constant<Route>({ view: 'overview' }),
    fc.constant<Route>({ view: 'incidents' }),
    name.map((connection): Route => ({ view: 'connection', connection })),
    fc.tuple(name, fc.option(name, { nil: undefined })).map(([sessionId, server]): Route => {
      return { view: 'actor', sessionId, server };
    }),
    name.map((search): Route => ({ view: 'list', query: { of: 'names', search } })),
    fc.tuple(name, name, name).map(([service, group, search]): Route => {
      return { view: 'list', query: { of: 'connections', service, group, state: 'open', search } };
    }),
  );

  it('leads back to the view, whatever its names are made of', () => {
    fc.assert(
      fc.property(views, (route) => {
        expect(routeOf(hashOf(route))).toEqual(route);
      }),
    );
  });

  it.each(['', '#', '#/nowhere', '#/connection/', '#/connection/%E0%A4%A', '#/__proto__', '#/constructor'])(
    'leads to the overview when it is %j',
    (hash) => {
      expect(routeOf(hash)).toEqual({ view: 'overview' });
    },
  );

  it('narrows a list by nothing that the list does not have', () => {
    expect(routeOf('#/groups?service=chat&state=ajar&search=a%20b')).toEqual({
      view: 'list',
      query: { of: 'groups', search: 'a b' },
    });
  });
});
