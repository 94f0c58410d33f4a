import { z } from 'zod';
import {
  Authenticate,
  authenticated,
  BasePath,
  defineService,
  OnAuthRenewed,
  OnOpen,
  reject,
  ServiceConfig,
  serviceSetup,
  type AuthOf,
  type Connection,
  type HandshakeRequest,
} from 'troupe';

/** Holds two types to be the same; does not compile otherwise. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- deferred conditional types are compared whole
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_proof: Same<A, B>): void {}

interface User {
  readonly name: string;
}
declare function find(token: string): Promise<User | undefined>;

// Of what authenticate may answer, only somebody arrives.
same<AuthOf<User | undefined | null | false>, User>(true);
same<AuthOf<Promise<User | ReturnType<typeof reject>>>, User>(true);
same<AuthOf<ReturnType<typeof authenticated<User>>>, User>(true);
same<AuthOf<undefined>, undefined>(true);

defineService({
  basePath: '/{room}',
  query: z.object({ since: z.coerce.number() }),
  async authenticate(request) {
    same<typeof request.params, { readonly room: string }>(true);
    same<typeof request.query, { since: number }>(true);
    const user = await find(request.params.room);
    return user === undefined ? reject(403) : authenticated(user, { expiresAt: new Date() });
  },
  reauthenticate: async (connection) => find(connection.auth.name),
  responseHeaders: (_request, auth) => ({ 'X-Name': auth.name }),
  onOpen(connection) {
    same<typeof connection.auth, User>(true);
    same<typeof connection.query, { since: number }>(true);
    same<typeof connection.params, { readonly room: string }>(true);
    connection.refreshAuth({ name: 'ada' }, { expiresAt: 5 });
    // @ts-expect-error: what takes the place of the auth is one
    connection.refreshAuth({ nick: 'ada' });
    // @ts-expect-error: the auth is not changed, but replaced
    connection.auth = { name: 'ada' };
  },
  onAuthExpiring: (connection, { expiresAt }) => connection.pushText(`${connection.auth.name} ${expiresAt.toFixed()}`),
  onAuthRenewed(_connection, { auth, expiresAt }) {
    same<typeof auth, User>(true);
    same<typeof expiresAt, number | undefined>(true);
  },
});

defineService({
  basePath: '/a',
  authenticate: () => ({ name: 'ada' }),
  // @ts-expect-error: what is put in place is an auth of the service
  reauthenticate: () => ({ nick: 'ada' }),
  onOpen: () => undefined,
});

defineService({
  basePath: '/{room}',
  params: z.object({ room: z.string().transform(Number) }),
  onOpen(connection) {
    same<typeof connection.params, { room: number }>(true);
    same<typeof connection.auth, undefined>(true);
    same<typeof connection.query, URLSearchParams>(true);
    any(connection);
    // @ts-expect-error: its parameters are no texts
    plain(connection);
  },
});
declare function any(connection: Connection<unknown, unknown, unknown>): void;
declare function plain(connection: Connection): void;

// @ts-expect-error: a schema is a Standard Schema
defineService({ basePath: '/a', query: { since: 'number' }, onOpen: () => undefined });

// @ts-expect-error: no other status refuses
reject(404);

// @ts-expect-error: a time is a Date or a number
authenticated('ada', { expiresAt: '2030-01-01' });

// A machine says what it expects, and a service that gives something else does not fit.
serviceSetup<{ name: string }, never, { auth: User }>().createMachine({
  context: ({ input }) => ({ name: input.auth.name }),
  on: { 'ws.auth.renewed': { actions: ({ event }) => same<typeof event.auth, User>(true) } },
});
serviceSetup().createMachine({
  on: { 'ws.auth.renewed': { actions: ({ event }) => same<typeof event.auth, unknown>(true) } },
});
export class Renewed {
  @OnAuthRenewed() renewed(_connection: Connection<unknown, User>, _info: { readonly auth: User }) {}
  // @ts-expect-error: there is no such thing in it
  @OnAuthRenewed() other(_connection: Connection<unknown, User>, _info: { readonly user: User }) {}
}

const machine = serviceSetup<{ name: string }, never, { auth: User }>().createMachine({
  context: ({ input }) => ({ name: input.auth.name }),
});
defineService({ basePath: '/a', authenticate: ({ path }) => find(path), machine });
defineService({ basePath: '/a', authenticate: () => ({ name: 'ada', age: 5 }), machine });

// @ts-expect-error: the service has no authenticate
defineService({ basePath: '/a', machine });

// @ts-expect-error: its auth is another
defineService({ basePath: '/a', authenticate: () => ({ nick: 'ada' }), machine });

// One that asks for nothing fits every service, and may be started without.
defineService({ basePath: '/a', authenticate: () => 'ada', machine: serviceSetup().createMachine({}) });

const paged = serviceSetup<{ page: number }, never, { query: { page: number } }>().createMachine({
  context: ({ input }) => ({ page: input.query.page }),
});
defineService({ basePath: '/a', query: z.object({ page: z.coerce.number() }), machine: paged });
// @ts-expect-error: the schema makes something else
defineService({ basePath: '/a', query: z.object({ page: z.string() }), machine: paged });

// @ts-expect-error: what is expected has a name
serviceSetup<{ name: string }, never, User>();

@BasePath('/a')
@ServiceConfig({ query: z.object({ page: z.coerce.number() }) })
export class Annotated {
  @Authenticate()
  static admits(request: HandshakeRequest<Readonly<Record<string, string>>, { page: number }>) {
    return request.query.page > 0 && { name: 'ada' };
  }

  @OnOpen() opened(connection: Connection<unknown, User, { page: number }>): void {
    connection.pushText(`${connection.auth.name} ${connection.query.page}`);
  }
}

export class Wrong {
  readonly name = 'wrong';

  // @ts-expect-error: what is given is a handshake
  @Authenticate() static other(connection: Connection) {
    return connection.id;
  }
}
