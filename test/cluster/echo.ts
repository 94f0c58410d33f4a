/** What is local, asked for all along: to itself, by its name and to a group that is on this node alone. */
// oxlint-disable-next-line no-restricted-imports -- a pause between questions, nothing waits for its end
import { setTimeout as wait } from 'node:timers/promises';
import type { NodeProcess, Puppet } from './nodes.ts';

/** Leaves the processor to others: it is there to notice standstill, not to load. */
const PAUSE_MS = 10;

export class Echo {
  /** How many rounds were answered. */
  count = 0;
  longestMs = 0;
  readonly #puppet: Puppet;
  readonly #name: string;
  readonly #running: Promise<void>;
  #isOver = false;

  private constructor(puppet: Puppet) {
    this.#puppet = puppet;
    this.#name = `echo of ${puppet.node.id}`;
    this.#running = this.#run();
  }

  static async on(node: NodeProcess): Promise<Echo> {
    const puppet = await node.puppet();
    const name = `echo of ${node.id}`;
    await puppet.call('storeConnection', name);
    await puppet.call('addConnectionToGroup', name);
    return new Echo(puppet);
  }

  /** Ends it; what was heard besides the echoes, or missed: nothing if all went well. */
  async stop(): Promise<readonly string[]> {
    this.#isOver = true;
    await this.#running;
    const ways = ['itself', 'name', 'group'];
    const expected = Array.from({ length: this.count }, (_, at) => ways.map((way) => `${way} ${at}`)).flat();
    const { heard } = this.#puppet;
    const wrong = expected.flatMap((text, at) => (heard[at] === text ? [] : [`${heard[at]} instead of ${text}`]));
    return [...wrong, ...(this.#puppet.isOpen ? heard.slice(expected.length) : []), ...this.#puppet.replaced];
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const start = performance.now();
      const at = this.count;
      await this.#puppet.call('pushText', `itself ${at}`);
      await this.#puppet.call('pushTextToConnection', this.#name, `name ${at}`);
      await this.#puppet.call('pushTextToGroup', this.#name, `group ${at}`);
      // It goes with its node.
      if (!this.#puppet.isOpen) return;
      this.count++;
      this.longestMs = Math.max(this.longestMs, performance.now() - start);
      await wait(PAUSE_MS);
    }
  }
}
