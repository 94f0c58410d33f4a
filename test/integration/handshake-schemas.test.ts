import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import {
  BasePath,
  OnOpen,
  ServiceConfig,
  WebSocketUpgradePath,
  defineService,
  serviceSetup,
  type Connection,
  type ServiceSource,
} from 'troupe';
import { connect, refused } from '../support/client.ts';
import { forms, secret, type Form } from '../support/forms.ts';
import { Inbox } from '../support/inbox.ts';
import { serve, watch } from '../support/server.ts';

const route = { basePath: '/rooms', webSocketUpgradePath: '/{room}' } as const;

interface Params {
  readonly room: number;
}
interface Query {
  readonly since: number;
}

const digits = z.string().regex(/^\d+$/, 'must be made of digits');
const schemas = {
  zod: {
    params: z.object({ room: digits.transform(Number) }),
    query: z.object({ since: z.coerce.number() }),
  },
  valibot: {
    params: v.object({ room: v.pipe(v.string(), v.digits(), v.transform(Number)) }),
    query: v.object({ since: v.pipe(v.string(), v.digits(), v.transform(Number)) }),
  },
  arktype: {
    params: type({ room: 'string.integer.parse' }),
    query: type({ since: 'string.integer.parse' }),
  },
};

/** Says `room + since` when it is opened: numbers add up, texts would not. */
function adding(form: Form): ServiceSource {
  const { params, query } = schemas.zod;
  switch (form) {
    case 'handlers':
      return defineService({
        ...route,
        params,
        query,
        onOpen(connection) {
          connection.pushText(`${connection.params.room + connection.query.since}`);
        },
      });
    case 'class': {
      @BasePath(route.basePath)
      @WebSocketUpgradePath(route.webSocketUpgradePath)
      @ServiceConfig({ params, query })
      class Adding {
        @OnOpen()
        opened(connection: Connection<Params, undefined, Query>) {
          connection.pushText(`${connection.params.room + connection.query.since}`);
        }
      }
      return Adding;
    }
    case 'machine': {
      const machine = serviceSetup<{ sum: number }, never, { params: Params; query: Query }>().createMachine({
        context: ({ input }) => ({ sum: input.params.room + input.query.since }),
        on: { 'ws.open': { actions: { type: 'pushText', params: ({ context }) => ({ text: `${context.sum}` }) } } },
      });
      return defineService({ ...route, params, query, machine });
    }
  }
}

describe.each(forms)('validated parameters in a service of %s', (form) => {
  it('arrive as what the schemas make of them', async () => {
    const server = await serve([adding(form)]);
    const client = await connect(server.url('/rooms/40?since=2'));

    expect(await client.next()).toBe('42');
  });

  it('stay text in what is told of the connection', async () => {
    const server = await serve([adding(form)]);
    await connect(server.url('/rooms/40?since=2'));

    expect(server.troupe.connections('/rooms/{room}').items[0]?.params).toEqual({ room: '40' });
  });

  it.each([
    ['/rooms/lobby?since=2', 'the path parameter "room": must be made of digits'],
    ['/rooms/40?since=x', 'the query parameter "since": '],
    ['/rooms/40', 'the query parameter "since": '],
  ])('that do not fit, as in %s, are refused with 400 and what was wrong', async (url, problem) => {
    const server = await serve([adding(form)]);
    const refusals = watch(server.troupe, 'upgrade.refused');

    const { status, body } = await refused(server.url(url));

    expect(status).toBe(400);
    expect(body).toContain(problem);
    expect((await refusals.next()).reason).toContain(problem);
  });
});

