/**
 * A node of a cluster: `node.ts redis|nats URL`. Its clients call any function of their connection, of the Troupe
 * (`troupe.…`) or of all nodes (`cluster.…`), and hear what came of it. Who started it hears where it listens and what
 * happens to the link, with the time; it goes with them.
 */
import { createTroupe, defineService, type Connection } from 'troupe';
import type { Backplane } from 'troupe/backplane';

type Functions = Record<string, (...args: unknown[]) => unknown>;

/** How many groups are joined at once. */
const AT_ONCE = 1000;

const MiB = 1_048_576;

const [engine = '', url = ''] = process.argv.slice(2);

async function backplaneOf(): Promise<Backplane> {
  if (engine === 'redis') return (await import('troupe/redis')).redis({ url });
  return (await import('troupe/nats')).nats({ servers: url });
}

const troupe = createTroupe({
  services: [
    defineService({
      basePath: '/',
      name: 'puppets',
      // What a test sends at once is not what a slow client is closed for.
      limits: { highWaterMarkBytes: 512 * MiB, hardCapBytes: 1024 * MiB },
      async onTextMessage(connection: Connection, text: string) {
        const { id, name, args } = JSON.parse(text) as { id: number; name: string; args: unknown[] };
        const answer = await call(connection, name, args);
        connection.pushText(JSON.stringify({ id, answer: answer ?? null }));
      },
      onReplaced(connection, { name }) {
        connection.pushText(JSON.stringify({ replaced: name }));
      },
    }),
  ],
  backplane: await backplaneOf(),
});

async function call(connection: Connection, name: string, args: unknown[]): Promise<unknown> {
  if (name === 'joinMany') return joinMany(connection, args[0] as string, args[1] as number);
  if (name === 'pushMany')
    return pushMany(args[0] as string, args[1] as number, args[2] as number, args[3] as number | undefined);
  const [of, own] = name.split('.');
  if (own === undefined) return (connection as unknown as Functions)[name]!(...args);
  return ((of === 'cluster' ? troupe.cluster : troupe) as unknown as Functions)[own]!(...args);
}

async function joinMany(connection: Connection, prefix: string, count: number): Promise<number> {
  let joined = 0;
  for (let from = 0; from < count; from += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, at) => `${prefix}${from + at}`);
    const outcomes = await Promise.all(some.map((group) => connection.addConnectionToGroup(group)));
    joined += outcomes.filter(({ status }) => status === 'ok').length;
  }
  return joined;
}

/** `0…`, `1…`, … with that many bytes each; how many went to the engine. */
function pushMany(group: string, count: number, length: number, from = 0): number {
  let taken = 0;
  for (let at = from; at < from + count; at++) {
    const { status } = troupe.pushTextToGroup(group, `${at} `.padEnd(length, '.'));
    if (status === 'accepted' || status === 'delivered') taken++;
  }
  return taken;
}

function tell(event: string, more: object = {}): void {
  process.send!({ event, at: Date.now(), ...more });
}

process.on('disconnect', () => process.exit(1));
troupe.on('backplane.lost', ({ error }) => tell('lost', { error: String(error) }));
troupe.on('backplane.unreachable', ({ error }) => tell('unreachable', { error: String(error) }));
troupe.on('backplane.connected', ({ again, fenced, removed }) => tell('connected', { again, fenced, removed }));
const { port } = await troupe.listen({ port: 0, host: '127.0.0.1' });
tell('listening', { port, id: troupe.cluster.nodeId });
