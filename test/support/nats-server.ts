import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from '@nats-io/transport-node';
import { freePort } from './nginx.ts';
import { temporaryFolder } from './guide.ts';

const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`;

/** Whether there is a nats-server to start; those who skip without it say so. */
export const hasNats = spawnSync('nats-server', ['--version'], { env: { ...process.env, PATH } }).status === 0;

export interface NatsServer {
  readonly url: string;
  readonly child: ChildProcess;
  /** Another one at the same address, that knows nothing of what this one did. */
  again(): Promise<NatsServer>;
  /** Resolves when it has ended, whether it was stopped or not. */
  end(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

export interface Streams {
  /** How many values a bucket has. */
  valuesIn(bucket: string): Promise<number>;
  /** How long a value stays in a bucket, in ms; 0: for good. */
  keptMs(bucket: string): Promise<number>;
  /** Takes the lease of a node away, as the engine does when it has not heard of it for long. */
  lapse(nodeId: string, prefix?: string): Promise<void>;
  close(): Promise<void>;
}

interface StreamInfo {
  readonly state: { readonly messages: number };
  /** Its `max_age` is in ns. */
  readonly config: { readonly max_age: number };
}

/** What a backplane keeps in JetStream, seen from outside. */
export async function streamsOf({ url }: NatsServer): Promise<Streams> {
  const connection = await connect({ servers: url });
  const ask = async (what: string, request: object = {}): Promise<StreamInfo> =>
    (await connection.request(`$JS.API.STREAM.${what}`, JSON.stringify(request))).json();
  return {
    valuesIn: async (bucket) => (await ask(`INFO.KV_${bucket}`)).state.messages,
    keptMs: async (bucket) => (await ask(`INFO.KV_${bucket}`)).config.max_age / 1e6,
    async lapse(nodeId, prefix = 'troupe') {
      const key = `l.${Buffer.from(nodeId).toString('base64url')}`;
      await ask(`PURGE.KV_${prefix}_leases`, { filter: `$KV.${prefix}_leases.${key}` });
    },
    close: () => connection.close(),
  };
}

/** A nats-server with JetStream in a folder of its own. Resolves when it answers; whoever starts it ends it. */
export async function startNats(extra: readonly string[] = [], port?: number): Promise<NatsServer> {
  const taken = port ?? (await freePort());
  const { folder, remove } = temporaryFolder();
  const child = spawn('nats-server', ['-a', '127.0.0.1', '-p', `${taken}`, '-js', '-sd', folder, ...extra], {
    env: { ...process.env, PATH },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'close').then(remove);
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (log += chunk));
  while (!log.includes('Server is ready')) {
    const isOver = await Promise.race([once(child.stderr, 'data').then(() => false), ended.then(() => true)]);
    if (isOver) throw new Error(`nats-server ended: ${log}`);
  }
  return {
    url: `nats://127.0.0.1:${taken}`,
    child,
    again: () => startNats(extra, taken),
    async end(signal = 'SIGTERM') {
      child.kill('SIGCONT');
      child.kill(signal);
      await ended;
    },
  };
}
