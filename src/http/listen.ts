/** A server of our own: HTTP and WebSocket on one port. */
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { checkOptions, wrongType } from '../arguments.ts';
import { TroupeError, TroupeRangeError } from '../errors.ts';
import type { HttpListener } from '../service/definition.ts';
import { answerForService, answerNobody, answerWith, type PlainDesk } from './plain.ts';
import { isOtherUpgrade } from './handshake.ts';
import { ignoreUpgrade } from './ignored-upgrade.ts';
import { handleUpgrade, type UpgradeDesk } from './upgrade.ts';

/** Where to listen. */
export interface ListenOptions {
  /** 0 takes a free one. @defaultValue 0 */
  readonly port?: number;
  /** The address to bind. @defaultValue '127.0.0.1', which only this machine reaches; '0.0.0.0' or '::' for all */
  readonly host?: string;
  /** Serves https and wss with these options of `node:tls`, `{ key, cert }` at least. */
  readonly tls?: ServerOptions;
}

/** Where a server listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** `http://host:port` or `https://host:port` */
  readonly url: string;
  /** `ws://host:port` or `wss://host:port` */
  readonly webSocketUrl: string;
}

/** The bounds that Node keeps on requests, in ms. */
interface Bounds {
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  readonly connectionsCheckingInterval: number;
}

/** A server that listens. */
export interface OwnServer {
  readonly address: Address;
  /** Stops listening and ends what HTTP connections are left; settles when nothing is. */
  close(): Promise<void>;
}

/** How long a whole plain HTTP request may take to arrive: Node's own default. */
const REQUEST_TIMEOUT_MS = 300_000;
/** How long plain HTTP requests that are being answered may take at the end, in ms. */
const LAST_REQUESTS_MS = 1000;

/**
 * Listens.
 *
 * @throws {TroupeError} `TROUPE_ADDRESS_IN_USE`, `TROUPE_LISTEN_FAILED`
 */
export async function listen(
  desk: UpgradeDesk & PlainDesk,
  application: HttpListener | undefined,
  handshakeTimeoutMs: number,
  options: ListenOptions,
): Promise<OwnServer> {
  checkOptions('options', options, ['port', 'host', 'tls']);
  const { port = 0, host = '127.0.0.1', tls } = options;
  const bounds: Bounds = {
    headersTimeout: handshakeTimeoutMs,
    requestTimeout: Math.max(REQUEST_TIMEOUT_MS, handshakeTimeoutMs),
    // Node looks at this interval for requests that take too long.
    connectionsCheckingInterval: Math.min(handshakeTimeoutMs, 1000),
  };
  checkAddress(host, port);
  const server = createOwn(bounds, tls, host, port);
  server.on('request', (request, response) => {
    if (answerForService(desk, request, response)) return;
    if (application === undefined) answerNobody(desk, request, response);
    else answerWith(desk, application, request, response);
  });
  server.on('upgrade', (request, stream, head) => {
    if (isOtherUpgrade(request)) ignoreUpgrade(server, request, stream, head);
    else handleUpgrade(desk, request, stream, head);
  });

  const sockets = trackSockets(server);

  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
    server.listen(port, host, resolve);
  });
  server.removeAllListeners('error');
  server.on('error', (error) => desk.listenerFailed(error));

  return { address: addressOf(server, host, tls !== undefined), close: () => close(server, sockets) };
}

function checkAddress(host: string, port: number): void {
  if (typeof host !== 'string') throw wrongType('host', 'a string', host);
  if (typeof port !== 'number') throw wrongType('port', 'a number', port);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return;
  const expected = 'a whole number from 0 to 65535';
  throw new TroupeRangeError('TROUPE_ARGUMENT_INVALID', { argument: 'port', expected, received: String(port) });
}

function createOwn(bounds: Bounds, tls: ServerOptions | undefined, host: string, port: number): Server | SecureServer {
  if (tls === undefined) return createServer(bounds);
  try {
    return createSecureServer({ handshakeTimeout: bounds.headersTimeout, ...bounds, ...tls });
  } catch (error) {
    throw listenError(error as NodeJS.ErrnoException, host, port);
  }
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): TroupeError {
  if (error.code === 'EADDRINUSE') return new TroupeError('TROUPE_ADDRESS_IN_USE', { host, port }, { cause: error });
  return new TroupeError(
    'TROUPE_LISTEN_FAILED',
    { host, port, systemCode: error.code ?? error.name },
    { cause: error },
  );
}

/** All TCP connections: Node's HTTP server does not know those that are upgraded or still in their TLS handshake. */
function trackSockets(server: Server | SecureServer): ReadonlySet<Duplex> {
  const sockets = new Set<Duplex>();
  // One listener for all: one for each would be a good part of what an idle connection costs.
  const forget = function (this: Duplex): void {
    sockets.delete(this);
  };
  server.on('connection', (socket: Duplex) => {
    sockets.add(socket);
    socket.on('close', forget);
  });
  return sockets;
}

function addressOf(server: Server | SecureServer, host: string, isSecure: boolean): Address {
  const { port } = server.address() as AddressInfo;
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const secure = isSecure ? 's' : '';
  return { host, port, url: `http${secure}://${authority}`, webSocketUrl: `ws${secure}://${authority}` };
}

function close(server: Server | SecureServer, sockets: ReadonlySet<Duplex>): Promise<void> {
  return new Promise((resolve) => {
    const deadline = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, LAST_REQUESTS_MS);
    server.close(() => {
      clearTimeout(deadline);
      resolve();
    });
    server.closeIdleConnections();
  });
}
