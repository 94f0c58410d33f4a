import { onTestFinished } from 'vitest';
import { createTroupe, defineService, type Connection, type Delivery, type Outcome, type Troupe } from 'troupe';
import type { Backplane } from 'troupe/backplane';
import type { SimulatedClock } from 'xstate';
import { connect, type Client } from './client.ts';
import { advanceUntil } from './server.ts';

/** What a client asks its connection to do: a function and its arguments. */
type Call = readonly [function: string, ...args: unknown[]];

/** Does what it is told, and says what came of it and what happened to it. */
function puppet(basePath: string) {
  return defineService({
    basePath,
    name: basePath,
    async onTextMessage(connection: Connection, text: string) {
      const [name, ...args] = JSON.parse(text) as Call;
      const functions = connection as unknown as Record<string, (...args: unknown[]) => unknown>;
      const answer = await functions[name]!(...args);
      connection.pushText(JSON.stringify({ answer: answer ?? null }));
    },
    onReplaced(connection, { name }) {
      connection.pushText(JSON.stringify({ replaced: name }));
    },
  });
}

/** A connection to one node, told from outside what to do. */
export class Puppet {
  readonly client: Client;
  readonly #answers: ((answer: unknown) => void)[] = [];
  readonly heard: string[] = [];
  readonly replaced: string[] = [];
  #listeners: (() => void)[] = [];

  constructor(client: Client) {
    this.client = client;
    client.socket.on('message', (data: Buffer) => {
      const text = data.toString();
      const said: unknown = text.startsWith('{') ? JSON.parse(text) : text;
      if (typeof said === 'string') this.heard.push(said);
      else if ('answer' in (said as object)) this.#answers.shift()!((said as { answer: unknown }).answer);
      else this.replaced.push((said as { replaced: string }).replaced);
      for (const listener of this.#listeners) listener();
    });
  }

  call(...call: Call): Promise<Outcome & Delivery> {
    return new Promise((resolve) => {
      this.#answers.push(resolve as (answer: unknown) => void);
      this.client.send(JSON.stringify(call));
    });
  }

  /** Resolves when `condition` holds of what it has heard. */
  until(condition: (puppet: Puppet) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!condition(this)) return;
        this.#listeners = this.#listeners.filter((listener) => listener !== look);
        resolve();
      };
      this.#listeners.push(look);
      look();
    });
  }

  /** Resolves when it has heard `text`; all that it heard until then. */
  async hears(text: string): Promise<readonly string[]> {
    await this.until(({ heard }) => heard.includes(text));
    return this.heard;
  }
}

export interface Node {
  readonly troupe: Troupe;
  readonly id: string;
  puppet(basePath?: string): Promise<Puppet>;
}

/** A node that is up: a Troupe of its own, with its own port. */
export async function startNode(backplane: Backplane, clock?: SimulatedClock): Promise<Node> {
  const services = [puppet('/a'), puppet('/b')];
  const troupe = createTroupe({ services, backplane, ...(clock !== undefined && { clock }) });
  onTestFinished(async () => {
    const closed = troupe.close({ drain: { timeoutMs: 100 } });
    await (clock === undefined ? closed : advanceUntil(clock, closed));
  });
  const [{ port }] = await Promise.all([troupe.listen({ port: 0, host: '127.0.0.1' }), isUp(troupe)]);
  return {
    troupe,
    id: troupe.cluster.nodeId,
    puppet: async (basePath = '/a') => new Puppet(await connect(`ws://127.0.0.1:${port}${basePath}`)),
  };
}

/** Resolves when the node is up (again). */
export function isUp(troupe: Troupe): Promise<void> {
  return new Promise((resolve) => {
    if (troupe.health().backplane?.isUp === true) return resolve();
    const stop = troupe.on('backplane.connected', () => {
      stop();
      resolve();
    });
  });
}

export function isDown(troupe: Troupe): Promise<void> {
  return new Promise((resolve) => {
    if (troupe.health().backplane?.isUp === false) return resolve();
    const stop = troupe.on('backplane.lost', () => {
      stop();
      resolve();
    });
  });
}
