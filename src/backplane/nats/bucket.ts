/**
 * A bucket of NATS as a map in which a value is replaced or taken away only by
 * those who know its latest revision.
 *
 * Two requests go past the client's buckets: to delete a revision without leaving
 * a marker behind for good, and to list keys in one answer.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import type { KV, Kvm } from '@nats-io/kv';

export interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
  /** 0: there is none. */
  readonly revision: number;
}

export interface BucketOptions {
  readonly storage: 'memory' | 'file';
  readonly replicas: number;
  /** How long an entry stays, in ms. */
  readonly ttl?: number;
}

/** Somebody else was first: codes of JetStream for a revision that is not the latest. */
const WRONG_REVISION = new Set([10071, 10164]);
/** Not there any more: codes of JetStream for deleting what is not the latest revision of a key. */
const NO_SUCH_REVISION = new Set([10037, 10043, 10057]);

interface ApiAnswer {
  readonly error?: { readonly err_code?: number; readonly description?: string };
  readonly success?: boolean;
  readonly state?: { readonly last_ts?: string; readonly subjects?: Readonly<Record<string, number>> };
}

export class Bucket {
  readonly #connection: NatsConnection;
  readonly #store: KV;
  readonly #name: string;

  private constructor(connection: NatsConnection, store: KV, name: string) {
    this.#connection = connection;
    this.#store = store;
    this.#name = name;
  }

  /** Makes it when it does not exist; several nodes may do so at once. */
  static async open(connection: NatsConnection, buckets: Kvm, name: string, options: BucketOptions): Promise<Bucket> {
    // Whoever holds a copy would answer faster, and may not know yet what was confirmed to somebody else.
    const store = await buckets.create(name, { history: 1, allow_direct: false, ...options });
    return new Bucket(connection, store, name);
  }

  /** How many servers keep it, whatever was asked for when it was opened. */
  async replicas(): Promise<number> {
    const { replicas } = await this.#store.status();
    return replicas;
  }

  async read(key: string): Promise<Entry | undefined> {
    const entry = await this.#store.get(key);
    return entry === null || entry.operation !== 'PUT' ? undefined : entry;
  }

  /** Whoever else writes. */
  async put(key: string, value: Uint8Array): Promise<number> {
    return this.#store.put(key, value);
  }

  /** The new revision; undefined if `revision` was not the latest. 0: the key must not be there. */
  async replace(key: string, value: Uint8Array, revision: number): Promise<number | undefined> {
    try {
      return await this.#store.put(key, value, { previousSeq: revision });
    } catch (error) {
      if (WRONG_REVISION.has(codeOf(error))) return undefined;
      throw error;
    }
  }

  /** False if that revision is not there any more. */
  async erase(revision: number): Promise<boolean> {
    const answer = await this.#ask('MSG.DELETE', { seq: revision, no_erase: true });
    if (answer.error === undefined) return answer.success === true;
    if (NO_SUCH_REVISION.has(answer.error.err_code ?? 0)) return false;
    throw new Error(`NATS did not delete from ${this.#name}: ${answer.error.description ?? 'no reason given'}`);
  }

  /** The keys beneath `parent`, without it, and when the engine last wrote to the bucket, in ms. */
  async keys(parent: string): Promise<{ readonly keys: readonly string[]; readonly writtenMs: number }> {
    const head = `$KV.${this.#name}.${parent}.`;
    const { error, state } = await this.#ask('INFO', { subjects_filter: `${head}>` });
    if (error !== undefined)
      throw new Error(`NATS did not list ${this.#name}: ${error.description ?? 'no reason given'}`);
    return {
      keys: Object.keys(state?.subjects ?? {}).map((subject) => subject.slice(head.length)),
      writtenMs: Date.parse(state?.last_ts ?? ''),
    };
  }

  /** All entries, as they were when they are come to. */
  async *entries(): AsyncGenerator<Entry> {
    for await (const entry of await this.#store.history({ key: '>' })) {
      if (entry.operation === 'PUT') yield entry;
    }
  }

  async #ask(what: 'INFO' | 'MSG.DELETE', request: object): Promise<ApiAnswer> {
    const subject = `$JS.API.STREAM.${what}.KV_${this.#name}`;
    const answer = await this.#connection.request(subject, JSON.stringify(request), { timeout: 5000 });
    return answer.json<ApiAnswer>();
  }
}

function codeOf(error: unknown): number {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'number' ? code : 0;
}
