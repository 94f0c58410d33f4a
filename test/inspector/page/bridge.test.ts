import { beforeEach, describe, expect, it } from 'vitest';
import { Bridge, type BridgeStatus } from '../../../src/inspector/page/bridge.ts';
import type { SocketListener } from '../../../src/inspector/page/viewer.ts';

/** A server and a page of Stately's that do what the test says, and a clock that the test moves. */
class World {
  readonly links: (SocketListener & { isClosed: boolean })[] = [];
  /** What each of Stately's pages was told. */
  readonly told: unknown[][] = [];
  status: BridgeStatus | undefined;
  readonly bridge: Bridge;
  #now = 0;
  #timers: { readonly at: number; readonly act: () => void }[] = [];

  constructor() {
    this.bridge = new Bridge({
      connect: (listener) => {
        const link = { ...listener, isClosed: false };
        this.links.push(link);
        return {
          close: () => {
            link.isClosed = true;
            // A browser says so of sockets that the page itself has closed, too.
            link.closed();
          },
        };
      },
      load: () => void this.told.push([]),
      unload: () => undefined,
      post: (message) => void this.told.at(-1)?.push(message),
      show: (status) => {
        this.status = status;
      },
      now: () => this.#now,
      random: () => 0.5,
      after: (ms, act) => void this.#timers.push({ at: this.#now + ms, act }),
    });
  }

  open(): void {
    this.links.at(-1)?.opened();
  }

  say(...names: readonly string[]): void {
    for (const name of names) this.links.at(-1)?.heard(JSON.stringify(frame(name)));
  }

  lose(): void {
    this.links.at(-1)?.closed();
  }

  pass(ms: number): void {
    this.#now += ms;
    const due = this.#timers.filter(({ at }) => at <= this.#now);
    this.#timers = this.#timers.filter(({ at }) => at > this.#now);
    for (const { act } of due) act();
  }
}

const frame = (name: string): object => ({ type: '@xstate.actor', _version: '0.7.2', name });

let world: World;
beforeEach(() => {
  world = new World();
  world.bridge.start();
  world.open();
});

describe('a page of Stately’s', () => {
  it('is told nothing before it listens, and then all of it in order', () => {
    world.say('one', 'two');
    expect(world.told).toEqual([[]]);
    expect(world.status).toEqual({ link: { phase: 'open' }, isHeard: false });
    world.bridge.heard();
    expect(world.status).toMatchObject({ isHeard: true });
    world.say('three');
    expect(world.told).toEqual([['one', 'two', 'three'].map(frame)]);
  });

  it('that says again that it listens is told all again', () => {
    world.say('one');
    world.bridge.heard();
    world.say('two');
    world.bridge.heard();
    expect(world.told).toEqual([['one', 'two', 'one', 'two'].map(frame)]);
  });

  it('is handed nothing that is not of the format', () => {
    world.bridge.heard();
    const others = ['', '{', 'null', '1', '[]', '{}', '{"type":"troupe.hello"}', '{"type":1,"_version":"0.7.2"}'];
    for (const other of [...others, new ArrayBuffer(1)]) world.links[0]?.heard(other);
    world.say('one');
    expect(world.told).toEqual([[frame('one')]]);
  });
});

describe('what is kept for a page that does not listen', () => {
  const flood = (): void => world.say(...Array.from({ length: 2_001 }, (_, index) => `${index}`));

  it('is bounded in number: then the link is given up until the page listens', () => {
    flood();
    expect(world.links.map(({ isClosed }) => isClosed)).toEqual([true]);
    expect(world.status).toEqual({ link: undefined, isHeard: false });
    world.pass(60_000);
    expect(world.links).toHaveLength(1);
    world.bridge.heard();
    expect(world.links).toHaveLength(2);
    world.open();
    world.say('anew');
    expect(world.told).toEqual([[frame('anew')]]);
  });

  it('is bounded in size', () => {
    for (let count = 0; count < 17; count += 1) world.say('x'.repeat(1024 * 1024));
    expect(world.links[0]?.isClosed).toBe(true);
  });

  it('does not matter to a page that listens, but one that begins again gets a link of its own', () => {
    world.bridge.heard();
    flood();
    expect(world.links[0]?.isClosed).toBe(false);
    expect(world.told[0]).toHaveLength(2_001);
    world.bridge.heard();
    expect(world.links.map(({ isClosed }) => isClosed)).toEqual([true, false]);
    world.open();
    world.say('anew');
    expect(world.told[0]).toHaveLength(2_002);
  });
});

describe('a link that is lost', () => {
  it('is made again, and another page begins with what is told then', () => {
    world.bridge.heard();
    world.say('one');
    world.lose();
    expect(world.status?.link).toMatchObject({ phase: 'lost', retryAt: 500 });
    expect(world.told).toHaveLength(1);
    world.pass(500);
    expect(world.status?.link).toMatchObject({ phase: 'connecting' });
    world.open();
    expect(world.status).toEqual({ link: { phase: 'open' }, isHeard: false });
    world.say('two');
    world.bridge.heard();
    expect(world.told).toEqual([[frame('one')], [frame('two')]]);
  });

  it('leaves a page that was told nothing where it is', () => {
    world.say('one');
    world.lose();
    world.bridge.retryNow();
    world.open();
    world.say('two');
    world.bridge.heard();
    expect(world.told).toEqual([[frame('two')]]);
  });

  it('is tried at longer and longer intervals', () => {
    const waits = [];
    for (let at = 0, attempt = 0; attempt < 8; attempt += 1) {
      world.lose();
      const { link } = world.status ?? {};
      const retryAt = link?.phase === 'lost' ? link.retryAt : NaN;
      waits.push(retryAt - at);
      world.pass(retryAt - at);
      at = retryAt;
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  });

  it('is tried once, whoever is first: the clock or the button', () => {
    world.lose();
    world.bridge.retryNow();
    world.pass(60_000);
    expect(world.links).toHaveLength(2);
    world.bridge.retryNow();
    expect(world.links).toHaveLength(2);
  });
});

describe('the end', () => {
  it('closes the link, and nothing is told or tried afterwards', () => {
    world.bridge.heard();
    world.bridge.stop();
    expect(world.links[0]?.isClosed).toBe(true);
    expect(world.status).toEqual({ link: undefined, isHeard: false });
    world.say('late');
    world.pass(60_000);
    expect(world.told).toEqual([[]]);
    expect(world.links).toHaveLength(1);
  });

  it('is none for good: it can be started again', () => {
    world.bridge.heard();
    world.say('one');
    world.bridge.stop();
    world.bridge.start();
    world.open();
    world.say('two');
    world.bridge.heard();
    expect(world.told).toEqual([[frame('one')], [frame('two')]]);
  });
});
