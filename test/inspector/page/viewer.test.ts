import { beforeEach, describe, expect, it } from 'vitest';
import type { ServerFrame, ViewerRequest } from '../../../src/inspector/protocol.ts';
import { textOfLink } from '../../../src/inspector/page/state/link.ts';
import { initialState } from '../../../src/inspector/page/state/model.ts';
import { entered } from '../../../src/inspector/page/state/reduce.ts';
import { routeOf } from '../../../src/inspector/page/state/route.ts';
import { Store } from '../../../src/inspector/page/store.ts';
import { Viewer, type SocketListener } from '../../../src/inspector/page/viewer.ts';
import { actor, connection, connectionItem, door, hello, microstep, snapshot } from './frames.ts';

/** A server that says what the test makes it say, and a clock that the test moves. */
class World {
  now = 0;
  /** What plain requests are answered with. */
  status: number | undefined;
  readonly asked: ViewerRequest[] = [];
  readonly links: SocketListener[] = [];
  #timers: { readonly at: number; readonly act: () => void }[] = [];
  readonly store: Store;
  readonly viewer: Viewer;

  constructor(hash: string) {
    const route = routeOf(hash);
    this.store = new Store(entered(initialState(route, 0), route));
    this.viewer = new Viewer(this.store, {
      connect: (listener) => {
        this.links.push(listener);
        return { send: (text) => void this.asked.push(JSON.parse(text) as ViewerRequest) };
      },
      probe: () => Promise.resolve(this.status),
      now: () => this.now,
      random: () => 0.5,
      after: (ms, act) => void this.#timers.push({ at: this.now + ms, act }),
    });
    this.viewer.start();
  }

  open(server?: string): void {
    this.links.at(-1)?.opened();
    this.say(hello(server));
  }

  /** The link is lost and comes back, to that server. */
  relink(server?: string): void {
    this.close();
    this.pass(500);
    this.open(server);
  }

  close(): void {
    this.links.at(-1)?.closed();
  }

  say(...frames: readonly ServerFrame[]): void {
    for (const frame of frames) this.links.at(-1)?.heard(JSON.stringify(frame));
  }

  hear(data: unknown): void {
    this.links.at(-1)?.heard(data);
  }

  pass(ms: number): void {
    this.now += ms;
    const due = this.#timers.filter(({ at }) => at <= this.now);
    this.#timers = this.#timers.filter(({ at }) => at > this.now);
    for (const { act } of due) act();
    this.store.dispatch({ type: 'ticked', at: this.now });
  }

  go(hash: string): void {
    this.store.dispatch({ type: 'route.changed', route: routeOf(hash) });
  }

  /** The last request of that type, without its number; its number. */
  last(type: ViewerRequest['type']): ViewerRequest | undefined {
    return this.asked.findLast((request) => request.type === type);
  }
}

const types = (world: World) => world.asked.map(({ type }) => type);

describe('a page that shows a list', () => {
  let world: World;

  beforeEach(() => {
    world = new World('#/connections?service=chat&search=ann');
    world.open();
  });

  it('asks for nothing before the server has said hello', () => {
    expect(new World('#/connections').asked).toEqual([]);
  });

  it('asks for its first page once, narrowed as the address says', () => {
    expect(world.asked).toEqual([
      { type: 'list', request: 1, of: 'connections', service: 'chat', search: 'ann', limit: 100 },
    ]);
  });

  it('asks anew when it is narrowed to something else', () => {
    world.go('#/groups');
    expect(world.last('list')).toMatchObject({ of: 'groups', request: 2 });
    world.say({ type: 'troupe.list', request: 1, of: 'connections', items: [connectionItem('late')] });
    expect(world.store.state.list?.pages).toEqual([]);
  });

  it('asks again when the link was lost before the answer', () => {
    world.relink();
    expect(types(world)).toEqual(['list', 'list']);
  });
});

