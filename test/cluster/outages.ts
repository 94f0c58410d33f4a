/** What tests of outages share: two connections on different nodes, by a name and in a group, and how they are found. */
import { expect } from 'vitest';
import type { Answered, NodeProcess, Puppet, Told } from './nodes.ts';

/** So long may it take until all is as it was. */
export const SOON = { timeout: 20_000, interval: 10 };

let made = 0;

export class Pair {
  readonly here: Puppet;
  readonly there: Puppet;
  readonly #key: string;

  private constructor(here: Puppet, there: Puppet, key: string) {
    this.here = here;
    this.there = there;
    this.#key = key;
  }

  /** Each has a name and both are in a group. */
  static async on(one: NodeProcess, two: NodeProcess): Promise<Pair> {
    const pair = new Pair(await one.puppet(), await two.puppet(), `pair ${++made}`);
    for (const puppet of [pair.here, pair.there]) {
      expect(await puppet.call('storeConnection', pair.nameOf(puppet))).toMatchObject({ status: 'ok' });
      expect(await puppet.call('addConnectionToGroup', pair.group)).toMatchObject({ status: 'ok' });
    }
    return pair;
  }

  get group(): string {
    return `group of ${this.#key}`;
  }

  nameOf(puppet: Puppet): string {
    return `${puppet === this.here ? 'here' : 'there'} of ${this.#key}`;
  }

  push(from: Puppet, to: Puppet, text: string): Promise<Answered> {
    return from.call('pushTextToConnection', this.nameOf(to), text);
  }

  /** Resolves when each finds the other by its name. */
  async namesAreFound(): Promise<void> {
    const text = `name ${++made}`;
    for (const [from, to] of this.#both())
      await expect
        .poll(async () => {
          await this.push(from, to, text);
          return to.heard.includes(text);
        }, SOON)
        .toBe(true);
  }

  /** Resolves when each hears what the other says to the group. */
  async groupIsHeard(): Promise<void> {
    const text = `group ${++made}`;
    for (const [from, to] of this.#both())
      await expect
        .poll(async () => {
          await from.call('pushTextToGroup', this.group, text);
          return to.heard.includes(text);
        }, SOON)
        .toBe(true);
    for (const puppet of [this.here, this.there]) puppet.heard.length = 0;
  }

  #both(): readonly (readonly [Puppet, Puppet])[] {
    return [
      [this.here, this.there],
      [this.there, this.here],
    ];
  }
}

/** What nodes tell from now on. */
export class Watch {
  readonly start = Date.now();
  readonly #from: ReadonlyMap<NodeProcess, number>;

  constructor(nodes: readonly NodeProcess[]) {
    this.#from = new Map(nodes.map((node) => [node, node.told.length]));
  }

  tells(node: NodeProcess, event: Told['event']): Promise<Told> {
    return node.tells(event, this.#from.get(node)!);
  }

  /** In ms from the start until the last of them told it. */
  async all(event: Told['event']): Promise<number> {
    const told = await Promise.all([...this.#from.keys()].map((node) => this.tells(node, event)));
    return Math.max(...told.map(({ at }) => at)) - this.start;
  }
}
