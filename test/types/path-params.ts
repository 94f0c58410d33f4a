// oxlint-disable typescript/no-unsafe-argument -- what must not compile has no type
import { defineService, type Connection, type PathParams } from 'troupe';

/** Holds two types to be the same; does not compile otherwise. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- deferred conditional types are compared whole
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_proof: Same<A, B>): void {}

same<PathParams<'/chat/{room}'>, { readonly room: string }>(true);
same<PathParams<'/{a}/x/{b}'>, { readonly a: string; readonly b: string }>(true);
same<keyof PathParams<'/chat'>, never>(true);
same<PathParams<string>, Readonly<Record<string, string>>>(true);

// The parameters of both parts of the path are known to every handler.
defineService({
  basePath: '/tenants/{tenant}',
  webSocketUpgradePath: '/chat/{room}',
  onOpen(connection) {
    same<typeof connection.params, { readonly tenant: string; readonly room: string }>(true);
    connection.pushText(connection.params.room);
    // @ts-expect-error: no such parameter stands in the path
    connection.pushText(connection.params.rome);
    // @ts-expect-error: parameters are what the path was opened with, and stay so
    connection.params.room = 'lobby';
  },
  onClose(connection) {
    connection.pushText(connection.params.tenant);
  },
});

defineService({
  basePath: '/echo',
  onTextMessage(connection, text) {
    // @ts-expect-error: a path without parameters has none
    connection.pushText(connection.params.room);
    connection.pushText(text);
  },
});

// A connection with known parameters is a connection.
export function log(connection: Connection): void {
  connection.pushText(connection.id);
}
defineService({ basePath: '/chat/{room}', onOpen: (connection) => log(connection) });