describe('a page that shows a connection', () => {
  let world: World;

  beforeEach(() => {
    world = new World('#/connection/c1');
    world.open();
    world.say(connection(1, 'c1', ['x:8', 'x:9']));
  });

  it('asks for its facts, then watches its actors and asks for their charts', () => {
    expect(world.asked).toEqual([
      { type: 'connection', request: 1, of: 'c1' },
      { type: 'watch', request: 2, actors: ['x:8', 'x:9'] },
      { type: 'graph', request: 3, of: 'x:8' },
      { type: 'graph', request: 4, of: 'x:9' },
    ]);
  });

  it('shows what the actors do', () => {
    world.say(actor('x:9', 'service'), snapshot('x:9', 'open', 'closed'));
    world.say({ type: 'troupe.graph', request: 4, of: 'x:9', graph: door, active: ['door.closed'] });
    const { focus } = world.store.state;
    expect(focus?.graphs.get('x:9')?.graph.id).toBe('door');
    expect(focus?.watched.get('x:9')?.snapshot?.value).toBe('closed');
  });

  it('asks for the facts again every two seconds, and for nothing else', () => {
    world.pass(1_000);
    expect(world.asked).toHaveLength(4);
    world.pass(1_000);
    expect(world.asked.slice(4)).toEqual([{ type: 'connection', request: 5, of: 'c1' }]);
  });

  it('watches an actor too that came later', () => {
    world.say({ type: 'troupe.watching', request: 2, actors: ['x:8', 'x:9'], unknown: [] });
    world.pass(2_000);
    world.say(connection(5, 'c1', ['x:8', 'x:9', 'x:10']));
    expect(world.asked.slice(5)).toEqual([
      { type: 'watch', request: 6, actors: ['x:10'] },
      { type: 'graph', request: 7, of: 'x:10' },
    ]);
  });

  it('asks a server again that was too busy, after two seconds and only for what it lacks', () => {
    world.say({ type: 'troupe.graph', request: 3, of: 'x:8', graph: door, active: [] });
    for (const request of [2, 4]) world.say({ type: 'troupe.error', request, code: 'busy', message: 'too many' });
    world.pass(1_999);
    expect(world.asked).toHaveLength(4);
    world.pass(1);
    expect(world.asked.slice(4)).toEqual([
      { type: 'connection', request: 5, of: 'c1' },
      { type: 'watch', request: 6, actors: ['x:8', 'x:9'] },
      { type: 'graph', request: 7, of: 'x:9' },
    ]);
    world.say({ type: 'troupe.watching', request: 6, actors: ['x:8', 'x:9'], unknown: [] });
    world.pass(2_000);
    expect(types(world).slice(7)).toEqual([]);
  });

  it('asks for nothing more of a connection that is gone, and keeps what it knew', () => {
    world.pass(2_000);
    world.say({ type: 'troupe.error', request: 5, code: 'unknown', message: 'no such connection' });
    world.pass(60_000);
    expect(world.asked).toHaveLength(5);
    expect(world.store.state.focus?.facts?.id).toBe('c1');
  });

  it('watches no more, and keeps nothing, of the oldest of very many actors', () => {
    world.say(actor('x:8', 'first'), actor('x:9', 'second'));
    world.say({ type: 'troupe.watching', request: 2, actors: ['x:8', 'x:9'], unknown: [] });
    const children = Array.from({ length: 39 }, (_, index) => `x:${index + 100}`);
    world.pass(2_000);
    world.say(connection(5, 'c1', ['x:9', ...children]));
    expect(world.last('unwatch')).toMatchObject({ actors: ['x:8'] });
    expect(world.asked.filter(({ type }) => type === 'unwatch')).toHaveLength(1);
    expect([...(world.store.state.focus?.watched.keys() ?? [])]).toEqual(['x:9']);
    world.relink();
    expect(world.asked.filter(({ type }) => type === 'unwatch')).toHaveLength(1);
  });

  it('watches no more when one goes elsewhere', () => {
    world.go('#/');
    expect(types(world).slice(4)).toEqual(['unwatch']);
    world.go('#/incidents');
    expect(types(world).slice(4)).toEqual(['unwatch']);
  });

  it('watches and asks again over a new link, and keeps what was recorded', () => {
    world.say(actor('x:9', 'service'), microstep('x:9', 'open', 'door.closed', 'door.open'));
    world.relink();
    world.say(connection(5, 'c1', ['x:8', 'x:9']));
    expect(types(world).slice(4)).toEqual(['connection', 'watch', 'graph', 'graph']);
    expect(world.store.state.focus?.watched.get('x:9')?.steps.items).toHaveLength(1);
  });
});

describe('an action', () => {
  it('of which the outcome is not known, as the link was lost before the answer, says so', () => {
    const world = new World('#/connection/c1');
    world.open();
    world.viewer.ask({ type: 'send', connection: 'c1', text: 'hello' });
    expect(world.store.state.outcome?.text).toBeUndefined();
    world.close();
    expect(world.store.state.outcome?.text).toContain('it is not known whether it was done');
  });

  it('that was answered says the same after the link was lost', () => {
    const world = new World('#/connection/c1');
    world.open();
    world.viewer.ask({ type: 'send', connection: 'c1', text: 'hello' });
    world.say({ type: 'troupe.done', request: world.last('send')!.request, status: 'delivered' });
    world.close();
    expect(world.store.state.outcome?.text).toBe('The server answers: delivered.');
  });
});

