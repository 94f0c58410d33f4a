import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import {
  Actor,
  createActor,
  fromTransition,
  setup,
  type AnyActorRef,
  type ActorSystem,
  type EventObject,
  type InspectionEvent,
  type Subscription,
} from 'xstate';
import { ChartActor, type ChartActorOptions } from '../../src/runtime/chart-actor.ts';
import { chartLogic, type ChartHost, type ChartLogic } from '../../src/runtime/chart-logic.ts';
import { compileChart } from '../../src/runtime/compiled-chart.ts';
import { watchActors, watchInspection } from '../../src/runtime/inspection.ts';
import { relay } from '../support/relay.ts';

const door = setup({
  types: {} as { events: { type: 'push' } | { type: 'knock' } | { type: 'burn' } },
  actions: { greet: () => {}, swing: () => {}, creak: () => {}, fall: () => {} },
  guards: { isUnlocked: () => false },
}).createMachine({
  id: 'door',
  entry: 'greet',
  initial: 'shut',
  on: { burn: '.gone' },
  states: {
    shut: { on: { push: { guard: 'isUnlocked', target: 'open', actions: 'swing' }, knock: { actions: 'creak' } } },
    open: { entry: 'creak', exit: 'swing', on: { push: 'shut' } },
    gone: { type: 'final', entry: 'fall' },
  },
});

/** What an action does beside being noted: what it sends to its own actor, `stop` among it, or that it throws. */
type Doing = { sends: string[] } | 'throws';

class Door implements ChartHost {
  readonly isWatched = true;
  readonly doings: Readonly<Record<string, Doing>>;
  readonly note: (line: unknown) => void;
  isUnlocked = true;
  #done = 0;
  actor: { send(event: EventObject): void } | undefined;

  constructor(doings: Readonly<Record<string, Doing>>, note: (line: unknown) => void) {
    this.doings = doings;
    this.note = note;
  }

