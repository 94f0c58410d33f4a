/** Nodes as processes of their own, each behind a proxy, and clients that tell their connections what to do. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { dial, opened, type Client } from '../support/client.ts';
import { Engine, type EngineKind } from './engines.ts';
import { Proxy } from './proxy.ts';

const program = fileURLToPath(new URL('programs/node.ts', import.meta.url));

/** What a node tells of itself, and when, in ms. */
export interface Told {
  readonly event: 'listening' | 'connected' | 'lost' | 'unreachable';
  readonly at: number;
  readonly port?: number;
  readonly id?: string;
  readonly error?: string;
  readonly again?: boolean;
  readonly fenced?: number;
  readonly removed?: number;
}

/** What a function answered: an outcome or a delivery; `gone` when the connection ended before. */
export interface Answered {
  readonly status: string;
  readonly count: number;
}

/** Resolves when a condition holds of what comes in. */
class Awaited {
  #looks: (() => void)[] = [];

  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        this.#looks = this.#looks.filter((other) => other !== look);
        resolve();
      };
      this.#looks.push(look);
      look();
    });
  }

  look(): void {
    for (const look of this.#looks) look();
  }
}

/** A connection to one node, told from outside what to do. */
export class Puppet {
  readonly node: NodeProcess;
  readonly client: Client;
  /** For messages of tests. */
  label = '';
  readonly heard: string[] = [];
  readonly replaced: string[] = [];
  readonly #answers = new Map<number, (answer: unknown) => void>();
  readonly #awaited = new Awaited();
  #calls = 0;

  constructor(node: NodeProcess, client: Client) {
    this.node = node;
    this.client = client;
    client.socket.on('message', (data: Buffer) => this.#hear(data.toString()));
    client.socket.on('close', () => {
      for (const answer of this.#answers.values()) answer({ status: 'gone', count: 0 });
      this.#awaited.look();
    });
  }

  get isOpen(): boolean {
    return this.client.socket.readyState === 1;
  }

  /** Calls a function of its connection, of `troupe.` or of `cluster.`. */
  call<Answer = Answered>(name: string, ...args: unknown[]): Promise<Answer> {
    const id = ++this.#calls;
    return new Promise((resolve) => {
      if (!this.isOpen) return resolve({ status: 'gone', count: 0 } as Answer);
      this.#answers.set(id, resolve as (answer: unknown) => void);
      this.client.send(JSON.stringify({ id, name, args }));
    });
  }

  until(condition: (puppet: Puppet) => boolean): Promise<void> {
    return this.#awaited.until(() => condition(this));
  }

  /** Resolves when it has heard `text`; all that it heard until then. */
  async hears(text: string): Promise<readonly string[]> {
    await this.until(({ heard }) => heard.at(-1) === text || heard.includes(text));
    return this.heard;
  }

  async close(): Promise<void> {
    await this.client.close();
  }

  #hear(text: string): void {
    const said: unknown = text.startsWith('{') ? JSON.parse(text) : text;
    if (typeof said === 'string') this.heard.push(said);
    else if ('id' in (said as object)) {
      const { id, answer } = said as { id: number; answer: unknown };
      this.#answers.get(id)!(answer);
      this.#answers.delete(id);
    } else this.replaced.push((said as { replaced: string }).replaced);
    this.#awaited.look();
  }
}

export class NodeProcess {
  readonly proxy: Proxy;
  readonly child: ChildProcess;
  readonly told: Told[] = [];
  id = '';
  #port = 0;
  readonly #awaited = new Awaited();

  private constructor(proxy: Proxy, child: ChildProcess) {
    this.proxy = proxy;
    this.child = child;
    child.on('exit', () => this.#awaited.look());
    child.on('message', (told: Told) => {
      this.told.push(told);
      if (told.event === 'listening') {
        this.id = told.id!;
        this.#port = told.port!;
      }
      this.#awaited.look();
    });
  }

  /** Resolves when it listens and relays. */
  static async start(engine: Engine): Promise<NodeProcess> {
    const proxy = await Proxy.to(engine.port);
    const url = `${engine.kind.name}://127.0.0.1:${proxy.port}`;
    const parameters = ['--import', 'tsx', '--conditions=troupe-source', program, engine.kind.name, url];
    const child = spawn(process.execPath, parameters, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const node = new NodeProcess(proxy, child);
    await node.#awaited.until(() => (node.isUp && node.#port > 0) || !node.isRunning);
    if (!node.isRunning) throw new Error('A node ended instead of starting; its errors are above.');
    return node;
  }

  /** Whether it relays, as far as it has told. */
  get isUp(): boolean {
    return this.told.findLast(({ event }) => event !== 'listening')?.event === 'connected';
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  async puppet(): Promise<Puppet> {
    const client = dial(`ws://127.0.0.1:${this.#port}/`);
    const puppet = new Puppet(this, client);
    await opened(client);
    return puppet;
  }

  /** Resolves with the first event of that kind after the `from`th one that it told. */
  async tells(event: Told['event'], from: number): Promise<Told> {
    const found = (): Told | undefined => this.told.slice(from).find((told) => told.event === event);
    await this.#awaited.until(() => found() !== undefined);
    return found()!;
  }

  freeze(): void {
    this.child.kill('SIGSTOP');
  }

  thaw(): void {
    this.child.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    if (!this.isRunning) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }

  async end(): Promise<void> {
    await this.kill();
    await this.proxy.close();
  }
}

export class Cluster {
  readonly engine: Engine;
  readonly nodes: NodeProcess[] = [];

  private constructor(engine: Engine) {
    this.engine = engine;
  }

  static async start(kind: EngineKind, count: number): Promise<Cluster> {
    const cluster = new Cluster(await Engine.start(kind));
    const joined = await Promise.allSettled(Array.from({ length: count }, () => cluster.join()));
    const failed = joined.find(({ status }) => status === 'rejected');
    if (failed === undefined) return cluster;
    await cluster.end();
    throw (failed as PromiseRejectedResult).reason;
  }

  /** One more node. */
  async join(): Promise<NodeProcess> {
    const node = await NodeProcess.start(this.engine);
    this.nodes.push(node);
    return node;
  }

  async end(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.end()));
    await this.engine.kill();
  }
}
