/** Nodes in processes of their own, with the engine between them; and what they spend. */
import type { ServerName } from '../contract.ts';
import { Child } from '../crowd/process.ts';
import { inParallel, sourceAddress } from '../generator/connections.ts';
import { dialectOf } from '../generator/dialect.ts';
import { RawConnection } from '../generator/raw-connection.ts';
import { PeerMissing } from '../servers/peers.ts';
import type { ClusterRole } from './contract.ts';
import { startEngine, type Engine, type EngineName } from './engines.ts';
import type { NodeCommands } from './server.ts';

const atOnce = 64;

const engines: Readonly<Partial<Record<ServerName, EngineName>>> = {
  'troupe-redis': 'redis',
  'socket.io-redis': 'redis',
  'socket.io-redis-tuned': 'redis',
  'troupe-nats': 'nats',
};

/** What was spent between `begin` and `end`, in µs of processor time. */
export interface ClusterSpent {
  readonly nodes: readonly number[];
  readonly engine: number | undefined;
  readonly wallMs: number;
}

export class Node {
  readonly server: ServerName;
  readonly process: Child<NodeCommands>;
  readonly connections: RawConnection[] = [];
  #port = 0;

  constructor(server: ServerName, role: ClusterRole, engine: Engine | undefined) {
    this.server = server;
    const args = [server, role, ...(engine === undefined ? [] : [engine.url])];
    this.process = new Child(new URL('server.js', import.meta.url), args);
  }

  /** @throws {PeerMissing} What it is made of does not load here. */
  async started(): Promise<void> {
    const answer = await this.process.ask('port');
    if ('missing' in answer) throw new PeerMissing(answer.missing);
    this.#port = answer.port;
  }

  /** Resolves when each of these connections is in its group, or stored. */
  async open(paths: readonly string[]): Promise<RawConnection[]> {
    const { server } = this;
    const opened: RawConnection[] = [];
    const first = this.connections.length;
    await inParallel(paths.length, atOnce, async (index) => {
      const name = paths[index]!;
      const where = { port: this.#port, ...sourceAddress(index) };
      const connection = new RawConnection({ ...where, dialect: dialectOf(server), label: name, name });
      opened[index] = connection;
      this.connections.push(connection);
      await connection.opened;
    });
    await this.process.ask('settled', first + paths.length);
    return opened;
  }
}

export class Cluster {
  readonly nodes: readonly Node[];
  readonly #engine: Engine | undefined;
  #engineUs: number | undefined;
  #begunAt = 0;

  constructor(nodes: readonly Node[], engine: Engine | undefined) {
    this.nodes = nodes;
    this.#engine = engine;
  }

  /** What is not counted, in two halves. The first question for processor time has V8 throw code away: it is asked between. */
  async warmUp(half: () => Promise<unknown>): Promise<void> {
    await half();
    await this.begin();
    await this.end();
    await half();
  }

  async begin(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.process.ask('begin')));
    this.#engineUs = this.#engine?.cpuUs();
    this.#begunAt = performance.now();
  }

  async end(): Promise<ClusterSpent> {
    const wallMs = performance.now() - this.#begunAt;
    const now = this.#engine?.cpuUs();
    const nodes = await Promise.all(this.nodes.map((node) => node.process.ask('end')));
    const engine = now === undefined || this.#engineUs === undefined ? undefined : now - this.#engineUs;
    return { nodes, engine, wallMs };
  }
}

/** Starts an engine, if one of them needs it, and one node for each of `servers`; ends them all. */
export async function withCluster<Result>(
  servers: readonly ServerName[],
  role: ClusterRole,
  body: (cluster: Cluster) => Promise<Result>,
): Promise<Result> {
  const names = new Set(servers.flatMap((server) => engines[server] ?? []));
  if (names.size > 1) throw new TypeError('one engine at a time');
  const [name] = names;
  const engine = name === undefined ? undefined : await startEngine(name);
  const nodes = servers.map((server) => new Node(server, role, engines[server] === undefined ? undefined : engine));
  try {
    await Promise.all(nodes.map((node) => node.started()));
    return await body(new Cluster(nodes, engine));
  } finally {
    for (const connection of nodes.flatMap((node) => node.connections)) connection.destroy();
    await Promise.all(nodes.map((node) => node.process.stop()));
    await engine?.stop();
  }
}