describe.each(Object.entries(schemas))('a schema of %s', (_library, { params, query }) => {
  function serveSchema() {
    return serve([
      defineService({
        ...route,
        params: params as StandardSchemaV1<unknown, Params>,
        query: query as StandardSchemaV1<unknown, Query>,
        onOpen: (connection) => connection.pushText(`${connection.params.room + connection.query.since}`),
      }),
    ]);
  }

  it('validates and transforms', async () => {
    const server = await serveSchema();

    expect(await (await connect(server.url('/rooms/40?since=2'))).next()).toBe('42');
  });

  it.each([
    '<script>alert(1)</script>',
    'https://evil.example/?a=b&c',
    'line\r\nSet-Cookie: a=b',
    '\u001b[31mred',
    '"quoted\\"',
    '\u202Ereversed',
    '__proto__',
  ])('says what was wrong without a word of %j', async (value) => {
    const server = await serveSchema();
    for (const url of [
      `/rooms/${encodeURIComponent(value)}?since=2`,
      `/rooms/40?since=${encodeURIComponent(value)}`,
      `/rooms/40?${encodeURIComponent(value)}=2`,
    ]) {
      const { status, body, headers } = await refused(server.url(url));

      expect(status).toBe(400);
      expect(headers['content-type']).toBe('text/plain; charset=utf-8');
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers).not.toHaveProperty('set-cookie');
      expect(body).toMatch(/^400 Bad Request: the (path|query) parameter "(room|since)": [^\r\n<>&\p{C}]+\n$/u);
      expect(body).not.toContain(value);
      expect(body).not.toMatch(/script|evil|Cookie|red$|reversed/);
    }
  });
});

function withQuery(query: StandardSchemaV1) {
  return defineService({
    ...route,
    query,
    onOpen: (connection) => connection.pushText(JSON.stringify(connection.query)),
  });
}

/** A schema that makes what `validate` returns. */
function schema(validate: (value: unknown) => unknown): StandardSchemaV1 {
  return { '~standard': { version: 1, vendor: 'test', validate: validate as never } };
}

describe('the query that a schema is given', () => {
  it('has a string for each name, an array for one that stands there more than once', async () => {
    const server = await serve([withQuery(schema((value) => ({ value })))]);
    const client = await connect(server.url('/rooms/1?a=1&b=2&a=3&c&a=%20'));

    expect(await client.next()).toBe('{"a":["1","3"," "],"b":"2","c":""}');
  });

  it('holds the names of prototypes as data', async () => {
    const given = new Inbox<object>();
    const server = await serve([
      withQuery(
        schema((value) => {
          given.push(value as object);
          return { value };
        }),
      ),
    ]);
    await connect(server.url('/rooms/1?__proto__=1&constructor=2&__proto__=3'));

    const value = await given.next();
    expect(Object.entries(value)).toEqual([
      ['__proto__', ['1', '3']],
      ['constructor', '2'],
    ]);
    expect(({} as { a?: unknown }).a).toBeUndefined();
  });
});

describe('a schema', () => {
  it('may take its time', async () => {
    const known = new Set(['/lobby']);
    const query = z.object({ from: z.string().refine(async (from) => Promise.resolve(known.has(from)), 'is unknown') });
    const server = await serve([withQuery(query)]);

    expect(await (await connect(server.url('/rooms/1?from=/lobby'))).next()).toBe('{"from":"/lobby"}');
    expect((await refused(server.url('/rooms/1?from=/cellar'))).body).toContain('"from": is unknown');
  });

  it('that throws is a failure of the service: 500, reported, without a word of it', async () => {
    const server = await serve([
      withQuery(
        schema(() => {
          throw new Error(secret);
        }),
      ),
    ]);
    const failures = watch(server.troupe, 'callback.failed');

    const { status, body } = await refused(server.url('/rooms/1'));

    expect([status, body.includes(secret)]).toEqual([500, false]);
    expect((await failures.next()).callback).toBe('the schema "query" of service "/rooms/{room}"');
  });

  it('judges before authenticate, which is given what it made', async () => {
    const asked = new Inbox<number>();
    const service = defineService({
      ...route,
      params: schemas.zod.params,
      authenticate({ params }) {
        asked.push(params.room);
        return { room: params.room };
      },
      onOpen: (connection) => connection.pushText(`${connection.auth.room + 1}`),
    });
    const server = await serve([service]);

    expect((await refused(server.url('/rooms/lobby'))).status).toBe(400);
    expect(await (await connect(server.url('/rooms/41'))).next()).toBe('42');
    expect(asked.all).toEqual([41]);
  });

  it('says a few problems and how many more there are', async () => {
    const issues = Array.from({ length: 8 }, (_each, index) => ({ message: `no ${index}` }));
    const server = await serve([withQuery(schema(() => ({ issues })))]);

    const { body } = await refused(server.url('/rooms/1'));

    expect(body).toContain('the query parameter: no 0; the query parameter: no 1');
    expect(body).toMatch(/no 4; and 3 more\n$/);
  });
});
