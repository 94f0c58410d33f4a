/**
 * Random state machines, for properties that hold one way of running machines to another.
 *
 * A machine is generated as data and built from it as often as needed, each time
 * with functions that note in a journal of their own when and with what they are
 * called. Most of what is generated is what services are made of; the rest is
 * whatever else XState has.
 */
import {
  and,
  assign,
  cancel,
  createMachine,
  emit,
  enqueueActions,
  fromCallback,
  fromTransition,
  log,
  not,
  or,
  raise,
  sendTo,
  spawnChild,
  stateIn,
  stopChild,
  transition,
  type AnyActor,
  type AnyActorRef,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type EventObject,
} from 'xstate';
import {
  oddKinds,
  type ActionSpec,
  type GuardSpec,
  type MachineSpec,
  type StateSpec,
  type TransitionSpec,
} from './generated-machine-specs.ts';

export interface Context {
  readonly n: number;
  readonly last: string;
}

export interface GeneratedEvent extends EventObject {
  readonly v: number;
}

/** What a machine's functions note, and how often they may still send something to themselves. */
export interface Journal {
  readonly entries: unknown[];
  sends: number;
  /** How often a guard was asked whose answer depends on it. */
  asked: number;
}

interface Arguments {
  readonly context: Context;
  readonly event: GeneratedEvent;
  readonly self?: AnyActorRef;
  readonly system?: unknown;
}

const plain = (value: unknown): unknown => (value === undefined ? 'undefined' : JSON.parse(JSON.stringify(value)));

