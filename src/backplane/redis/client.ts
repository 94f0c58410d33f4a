/** Connections to one server: what of the client is set otherwise than by default, and why. */
import type { ConnectionOptions } from 'node:tls';
import { createClient } from '@redis/client';

export type Client = ReturnType<typeof createClient>;

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** How to log in and to encrypt. */
export interface Access {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  readonly tls: ConnectionOptions | undefined;
}

/** `signal` destroys the socket at once, also one that is not connected yet: it bounds how long that may take. */
export function makeClient(address: Address, access: Access, signal: AbortSignal): Client {
  // No less than any bound of ours.
  const socket = { ...address, connectTimeout: 10_000, reconnectStrategy: false as const, signal };
  const client: Client = createClient({
    socket: access.tls === undefined ? socket : { ...access.tls, ...socket, tls: true },
    ...(access.username === undefined ? {} : { username: access.username }),
    ...(access.password === undefined ? {} : { password: access.password }),
    database: access.database,
    name: 'troupe',
    // Nothing waits for a connection that may come: the runtime makes another link.
    disableOfflineQueue: true,
    // By default each command gets an AbortSignal.timeout of its own, three quarters of what it costs to publish.
    commandOptions: { timeout: undefined as unknown as number },
    maintNotifications: 'disabled',
  });
  return client;
}
