/** The engines that nodes are joined by, as processes that end, freeze, and come back knowing nothing. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { hasNats, startNats } from '../support/nats-server.ts';
import { freePort } from '../support/nginx.ts';
import { isMissing, startRedis } from '../support/redis-server.ts';

interface Running {
  readonly pid: number;
  /** Resolves when it has ended. */
  kill(): Promise<void>;
}

export interface EngineKind {
  readonly name: 'redis' | 'nats';
  readonly isMissing: boolean;
  start(port: number, monitorPort: number): Promise<Running>;
  /** How many connections listen to it. */
  listeners(port: number, monitorPort: number): Promise<number>;
}

const redis: EngineKind = {
  name: 'redis',
  isMissing: isMissing('redis-server'),
  async start(port) {
    const server = await startRedis({ port });
    return { pid: server.child.pid!, kill: () => server.stop() };
  },
  async listeners(port) {
    const socket = connect(port, '127.0.0.1');
    socket.write('CLIENT LIST TYPE pubsub\r\nQUIT\r\n');
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    await once(socket, 'close');
    return answer.match(/^id=/gm)?.length ?? 0;
  },
};

const nats: EngineKind = {
  name: 'nats',
  isMissing: !hasNats,
  async start(port, monitorPort) {
    const server = await startNats(['-m', `${monitorPort}`], port);
    return { pid: server.child.pid!, kill: () => server.end('SIGKILL') };
  },
  async listeners(_port, monitorPort) {
    const answer = await fetch(`http://127.0.0.1:${monitorPort}/connz`);
    return ((await answer.json()) as { num_connections: number }).num_connections;
  },
};

// oxlint-disable-next-line no-console -- so that a run tells what it did not test
if (nats.isMissing) console.warn('Not tested, for lack of nats-server: see .ci/run.');

/** All, or the one that CLUSTER_ENGINE names. */
export const engines: readonly EngineKind[] = [redis, nats].filter(
  ({ name }) => (process.env['CLUSTER_ENGINE'] ?? name) === name,
);

export class Engine {
  readonly kind: EngineKind;
  readonly port: number;
  readonly #monitorPort: number;
  #running: Running | undefined;

  private constructor(kind: EngineKind, port: number, monitorPort: number) {
    this.kind = kind;
    this.port = port;
    this.#monitorPort = monitorPort;
  }

  static async start(kind: EngineKind): Promise<Engine> {
    const engine = new Engine(kind, await freePort(), await freePort());
    await engine.restart();
    return engine;
  }

  listeners(): Promise<number> {
    return this.kind.listeners(this.port, this.#monitorPort);
  }

  async kill(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.kill();
  }

  /** At the same address, empty. */
  async restart(): Promise<void> {
    this.#running = await this.kind.start(this.port, this.#monitorPort);
  }

  freeze(): void {
    process.kill(this.#running!.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.#running!.pid, 'SIGCONT');
  }
}