  act(action: string, event: EventObject): void {
    this.note(['action', action, event.type]);
    const doing = this.doings[action];
    if (doing === 'throws') throw new Error(action);
    // An action that always answered itself would never come to an end.
    if (++this.#done > 10) return;
    for (const type of doing?.sends ?? []) {
      if (type === 'stop') stop(this.actor);
      else this.actor?.send({ type });
    }
  }

  changed({ type }: EventObject): void {
    this.note(['changed', type]);
  }

  childEnded(id: string): void {
    this.note(['child ended', id]);
  }

  actionFailed(error: unknown, action: string): void {
    this.note(['failed', String(error), action]);
  }
}

const actions = ['greet', 'swing', 'creak', 'fall'];
const logic = chartLogic(
  compileChart<Door, EventObject>(door, {
    actions: Object.fromEntries(
      actions.map((name) => [name, (host: Door, event: EventObject) => host.act(name, event)]),
    ),
    guards: {
      isUnlocked: (host, event) => {
        if ('breaks' in event) throw new Error('no lock');
        return host.isUnlocked;
      },
    },
  }),
);

type Create = (options: ChartActorOptions<Door>) => Actor<ChartLogic<Door, EventObject>>;
const byXState: Create = (options) => createActor(logic, options);
const byRuntime: Create = (options) => new ChartActor(logic, options) as never;

/** What somebody does to the actor from outside. */
type Deed =
  | { do: 'start' | 'lock' | 'subscribe' | 'unsubscribe' | 'inspect' | 'uninspect' | 'stop' | 'child' | 'endChild' }
  | { do: 'send'; type: string }
  | { do: 'sendBreaking' };

/** As a parent does. */
function stop(actor: unknown): void {
  (actor as { _stop(): void })._stop();
}

/** Makes an actor, does the deeds, and answers all that could be observed. */
function play(create: Create, doings: Readonly<Record<string, Doing>>, deeds: readonly Deed[], isWatched: boolean) {
  const log: unknown[] = [];
  const note = (line: unknown): void => void log.push(line);
  const root = createActor(
    fromTransition((state: null, event: EventObject) => {
      note(['parent', { ...event, ...('error' in event && { error: String(event.error) }) }]);
      return state;
    }, null),
    { id: 'root' },
  ).start();
  if (isWatched) watchInspection(root.system, false);
  const host = new Door({ ...doings }, note);
  let inspection: Subscription | undefined;
  const subscriptions: Subscription[] = [];
  const children: Actor<typeof echo>[] = [];
  const inspect = (event: InspectionEvent): void => {
    const actorRef = event.actorRef as AnyActorRef;
    const source = 'sourceRef' in event ? (event.sourceRef as AnyActorRef | undefined)?.id : undefined;
    if (event.type === '@xstate.snapshot') note(['snapshot', actorRef.id, event.event.type, shown(event.snapshot)]);
    else if (event.type === '@xstate.event') note(['event', source, actorRef.id, event.event.type]);
    else note([event.type, actorRef.id]);
  };
  if (deeds[0]?.do === 'inspect') inspection = root.system.inspect(inspect);
  const actor = create({ parent: root, id: 'door', src: 'door', input: host });
  host.actor = actor;
  for (const deed of deeds) {
    note(['deed', deed.do]);
    switch (deed.do) {
      case 'start':
        actor.start();
        break;
      case 'lock':
        host.isUnlocked = !host.isUnlocked;
        break;
      case 'send':
        // XState's own events come by this way, and `send` refuses them.
        relay(actor, { type: deed.type });
        break;
      case 'sendBreaking':
        actor.send({ type: 'push', breaks: true } as EventObject);
        break;
      case 'subscribe': {
        const number = subscriptions.length;
        subscriptions.push(
          actor.subscribe({
            next: (snapshot) => note(['next', number, shown(snapshot)]),
            error: (error) => note(['error', number, String(error)]),
            complete: () => note(['complete', number]),
          }),
        );
        break;
      }
      case 'unsubscribe':
        subscriptions.pop()?.unsubscribe();
        break;
      case 'inspect':
        inspection ??= root.system.inspect(inspect);
        break;
      case 'uninspect':
        inspection?.unsubscribe();
        inspection = undefined;
        break;
      case 'stop':
        stop(actor);
        break;
      case 'child':
        children.push(createActor(echo, { parent: actor, id: `child-${children.length}` }).start());
        break;
      case 'endChild':
        children.pop()?.send({ type: 'end' });
        break;
    }
    note(['is', shown(actor.getSnapshot()), (actor as unknown as { _processingStatus: number })._processingStatus]);
  }
  return log;
}

/** An actor that is done when it is told to be. */
const echo = {
  getInitialSnapshot: () => ({ status: 'active' as const, output: undefined, error: undefined }),
  getPersistedSnapshot: (snapshot: never) => snapshot,
  transition: (snapshot: { status: string }, { type }: EventObject) =>
    type === 'end' ? { ...snapshot, status: 'done' } : snapshot,
} as never as ReturnType<typeof fromTransition<null, EventObject, ActorSystem<never>, undefined>>;

function shown(snapshot: unknown): unknown {
  const { status, value, error } = snapshot as { status: string; value?: unknown; error?: unknown };
  return [status, value, error instanceof Error ? error.message : error];
}

const eventTypes = ['push', 'knock', 'burn', 'unheard of', 'xstate.stop', 'xstate.init', 'xstate.error.actor.x'];
const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('send' as const), type: fc.constantFrom(...eventTypes) }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('send' as const), type: fc.constantFrom('push', 'knock') }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom(
        ...(['start', 'lock', 'subscribe', 'unsubscribe', 'inspect', 'uninspect', 'child', 'endChild'] as const),
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('stop' as const, 'sendBreaking' as const) }) },
);
const doing: fc.Arbitrary<Doing> = fc.oneof(
  fc.record({ sends: fc.array(fc.constantFrom('push', 'push', 'knock', 'burn', 'stop'), { maxLength: 3 }) }),
  fc.constant('throws' as const),
);
const doings = fc.dictionary(fc.constantFrom(...actions), doing, { maxKeys: 3 });

