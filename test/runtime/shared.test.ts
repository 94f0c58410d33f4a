/** Shared state by itself: logic of any kind, what it is sent, how it fails. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  assign,
  emit,
  fromCallback,
  fromPromise,
  fromTransition,
  sendParent,
  setup,
  SimulatedClock,
  waitFor,
  type AnyActorLogic,
  type AnyActorRef,
  type EventObject,
} from 'xstate';
import {
  connectionActions,
  createTroupe,
  defineService,
  sharedSetup,
  type SharedOption,
  type Shared,
  type SupervisionOptions,
} from 'troupe';
import { turn } from '../support/inbox.ts';
import { secret } from '../support/forms.ts';
import { advance, watch } from '../support/server.ts';

const backoff = { minMs: 100, jitter: 0 };

function fail(): never {
  throw new Error(secret);
}

/** A service that nobody is connected to. */
function begin<Logic extends AnyActorLogic>(
  shared: SharedOption<Logic>,
  supervision: SupervisionOptions = { backoff },
) {
  const clock = new SimulatedClock();
  const troupe = createTroupe({ clock });
  onTestFinished(async () => {
    const closed = troupe.close();
    clock.increment(20_000);
    await closed;
  });
  const crashes = watch(troupe, 'shared.crashed');
  const restarts = watch(troupe, 'shared.restarted');
  const letters = watch(troupe, 'shared.dead-lettered');
  const failures = watch(troupe, 'callback.failed');
  troupe.attachService(
    defineService({ name: 'it', supervision, shared: shared as AnyActorLogic, onOpen: () => undefined }),
  );
  return { clock, troupe, crashes, restarts, letters, failures, shared: troupe.shared<Logic>('it') };
}

const counter = fromTransition((count: number, event: { type: 'add' | 'fail' }) => {
  if (event.type === 'fail') fail();
  return event.type === 'add' ? count + 1 : count;
}, 0);

describe('logic of any kind', () => {
  it('is a transition function, which goes on from what it was', async () => {
    const { clock, crashes, restarts, shared } = begin<typeof counter>({ logic: counter, restartFrom: 'snapshot' });
    for (const type of ['add', 'add', 'fail', 'add'] as const) shared.send({ type });
    expect(crashes.all).toMatchObject([
      { service: 'it', state: undefined, during: 'fail', error: { message: secret } },
    ]);
    await advance(clock, 200, 50);
    expect(restarts.all).toMatchObject([{ from: 'snapshot' }]);
    expect(shared.getSnapshot().context).toBe(3);
  });

  it('is a promise, which is done at some time', async () => {
    const { shared, letters } = begin(fromPromise(async () => 'ready'));
    expect((await waitFor(shared, ({ status }) => status === 'done')).output).toBe('ready');
    const complete = vi.fn();
    shared.subscribe({ complete });
    expect(complete).toHaveBeenCalledOnce();
    shared.send({ type: 'late' } as never);
    expect(letters.all).toEqual([{ service: 'it', event: 'late', reason: 'ended' }]);
  });

  it('is a callback, which is cleaned up when its service stops', async () => {
    const cleaned = vi.fn();
    const { troupe, shared } = begin(
      fromCallback<{ type: 'say' }>(({ emit, receive }) => {
        receive(() => emit({ type: 'said' }));
        return cleaned;
      }),
    );
    const heard: EventObject[] = [];
    shared.on('*', (event) => heard.push(event));
    shared.on('said', (event) => heard.push(event));
    shared.on('other', (event) => heard.push(event));
    shared.send({ type: 'say' });
    expect(heard).toEqual([{ type: 'said' }, { type: 'said' }]);
    await troupe.detachService('it');
    expect(cleaned).toHaveBeenCalledOnce();
  });
});

