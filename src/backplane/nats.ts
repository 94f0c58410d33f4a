/**
 * `troupe/nats`: the backplane over NATS with JetStream. Nothing else of the
 * package imports its client.
 *
 * Theory of operation
 *
 * - Topics and the inboxes of nodes are subjects of core NATS (`link.ts`); who
 *   pushes to a connection of another node hears the owner's answer.
 * - Names are a bucket that is changed by compare-and-set (`directory.ts`), nodes
 *   live as long as their keys in a bucket that forgets (`leases.ts`), removed
 *   groups are remembered in two more (`removals.ts`).
 *
 * Source: backplane.md §2.
 */
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { Kvm } from '@nats-io/kv';
import type { Backplane, BackplaneLink, BackplaneSink } from './contract.ts';
import { Bucket } from './nats/bucket.ts';
import { EngineClock } from './nats/clock.ts';
import { Leases, LEASE_MS } from './nats/leases.ts';
import { NatsLink, type LinkParts } from './nats/link.ts';
import { checked, type NatsOptions, type Settings } from './nats/options.ts';
import { REMEMBERED_MS } from './nats/removals.ts';
import { addressOf, findServer } from './nats/servers.ts';
import { bucketsOf, Subjects } from './nats/subjects.ts';

/** The servers among which a directory can be kept in copies. */
const OLDEST_WITH_REPLICAS = [2, 11] as const;
/** What a connection may take in all, in ms. */
const CONNECT_MS = 9000;
/** What the handshake with a server that has greeted may take, in ms. */
const HANDSHAKE_MS = 4000;

/**
 * A backplane over NATS, for `createTroupe({ backplane })`.
 *
 * The servers need JetStream (`nats-server --jetstream`), 2.9 or later, and 2.11 for `replicas`. Making it connects to
 * nothing. The user needs the subjects `<prefix>.>`, `_INBOX.>`, `$KV.<prefix>_*.>` and `$JS.API.>`. Names and leases are
 * kept in memory, so they are forgotten when NATS restarts; nodes restore them. Not guaranteed: that of two claims at one
 * moment one fails while the leader of a replicated bucket changes.
 *
 * @throws {TroupeTypeError} `TROUPE_ARGUMENT_INVALID` for an option of the wrong type
 * @throws {TroupeRangeError} `TROUPE_ARGUMENT_INVALID` for an unknown option, and one with a value that cannot be
 *
 * @example
 * ```ts
 * import { nats } from 'troupe/nats';
 *
 * const backplane = nats({ servers: ['nats://10.0.0.1:4222', 'nats://10.0.0.2:4222'], replicas: 3 });
 * ```
 */
export function nats(options: NatsOptions = {}): Backplane {
  const settings = checked(options);
  return {
    engine: 'nats',
    connect: (nodeId, sink, signal) => link(settings, nodeId, sink, signal),
  };
}

async function link(
  settings: Settings,
  nodeId: string,
  sink: BackplaneSink,
  signal: AbortSignal,
): Promise<BackplaneLink> {
  const end = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS)]);
  const connection = await open(settings, end);
  const close = (): void => void connection.close();
  end.addEventListener('abort', close, { once: true });
  try {
    const buckets = await openBuckets(settings, connection);
    const clock = new EngineClock();
    const leases = new Leases(buckets.leases, clock, nodeId);
    const subjects = new Subjects(settings.prefix);
    const made = new NatsLink({ nodeId, sink, connection, subjects, clock, leases, buckets });
    await made.begin();
    return made;
  } catch (error) {
    close();
    throw end.aborted ? end.reason : error;
  } finally {
    end.removeEventListener('abort', close);
  }
}

/** Cannot be told to stop: what comes too late is closed. */
async function open(settings: Settings, end: AbortSignal): Promise<NatsConnection> {
  const server = await findServer(settings.servers, end);
  const opening = connect({
    servers: addressOf(server),
    ...settings.credentials,
    ...((settings.tls !== undefined || server.secure) && { tls: settings.tls ?? {} }),
    timeout: HANDSHAKE_MS,
    // The runtime makes another link instead, and would rather know at once.
    reconnect: false,
    noEcho: true,
    ignoreClusterUpdates: true,
    noAsyncTraces: true,
  });
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      opening.then((connection) => connection.close()).catch(() => {});
      reject(end.reason as Error);
    };
    if (end.aborted) return abort();
    end.addEventListener('abort', abort, { once: true });
    opening.then(resolve, reject).finally(() => end.removeEventListener('abort', abort));
  });
}

async function openBuckets({ prefix, replicas }: Settings, connection: NatsConnection): Promise<LinkParts['buckets']> {
  const version = connection.info?.version ?? '0';
  // Of two that compare and set at once both may succeed in older ones, if there are copies (nats-server#4320, #5794).
  const isOld = isBefore(version, OLDEST_WITH_REPLICAS);
  const refusal = `a NATS that keeps copies must be ${OLDEST_WITH_REPLICAS.join('.')} or later, but is ${version}`;
  if (isOld && replicas > 1) throw new Error(refusal);
  const called = bucketsOf(prefix);
  const buckets = new Kvm(connection);
  const [names, leases, removals, retired] = await Promise.all([
    Bucket.open(connection, buckets, called.names, { storage: 'memory', replicas }),
    Bucket.open(connection, buckets, called.leases, { storage: 'memory', replicas, ttl: LEASE_MS }),
    Bucket.open(connection, buckets, called.removals, { storage: 'file', replicas, ttl: REMEMBERED_MS }),
    Bucket.open(connection, buckets, called.retired, { storage: 'file', replicas }),
  ]);
  if (isOld && (await names.replicas()) > 1) throw new Error(refusal);
  return { names, leases, removals, retired };
}

function isBefore(version: string, [major, minor]: readonly [number, number]): boolean {
  const [itsMajor = 0, itsMinor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return itsMajor < major || (itsMajor === major && itsMinor < minor);
}
