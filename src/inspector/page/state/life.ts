/**
 * Which life of the server something belongs to: its sessionIds begin anew after a restart, and may then mean others.
 * Addresses of actors say whose they are, for they are reloaded, kept and gone back to.
 */
import type { HelloFrame } from '../../protocol.ts';
import type { Route } from './route.ts';

type ActorRoute = Extract<Route, { view: 'actor' }>;

/** The address of an actor. A part that every server has, the supervisor, say, is the same in each of its lives. */
export function routeOfActor(hello: HelloFrame | undefined, sessionId: string): ActorRoute {
  const server = partOf(hello, sessionId) === undefined ? hello?.server : undefined;
  return { view: 'actor', sessionId, server };
}

/** Whether an address names an actor of a server that has ended; `before` is what that one had said, if it is known. */
export function isOfBefore(route: Route, hello: HelloFrame | undefined, before: HelloFrame | undefined): boolean {
  if (route.view !== 'actor' || hello === undefined) return false;
  const { sessionId, server } = route;
  if (server !== undefined) return server !== hello.server;
  if (before === undefined || before.server === hello.server) return false;
  const part = partOf(before, sessionId);
  return part === undefined || part !== partOf(hello, sessionId);
}

function partOf(hello: HelloFrame | undefined, sessionId: string): string | undefined {
  return Object.entries(hello?.actors ?? {}).find(([, id]) => id === sessionId)?.[0];
}