describe('an actor of a compiled chart', () => {
  it.each([
    ['that nobody watches over', false],
    ['in a system that knows whether it is inspected', true],
  ])('%s shows all that the actor of XState for the same logic shows', (_name, isWatched) => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    fc.assert(
      fc.property(doings, fc.array(deed, { maxLength: 25 }), (all, deeds) => {
        const played = play(byRuntime, all, deeds, isWatched);
        expect(played).toEqual(play(byXState, all, deeds, isWatched));
      }),
      { numRuns: 2000 },
    );
  });

  function newDoor(note: (line: unknown) => void = () => {}) {
    const root = createActor(fromTransition((state: null) => state, null)).start();
    const host = new Door({}, note);
    return { root, host, actor: new ChartActor(logic, { parent: root, id: 'door', src: 'door', input: host }) };
  }

  it('is an actor of XState', () => {
    const { actor, root, host } = newDoor();
    expect(actor).toBeInstanceOf(Actor);
    expect(actor.sessionId).toMatch(/^x:\d+$/);
    expect(actor.ref).toBe(actor);
    expect(actor.clock).toBe(root.clock);
    expect(actor.logger).toBe((root as unknown as { logger: unknown }).logger);
    expect(actor.options).toEqual({ parent: root, id: 'door', src: 'door', input: host });
    expect(JSON.parse(JSON.stringify({ actor }))).toEqual({ actor: { xstate$$type: 1, id: 'door' } });
  });

  it('has no snapshot yet, as with XState, when inspectors are told of it', () => {
    const { root, host } = newDoor();
    const seen: unknown[] = [];
    root.system.inspect(({ type, actorRef }) => type === '@xstate.actor' && seen.push(actorRef.getSnapshot()));
    const options = { parent: root, id: 'door', src: 'door', input: host };
    for (const create of [byXState, byRuntime]) create(options);
    expect(seen).toEqual([undefined, undefined]);
  });

  it('has all that the actors of XState have, so that nothing of a new release is missed', () => {
    const { root, host } = newDoor();
    const theirs = createActor(logic, { parent: root, id: 'door', src: 'door', input: host });
    const ours = new ChartActor(logic, { parent: root, id: 'door', src: 'door', input: host });
    const absent = Object.keys(theirs).filter((name) => !(name in ours));
    // Of these each is used by methods that are replaced, or undefined unless an option is given that is not.
    expect(absent.toSorted()).toEqual(['_actorScope', '_doneEvent', '_syncSnapshot', 'mailbox', 'systemId']);
    expect(Object.getOwnPropertyNames(Actor.prototype).toSorted()).toEqual([
      '@@observable',
      '_complete',
      '_error',
      '_initState',
      '_process',
      '_reportError',
      '_send',
      '_stop',
      '_stopProcedure',
      'attachDevTools',
      'constructor',
      'getPersistedSnapshot',
      'getSnapshot',
      'on',
      'select',
      'send',
      'start',
      'stop',
      'subscribe',
      'toJSON',
      'update',
    ]);
  });

  it('gives away a send that still is its own', () => {
    const { actor } = newDoor();
    const { send } = actor.start();
    send({ type: 'push' });
    expect(actor.getSnapshot().value).toBe('open');
    expect(actor.send).toBe(send);
  });

  it.each([undefined, null, {}, { type: 1 }, { type: '*' }, { type: 'xstate.stop' }])(
    'refuses %j, which is no event, and goes on',
    (event) => {
      const { actor } = newDoor();
      actor.start();
      expect(() => actor.send(event as never)).toThrow(TypeError);
      expect(() => actor.send(event as never)).toThrow(
        expect.objectContaining({ code: 'TROUPE_EVENT_REFUSED', fields: { actor: 'door' } }),
      );
      actor.send({ type: 'push' });
      expect(actor.getSnapshot().value).toBe('open');
    },
  );

  it('goes on when something failed that it cannot catch', () => {
    const { actor, host } = newDoor();
    actor.start();
    Object.assign(host, {
      act() {
        throw new Error('an action');
      },
      actionFailed() {
        throw new Error('and its report');
      },
    });
    expect(() => actor.send({ type: 'push' })).toThrow('and its report');
    expect(actor.getSnapshot().value).toBe('open');
    expect(() => actor.send({ type: 'push' })).toThrow('and its report');
    expect(actor.getSnapshot().value).toBe('shut');
  });

  it('takes what still waited when something failed before what comes then', () => {
    const lines: unknown[] = [];
    const { actor, host } = newDoor((line) => lines.push(line));
    actor.start();
    lines.length = 0;
    Object.assign(host, {
      act(action: string) {
        Reflect.deleteProperty(host, 'act');
        actor.send({ type: 'knock' });
        actor.send({ type: 'push' });
        throw new Error(action);
      },
      actionFailed() {
        Reflect.deleteProperty(host, 'actionFailed');
        throw new Error('and its report');
      },
    });
    expect(() => actor.send({ type: 'knock' })).toThrow('and its report');
    actor.send({ type: 'knock' });
    expect(lines).toEqual([
      ['action', 'creak', 'knock'],
      ['changed', 'push'],
      ['action', 'swing', 'push'],
      ['action', 'creak', 'push'],
    ]);
    expect(actor.getSnapshot().value).toBe('open');
  });

  it('takes many events that wait in their order', () => {
    const lines: unknown[] = [];
    const { actor, host } = newDoor();
    actor.start();
    Object.assign(host, {
      act(_action: string, { type, number = 0 }: EventObject & { number?: number }) {
        if (type !== 'knock') return;
        lines.push(number);
        if (number === 0)
          for (let next = 1; next <= 50_000; next++) actor.deliver({ type: 'knock', number: next } as never);
      },
    });
    actor.send({ type: 'knock' });
    expect(lines).toEqual(Array.from({ length: 50_001 }, (_, number) => number));
  });

  it('selects', () => {
    const { actor } = newDoor();
    const seen: unknown[] = [];
    actor.select(({ value }) => value).subscribe((value) => seen.push(value));
    actor.start().send({ type: 'push' });
    expect(seen).toEqual(['open']);
  });

  it('takes what is delivered as if it had been sent', () => {
    const lines: unknown[] = [];
    const { actor, root } = newDoor();
    watchInspection(root.system, false);
    const watched = new ChartActor(logic, { parent: root, id: 'watched', src: 'door', input: new Door({}, () => {}) });
    for (const one of [actor, watched]) {
      one.start();
      one.deliver({ type: 'push' });
      expect(one.getSnapshot().value).toBe('open');
    }
    const inspection = root.system.inspect((event) => {
      if (event.type === '@xstate.event') lines.push([(event.actorRef as AnyActorRef).id, event.event.type]);
    });
    watched.deliver({ type: 'push' });
    inspection.unsubscribe();
    watched.deliver({ type: 'push' });
    expect(lines).toEqual([['watched', 'push']]);
    expect(watched.getSnapshot().value).toBe('open');
  });

  it('makes no inspection events while somebody watches another', () => {
    const { root } = newDoor();
    watchInspection(root.system, false);
    const [one, other] = ['one', 'other'].map((id) =>
      new ChartActor(logic, { parent: root, id, src: 'door', input: new Door({}, () => {}) }).start(),
    );
    const made: string[] = [];
    const internals = root.system as unknown as { _sendInspectionEvent(event: { actorRef: AnyActorRef }): void };
    internals._sendInspectionEvent = ({ actorRef }) => void made.push(actorRef.id);
    watchActors(root.system, { wantsChildrenOf: () => false, next: () => {} }).add(one as never);
    for (const actor of [one!, other!]) actor.deliver({ type: 'push' });
    new ChartActor(logic, { parent: root, id: 'third', src: 'door', input: new Door({}, () => {}) }).start();
    expect(new Set(made)).toEqual(new Set(['one']));
    expect(other!.getSnapshot().value).toBe('open');
  });

  it('stops its children, and nobody else', () => {
    const { actor, root } = newDoor();
    const child = createActor(echo, { parent: actor, id: 'child' }).start();
    const stranger = createActor(echo, { parent: root, id: 'stranger' }).start();
    let completed = 0;
    child.subscribe({ complete: () => completed++ });
    actor.stopChild(child);
    expect(completed).toBe(1);
    expect(() => actor.stopChild(stranger)).toThrow('"stranger" is no child of "door"');
  });

  it('is not to be stopped but by its parent', () => {
    const { actor } = newDoor();
    expect(() => actor.stop()).toThrow('A non-root actor cannot be stopped directly.');
  });
});
