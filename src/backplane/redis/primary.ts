/**
 * Where the primary is, by asking Sentinels one after another, anew for each link.
 *
 * Not the client's own Sentinel support: it reconnects and repeats by itself, and a link must not.
 */
import { makeClient, type Access, type Address } from './client.ts';

export interface Sentinels {
  /** What the primary is called there. */
  readonly name: string;
  readonly nodes: readonly Address[];
  readonly access: Access;
}

/** One that does not answer may not use up the time of the others. */
const ANSWER_MS = 1500;

export async function findPrimary(sentinels: Sentinels, signal: AbortSignal): Promise<Address> {
  const failures: unknown[] = [];
  for (const node of sentinels.nodes) {
    try {
      return await ask(sentinels, node, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      failures.push(error);
    }
  }
  const asked = sentinels.nodes.map(({ host, port }) => `${host}:${port}`).join(', ');
  throw new AggregateError(failures, `No Sentinel of ${asked} says where the primary "${sentinels.name}" is.`);
}

async function ask({ name, access }: Sentinels, node: Address, signal: AbortSignal): Promise<Address> {
  const cut = new AbortController();
  const client = makeClient(node, access, cut.signal);
  client.on('error', () => {});
  const end = (): void => {
    cut.abort();
    client.destroy();
  };
  const timer = setTimeout(end, ANSWER_MS);
  signal.addEventListener('abort', end, { once: true });
  try {
    await client.connect();
    const answer: unknown = await client.sendCommand(['SENTINEL', 'get-master-addr-by-name', name]);
    if (!Array.isArray(answer)) throw new Error(`The Sentinel at ${node.host}:${node.port} knows no "${name}".`);
    return { host: String(answer[0]), port: Number(answer[1]) };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    end();
  }
}