describe('a reference to shared state', () => {
  it('cannot stop or start it, nor send events of XState', () => {
    const { shared } = begin(counter);
    expect(() => shared.stop()).toThrow('stops with its service');
    expect(() => shared.start()).toThrow('started with its service');
    for (const type of ['xstate.stop', '*', 5])
      expect(() => shared.send({ type } as never)).toThrow(expect.objectContaining({ code: 'TROUPE_EVENT_REFUSED' }));
    shared.send({ type: 'add' });
    expect(shared.getSnapshot().context).toBe(1);
  });

  it('is of a service that there is, and that has some', () => {
    const { troupe } = begin(counter);
    troupe.attachService(defineService({ basePath: '/none', onOpen: () => undefined }));
    expect(() => troupe.shared('other')).toThrow(expect.objectContaining({ code: 'TROUPE_SERVICE_UNKNOWN' }));
    expect(() => troupe.shared('/none')).toThrow(expect.objectContaining({ code: 'TROUPE_SHARED_UNDECLARED' }));
  });

  it('tells of changes, of all or of what is selected, until that is ended', () => {
    const { shared } = begin(counter);
    const seen: unknown[] = [];
    const isEven = shared.select(({ context }) => context % 2 === 0);
    isEven.subscribe((even) => seen.push(even));
    const subscription = shared.subscribe(({ context }) => seen.push(context));
    shared.send({ type: 'add' });
    subscription.unsubscribe();
    shared.send({ type: 'add' });
    expect([seen, isEven.get()]).toEqual([[false, 1, true], true]);
  });

  it('takes what an observer sends after what it observes, and lets all others have a turn', async () => {
    const { shared } = begin(counter);
    const seen: number[] = [];
    shared.subscribe(({ context }) => {
      if (context < 5_000) shared.send({ type: 'add' });
      seen.push(context);
    });
    shared.send({ type: 'add' });
    expect(seen.length).toBeLessThan(5_000);
    await turn();
    while (seen.length < 5_000) await turn();
    expect(seen).toEqual(Array.from({ length: 5_000 }, (_, index) => index + 1));
  });

  it('goes on through restarts, what is emitted included; an observer from outside that fails harms nobody', async () => {
    const pinging = sharedSetup<Record<never, never>, { type: 'ping' } | { type: 'fail' }>()
      .extend({ actions: { fail } })
      .createMachine({ on: { ping: { actions: emit({ type: 'pong' }) }, fail: { actions: 'fail' } } });
    const { clock, shared, failures, restarts } = begin<AnyActorLogic>(pinging);
    const heard: EventObject[] = [];
    shared.on('pong', (event: EventObject) => {
      heard.push(event);
      if (heard.length === 1) fail();
    });
    for (const type of ['ping', 'fail', 'ping']) shared.send({ type });
    await advance(clock, 200, 50);
    expect(restarts.all).toHaveLength(1);
    expect(heard).toEqual([{ type: 'pong' }, { type: 'pong' }]);
    expect(failures.all).toMatchObject([
      { callback: 'an observer of the shared state of service "it"', error: { message: secret } },
    ]);
  });

  it('keeps what is sent while the actor is down, as much as there is room for', async () => {
    const { clock, shared, letters } = begin(counter);
    shared.send({ type: 'fail' });
    for (let sent = 0; sent < 1_002; sent += 1) shared.send({ type: 'add' });
    const letter = { service: 'it', event: 'add', reason: 'full' };
    expect(letters.all).toEqual([letter, letter]);
    expect(shared.getSnapshot().status).toBe('error');
    await advance(clock, 200, 50);
    expect(shared.getSnapshot()).toMatchObject({ status: 'active', context: 1_000 });
  });

  it('fails whoever sends on a stack that is used up, and not the actor', async () => {
    const { shared, crashes } = begin(counter);
    const recurse = (): void => {
      shared.send({ type: 'add' });
      recurse();
    };
    expect(recurse).toThrow(RangeError);
    expect(crashes.all).toEqual([]);
    const { context } = shared.getSnapshot();
    shared.send({ type: 'add' });
    expect(shared.getSnapshot().context).toBe(context + 1);
  });
});

