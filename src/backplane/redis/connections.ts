/**
 * The two connections of a link, one for commands and one that listens, and their common end: when one of them ends,
 * for whatever reason, so does the other, once.
 */
import { makeClient, type Access, type Address, type Client } from './client.ts';
import { Gathered } from './gathered.ts';
import { findPrimary, type Sentinels } from './primary.ts';
import { scripts, type Script } from './scripts.ts';

type Command = readonly (string | Buffer)[];

/** What the server has not answered yet, at most: a larger burst is refused in part. */
const MAX_PENDING = 16_384;
const MAX_PENDING_BYTES = 16 * 1024 * 1024;

/** What a command takes beside its payload, roughly. */
const OVERHEAD_BYTES = 128;

/** Answers after which nothing more is of use: scripts were flushed, or one may not write to this server any more. */
const fatalAnswers = /^(NOSCRIPT|READONLY|MASTERDOWN|LOADING|NOAUTH)\b/;

export interface Server {
  readonly at: Address | Sentinels;
  readonly access: Access;
}

export class Connections {
  readonly #server: Server;
  readonly #ended: (cause: unknown) => void;
  readonly #cut = new AbortController();
  readonly #gathered = new Gathered();
  #commands: Client | undefined;
  #listening: Client | undefined;
  #cause: unknown;
  #pending = 0;
  #pendingBytes = 0;
  isOver = false;

  constructor(server: Server, ended: (cause: unknown) => void) {
    this.#server = server;
    this.#ended = ended;
  }

  /** Resolves with the one that listens, when scripts can be run. Rejects when it is ended meanwhile. */
  async open(): Promise<Client> {
    const { at } = this.#server;
    const address = 'nodes' in at ? await findPrimary(at, this.#cut.signal) : at;
    if (this.isOver) throw this.#cause;
    const commands = (this.#commands = this.#connection(address));
    const listening = (this.#listening = this.#connection(address));
    await Promise.all([commands.connect(), listening.connect()]);
    if (this.isOver) throw this.#cause;
    // A Sentinel that is cut off itself names the one that was the primary before.
    if ('nodes' in at) {
      const [role] = (await this.send(['ROLE'], 0)) as readonly unknown[];
      if (role !== 'master') throw new Error(`Redis at ${address.host}:${address.port} is a ${String(role)}.`);
    }
    await Promise.all(scripts.map(async ({ source }) => this.send(['SCRIPT', 'LOAD', source], 0)));
    return listening;
  }

  #connection(address: Address): Client {
    const client = makeClient(address, this.#server.access, this.#cut.signal);
    // Without a listener an error ends the process. Each of them is an end: the client does not reconnect.
    return client.on('error', (error) => this.end(error));
  }

  /** Ends both. Whatever was sent and not answered rejects. More than once does nothing. */
  end(cause: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#cause = cause;
    this.#cut.abort();
    this.#commands?.destroy();
    this.#listening?.destroy();
    this.#ended(cause);
  }

  hasRoomFor(bytes: number): boolean {
    return this.#pending < MAX_PENDING && this.#pendingBytes + bytes + OVERHEAD_BYTES <= MAX_PENDING_BYTES;
  }

  /** `bytes`: of its payload. Rejects when the server refuses it, or with any error when the answer did not come. */
  async send(command: Command, bytes: number): Promise<unknown> {
    // Whatever was sent before arrives before.
    this.#gathered.letGo();
    this.#enter(bytes);
    return this.#pass(command, bytes);
  }

  /** The same where nobody waits for the answer, and later where others are under way. */
  post(command: Command, bytes: number): void {
    this.#enter(bytes);
    this.#gathered.add(() => this.#pass(command, bytes));
  }

  #enter(bytes: number): void {
    this.#pending += 1;
    this.#pendingBytes += bytes + OVERHEAD_BYTES;
  }

  async #pass(command: Command, bytes: number): Promise<unknown> {
    try {
      if (this.isOver || this.#commands === undefined) throw this.#cause;
      return await this.#commands.sendCommand(command);
    } catch (error) {
      if (error instanceof Error && fatalAnswers.test(error.message)) this.end(error);
      throw error;
    } finally {
      this.#pending -= 1;
      this.#pendingBytes -= bytes + OVERHEAD_BYTES;
    }
  }

  async run(script: Script, parameters: readonly (string | Buffer)[], bytes = 0): Promise<unknown> {
    return this.send(['EVALSHA', script.sha, '0', ...parameters], bytes);
  }
}