/** Builds the machine that `spec` describes. Throws if XState refuses it. */
export function buildMachine(spec: MachineSpec, journal: Journal, sink: AnyActorRef): AnyStateMachine {
  const states: StateSpec[] = [];
  /** A `spawn` that has outlived its assignment. */
  let leaked: ((source: string, options: object) => unknown) | undefined;
  const collect = (state: StateSpec): void => {
    states.push(state);
    // The others have no use for theirs.
    if (state.kind === 'compound' || state.kind === 'parallel') for (const child of state.children) collect(child);
  };
  collect(spec.root);

  function note(what: string, { context, event, self, system, ...rest }: Arguments, ...others: unknown[]): void {
    journal.entries.push([
      what,
      plain(context),
      plain(event),
      // XState's pure functions make up actors, numbered across the whole process.
      self?.id.replace(/^x:\d+$/, 'x'),
      (self?.getSnapshot() as { status?: unknown } | undefined)?.status,
      system === undefined ? 'none' : system === self?.system,
      Object.keys(rest),
      ...others.map(plain),
    ]);
  }
  const assigned =
    (what: string, by: number) =>
    (args: Arguments, params: unknown): Partial<Context> => {
      note(what, args, params);
      return { n: args.context.n + by, last: what };
    };
  const spawns = ({ n }: ActionSpec) =>
    assign((args: Arguments & { spawn: (source: string, options: object) => unknown }) => {
      note('assignSpawn', args);
      args.spawn('echo', { id: `child${n}` });
      if (n > 1 && journal.sends-- > 0) args.spawn('counter', { id: `child${n - 1}`, syncSnapshot: n === 3 });
      return { n: args.context.n + 1 };
    });
  const throwing = (what: string, at: number, args: Arguments): void => {
    note(what, args);
    if (args.context.n % 4 === at) throw new Error(`${what} at ${args.context.n}`);
  };
  const dynamicParams = (args: Arguments): object => {
    note('params', args);
    return { n: args.context.n, v: args.event.v };
  };

  const kindOf = ({ kind }: ActionSpec | GuardSpec): string => (!spec.isOdd && oddKinds.has(kind) ? 'named' : kind);

  function actionOf(action: ActionSpec): unknown {
    const { n } = action;
    switch (kindOf(action)) {
      case 'params':
        return { type: `act${n}`, params: { n } };
      case 'dynamic':
        return { type: n === 0 ? 'bump' : `act${n}`, params: dynamicParams };
      case 'inline':
        return function inline(args: Arguments, params: unknown) {
          note(`inline${n}`, args, params);
        };
      case 'anonymous':
        return (args: Arguments) => note('anonymous', args);
      case 'assign':
        return assign(assigned(`assign${n}`, n) as never);
      case 'assignObject':
        return assign({
          n: (args: Arguments, params: unknown) => assigned('object', n)(args, params).n!,
          last: 'fixed',
        } as never);
      case 'assignNamed':
        return n < 2 ? 'bump' : { type: 'bump', params: { by: n } };
      case 'emit':
        return emit({ type: `emitted${n}` });
      case 'emitDynamic':
        return emit(((args: Arguments) => ({ type: 'emitted', n: args.context.n, v: args.event.v })) as never);
      case 'log':
        return n < 2 ? log('said', 'label') : log(((args: Arguments) => args.context.n) as never);
      case 'sendTo':
        return sendTo((() => sink) as never, ((args: Arguments) => ({ type: `sent${n}`, n: args.context.n })) as never);
      case 'sendLater':
        return sendTo(({ self }: Arguments) => self as never, { type: 'b', v: n } as never, {
          delay: 10,
          id: `id${n}`,
        });
      case 'raiseLater':
        return raise({ type: 'a', v: n } as never, { delay: n === 3 ? 'soon' : n * 5 + 5, id: `id${n}` } as never);
      case 'cancel':
        return cancel(`id${n}`);
      case 'sendSelf':
        return ({ self }: Arguments) => {
          if (journal.sends-- > 0) self!.send({ type: 'c', v: n });
        };
      case 'look':
        return (args: Arguments) => {
          const { value } = args.self!.getSnapshot() as { value: unknown };
          note('look', args, value);
        };
      case 'ask':
        return (args: Arguments) => {
          const snapshot = args.self!.getSnapshot() as AnyMachineSnapshot;
          note('ask', args, journal.sends-- > 0 && snapshot.can({ type: 'b', v: n } as never));
        };
      case 'pure':
        return (args: Arguments) => {
          if (journal.sends-- <= 0) return;
          const snapshot = args.self!.getSnapshot() as AnyMachineSnapshot;
          const [next, executed] = transition(snapshot.machine, snapshot, { type: 'b', v: n } as never);
          note(
            'pure',
            args,
            next.value,
            next === snapshot,
            executed.map(({ type }) => type),
          );
        };
      case 'leak':
        return assign(((args: Arguments & { spawn: (source: string, options: object) => unknown }) => {
          note('leak', args);
          if (journal.sends-- > 0) leaked?.('counter', { id: `leaked${n}` });
          leaked = args.spawn;
          return n === 0 ? undefined : { n: args.context.n + 1 };
        }) as never);
      case 'stopSelf':
        return ({ self }: Arguments) => {
          if (self!._parent === undefined) (self as AnyActor).stop();
        };
      case 'raise':
        return raise({ type: 'c', v: n } as never);
      case 'enqueue':
        return enqueueActions((({
          enqueue,
          check,
          ...args
        }: Arguments & {
          enqueue: { (action: string): void; assign(by: object): void };
          check: (guard: string) => boolean;
        }) => {
          note('enqueue', args);
          if (check('guard1')) enqueue.assign({ n: args.context.n + 2 });
          enqueue('act1');
        }) as never);
      case 'spawn':
        return spawnChild('echo', { id: `child${n}` } as never);
      case 'stop':
        return stopChild(`child${n}`);
      case 'assignSpawn':
        return spawns(action);
      case 'throws':
        return (args: Arguments) => throwing('thrown', n, args);
      case 'missing':
        return n < 2 ? 'missing' : { type: 'missing', params: { n } };
      case 'sendMissing':
        // Not to the one that tells of each of its snapshots: the two could go on for ever.
        return sendTo(`child${n % 2}`, { type: 'hello' } as never);
      default:
        return `act${n}`;
    }
  }

  function guardOf(guard: GuardSpec): unknown {
    const { n, inner } = guard;
    switch (kindOf(guard)) {
      case 'params':
        return { type: `guard${n % 2}`, params: { n } };
      case 'dynamic':
        return { type: `guard${n % 2}`, params: dynamicParams };
      case 'inline':
        return (args: Arguments, params: unknown) => {
          note('inline guard', args, params);
          return (args.context.n + args.event.v) % 3 !== n % 3;
        };
      case 'counting':
        return () => {
          journal.entries.push(['counting guard', journal.asked]);
          return ++journal.asked % (n + 2) !== 0;
        };
      case 'stateIn':
        return stateIn(`#s${n % states.length}`);
      case 'throws':
        return (args: Arguments) => {
          throwing('guard threw', n, args);
          return true;
        };
      case 'missing':
        return n < 3 ? 'missing' : { type: 'missing' };
      case 'alias':
        return 'alias';
      case 'and':
        return and(inner.map(guardOf) as never);
      case 'or':
        return or(inner.map(guardOf) as never);
      case 'not':
        return not(guardOf(inner[0]!) as never);
      default:
        return `guard${n % 2}`;
    }
  }

  function transitionOf({ targets, isReentering, guard, actions }: TransitionSpec): object {
    return {
      ...(targets.length > 0 && { target: targets.map((target) => `#s${target % states.length}`) }),
      ...(isReentering && { reenter: true }),
      ...(guard !== null && { guard: guardOf(guard) }),
      ...(actions.length > 0 && { actions: actions.map(actionOf) }),
    };
  }

  function stateOf(state: StateSpec, isInitial = false): object {
    const index = states.indexOf(state);
    const { kind, initial, on, entry, exit, always, after, onDone, actor, isTagged, output, children } = state;
    const common = { id: `s${index}`, meta: { index }, ...(isTagged && { tags: [`tag${index % 3}`, 'common'] }) };
    if ((kind === 'shallow' || kind === 'deep') && !isInitial) return { id: common.id, type: 'history', history: kind };
    const active = {
      ...common,
      entry: entry.map(actionOf),
      exit: exit.map(actionOf),
      ...(output !== 'none' && {
        output: output === 'value' ? { index } : ({ context }: Arguments) => ({ index, n: context.n }),
      }),
    };
    if (kind === 'final') return { ...active, type: 'final' };
    const full = {
      ...active,
      on: Object.fromEntries(on.map(([type, transitions]) => [type, transitions.map(transitionOf)])),
      ...(spec.isOdd && always !== null && { always: transitionOf(always) }),
      ...(spec.isOdd && after !== null && { after: { 10: transitionOf(after) } }),
      ...(onDone !== null && { onDone: transitionOf(onDone) }),
      ...(spec.isOdd && actor !== null && { invoke: { src: actor, id: `actor${index}`, onDone: { actions: 'act0' } } }),
    };
    if ((kind !== 'compound' && kind !== 'parallel') || children.length === 0) return full;
    const first = children[initial % children.length]!;
    // XState never finds an end to a history state that leads to itself.
    const nested = Object.fromEntries(
      children.map((child) => [`k${states.indexOf(child)}`, stateOf(child, kind === 'compound' && child === first)]),
    );
    if (kind === 'parallel') return { ...full, type: 'parallel', states: nested };
    const target = `k${states.indexOf(first)}`;
    return { ...full, initial: initial < 2 ? target : { target, actions: ['act2', 'bump'] }, states: nested };
  }

  const answer =
    (what: string, by: number) =>
    (args: Arguments, params: unknown): boolean => {
      note(what, args, params);
      return (args.context.n + args.event.v + by) % 2 === 0;
    };
  const act = (what: string) => (args: Arguments, params: unknown) => note(what, args, params);
  const context = { n: 0, last: '' };
  return createMachine(
    {
      ...stateOf(spec.root),
      context: spec.hasContextFunction
        ? ({ input }: { input: unknown }) => {
            journal.entries.push(['context', plain(input)]);
            return { ...context };
          }
        : context,
      options: { maxIterations: 20 },
    } as never,
    {
      actions: {
        act0: act('act0'),
        act1: act('act1'),
        act2: act('act2'),
        act3: act('act3'),
        bump: assign(assigned('bump', 1) as never),
      },
      guards: { guard0: answer('guard0', 0), guard1: answer('guard1', 1), alias: not('guard1') },
      delays: { soon: ({ context }: Arguments) => (context.n % 2 === 0 ? 5 : 7) },
      actors: {
        echo: fromCallback(({ sendBack, receive }) => {
          receive((event) => {
            journal.entries.push(['echo', plain(event)]);
            if (journal.sends-- > 0) sendBack({ type: 'c', v: 1 });
          });
        }),
        counter: fromTransition((count: number) => count + 1, 0),
      },
    } as never,
  ) as AnyStateMachine;
}