describe('shared state that fails', () => {
  it('as it begins makes its service fail in the end', async () => {
    const { clock, troupe, crashes, restarts } = begin(
      fromTransition((state: number) => state, fail as () => number),
      { backoff, restartLimit: { restarts: 2 } },
    );
    const failed = watch(troupe, 'service.failed');
    await advance(clock, 1_000, 50);
    expect(crashes.all.map(({ during }) => during)).toEqual(['start', 'start', 'start']);
    expect(restarts.all).toHaveLength(2);
    expect(failed.all).toMatchObject([{ service: 'it', crashes: 3 }]);
  });

  it('of its own accord, twice in a row from the same snapshot, begins at its start', async () => {
    const doomed = sharedSetup<{ count: number }, { type: 'go' }>()
      .extend({ actions: { fail, count: assign({ count: ({ context }) => context.count + 1 }) } })
      .createMachine({
        context: { count: 0 },
        initial: 'calm',
        states: {
          calm: { on: { go: { target: 'doomed', actions: 'count' } } },
          doomed: { after: { 1_000: { actions: 'fail' } } },
        },
      });
    const { clock, shared, restarts } = begin<typeof doomed>({ logic: doomed, restartFrom: 'snapshot' });
    shared.send({ type: 'go' });
    await advance(clock, 1_500, 100);
    expect(shared.getSnapshot()).toMatchObject({ value: 'doomed', context: { count: 1 } });
    await advance(clock, 1_500, 100);
    expect(shared.getSnapshot()).toMatchObject({ value: 'calm', context: { count: 0 } });
    expect(restarts.all.map(({ from }) => from)).toEqual(['snapshot', 'start']);
  });

  it('by an action of one connection, or by its parent, says what it may do instead', () => {
    const acting = setup({
      actions: { ...connectionActions, toParent: sendParent({ type: 'hello' }) },
    }).createMachine({
      on: {
        push: { actions: { type: 'pushText', params: { text: 'to whom?' } } },
        parent: { actions: 'toParent' },
      },
    });
    for (const [type, code] of [
      ['push', 'TROUPE_ACTION_OUTSIDE_CONNECTION'],
      ['parent', 'TROUPE_PARENT_NOT_ADDRESSABLE'],
    ]) {
      const { shared, crashes } = begin<AnyActorLogic>(acting);
      shared.send({ type });
      expect(crashes.all).toMatchObject([{ error: { code } }]);
    }
  });

  it('by an action that rejects is stopped, with what it had started', async () => {
    const cleaned = vi.fn();
    const rejecting = setup({
      actors: { started: fromCallback(() => cleaned) },
      actions: {
        reject: async () => {
          await turn();
          fail();
        },
      },
    }).createMachine({ invoke: { src: 'started' }, on: { reject: { actions: 'reject' } } });
    const { shared, crashes } = begin<typeof rejecting>(rejecting);
    (shared as Shared<AnyActorLogic>).send({ type: 'reject' });
    expect(await crashes.next()).toMatchObject({ during: 'action' });
    expect(cleaned).toHaveBeenCalledOnce();
  });

  it('in vain once another has taken its place', async () => {
    const late: ((error: Error) => void)[] = [];
    const slow = setup({
      actions: { fail, wait: async () => new Promise((_resolve, reject) => late.push(reject)) },
    }).createMachine({ on: { wait: { actions: 'wait' }, fail: { actions: 'fail' } } });
    const { clock, shared, crashes, failures } = begin<AnyActorLogic>(slow);
    shared.send({ type: 'wait' });
    shared.send({ type: 'fail' });
    await advance(clock, 200, 50);
    late[0]!(new Error('too late'));
    expect(await failures.next()).toMatchObject({ error: { message: 'too late' } });
    expect(crashes.all).toHaveLength(1);
  });
});

describe('a service without shared state', () => {
  it('has none of it: no actor, no reference, no supervision', async () => {
    const { troupe } = begin(counter);
    const made: string[] = [];
    troupe.inspect(({ type, actorRef }) => void (type === '@xstate.actor' && made.push((actorRef as AnyActorRef).id)));
    troupe.attachService(defineService({ basePath: '/none', onOpen: () => undefined }));
    expect(made).toEqual(['/none']);
    troupe.attachService(defineService({ basePath: '/some', shared: counter, onOpen: () => undefined }));
    expect(made.slice(1)).toEqual(['/some', 'shared', 'shared']);
  });
});
