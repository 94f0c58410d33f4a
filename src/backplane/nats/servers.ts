/**
 * Finding a server that answers.
 *
 * The client leaves a socket behind when a server takes the connection and then
 * says nothing, as one that is stopped or overwhelmed does. So each server is
 * knocked at first, with a socket of our own: a server of NATS greets at once.
 */
import { connect } from 'node:net';

export interface Server {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
}

const DEFAULT_PORT = 4222;
/** How long a server has to greet, in ms. */
const GREETING_MS = 2000;

/** Undefined for what is no address. */
export function parseServer(text: string): Server | undefined {
  let url: URL;
  try {
    url = new URL(text.includes('://') ? text : `nats://${text}`);
  } catch {
    return undefined;
  }
  const isAddress = url.protocol === 'nats:' || url.protocol === 'tls:';
  const hasMore = url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '';
  if (!isAddress || hasMore || url.hostname === '' || !['', '/'].includes(url.pathname)) return undefined;
  return {
    host: url.hostname.replaceAll(/^\[|\]$/g, ''),
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    secure: url.protocol === 'tls:',
  };
}

export function addressOf({ host, port }: Server): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The first that greets, in any order, so that nodes spread over a cluster. Rejects with the reason of the last. */
export async function findServer(servers: readonly Server[], signal: AbortSignal): Promise<Server> {
  let reason: unknown;
  for (const server of shuffled(servers)) {
    signal.throwIfAborted();
    try {
      await greeting(server, signal);
      return server;
    } catch (error) {
      reason = error;
    }
  }
  signal.throwIfAborted();
  throw reason;
}

function greeting(server: Server, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server.host, port: server.port });
    const end = (settle: () => void): void => {
      signal.removeEventListener('abort', abort);
      socket.destroy();
      settle();
    };
    const fail = (why: string, cause?: unknown): void =>
      end(() => reject(new Error(`NATS at ${addressOf(server)} ${why}`, { cause })));
    const abort = (): void => fail('was given up');
    signal.addEventListener('abort', abort, { once: true });
    // Not the socket's idle time: a name that is looked up for long counts too.
    const timer = setTimeout(() => fail(`did not greet within ${GREETING_MS} ms`), GREETING_MS);
    socket.on('error', (error) => fail('cannot be reached', error));
    socket.on('close', () => {
      clearTimeout(timer);
      fail('closed the connection');
    });
    socket.once('data', () => end(resolve));
  });
}

function shuffled<T>(list: readonly T[]): T[] {
  const keyed = list.map((one) => ({ one, key: Math.random() }));
  return keyed.toSorted((a, b) => a.key - b.key).map(({ one }) => one);
}