describe('a page whose server was restarted', () => {
  /** What is asked over the new link, and what of that before the server has said which one it is. */
  function askedAnew(world: World): {
    readonly before: readonly ViewerRequest[];
    readonly all: readonly ViewerRequest[];
  } {
    world.close();
    world.pass(500);
    const asked = world.asked.length;
    world.links.at(-1)?.opened();
    world.pass(0);
    const before = world.asked.slice(asked);
    world.say(hello('second'));
    world.pass(20_000);
    return { before, all: world.asked.slice(asked) };
  }

  it('asks the new one only for the connection, and watches nothing that was watched on the one before', () => {
    const world = new World('#/connection/c1');
    world.open();
    world.say(connection(1, 'c1', ['x:8', 'x:9']));
    const { before, all } = askedAnew(world);
    expect(before).toEqual([]);
    expect(new Set(all.map(({ type }) => type))).toEqual(new Set(['connection']));
    world.say({ type: 'troupe.error', request: all.at(-1)!.request, code: 'unknown', message: 'no such connection' });
    expect(world.store.state.focus?.asked?.problem).toBe('no such connection');
  });

  it('watches no stranger that has the sessionId of the actor it showed', () => {
    const world = new World('#/actor/x%3A9');
    world.open();
    world.say(actor('x:9', 'service'));
    expect(types(world)).toEqual(['watch', 'graph']);
    expect(askedAnew(world).all).toEqual([]);
    world.say(actor('x:9', 'a stranger'));
    expect(world.store.state.focus).toMatchObject({ isOfBefore: true, watched: new Map() });
  });

  it('knows an address of the server before, whether it is reloaded or gone back to', () => {
    const reloaded = new World('#/actor/x%3A9?server=first');
    reloaded.open('second');
    reloaded.pass(20_000);
    expect(reloaded.asked).toEqual([]);
    expect(reloaded.store.state.focus?.isOfBefore).toBe(true);

    const wentBack = new World('#/');
    wentBack.open('second');
    wentBack.go('#/actor/x%3A9?server=first');
    expect([wentBack.asked, wentBack.store.state.focus?.isOfBefore]).toEqual([[], true]);
    wentBack.go('#/actor/x%3A9?server=second');
    expect([types(wentBack), wentBack.store.state.focus?.isOfBefore]).toEqual([['watch', 'graph'], false]);
  });

  it('watches the supervisor again, which is the same on every server', () => {
    const world = new World('#/actor/x%3A0');
    world.open();
    const { before, all } = askedAnew(world);
    expect(before).toEqual([]);
    expect(all).toMatchObject([
      { type: 'watch', actors: ['x:0'] },
      { type: 'graph', of: 'x:0' },
    ]);
  });
});

describe('the link of the page', () => {
  it('is opened again when it is lost, also at once', () => {
    const world = new World('');
    world.close();
    expect(world.links).toHaveLength(1);
    world.viewer.retryNow();
    expect(world.links).toHaveLength(2);
    world.pass(500);
    expect(world.links).toHaveLength(2);
  });

  it.each([
    [undefined, 'The server does not answer.'],
    [403, 'Open the address that it tells.'],
    [426, 'takes no viewer'],
    [404, 'no inspector'],
  ])('that cannot be made says why, as plain requests are answered %s', async (status, text) => {
    const world = new World('');
    world.status = status;
    world.close();
    await Promise.resolve();
    expect(textOfLink(world.store.state.link)).toContain(text);
    world.viewer.retryNow();
    expect(textOfLink(world.store.state.link)).toContain(text);
    world.open();
    expect(textOfLink(world.store.state.link)).toBe('Connected to the server');
    world.status = 426;
    world.close();
    await Promise.resolve();
    expect(textOfLink(world.store.state.link)).toContain('does not answer');
  });

  it.each([new Uint8Array(3), 'no JSON', '7', 'null', '"text"', '{}', '{"type":"troupe.from-the-future"}'])(
    'lets pass what it does not understand: %j',
    (data) => {
      const world = new World('');
      world.open();
      world.hear(data);
      expect(world.store.state.link.phase).toBe('open');
      expect(world.store.state.hello?.server).toBe('first');
    },
  );
});
