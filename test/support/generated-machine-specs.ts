/** Random state machines as data, see `generated-machines.ts`. */
import fc from 'fast-check';

export interface ActionSpec {
  readonly kind: string;
  readonly n: number;
}

export interface GuardSpec {
  readonly kind: string;
  readonly n: number;
  readonly inner: readonly GuardSpec[];
}

export interface TransitionSpec {
  readonly targets: readonly number[];
  readonly isReentering: boolean;
  readonly guard: GuardSpec | null;
  readonly actions: readonly ActionSpec[];
}

export interface StateSpec {
  readonly kind: 'atomic' | 'compound' | 'parallel' | 'final' | 'shallow' | 'deep';
  readonly initial: number;
  readonly on: readonly (readonly [string, readonly TransitionSpec[]])[];
  readonly entry: readonly ActionSpec[];
  readonly exit: readonly ActionSpec[];
  readonly always: TransitionSpec | null;
  readonly after: TransitionSpec | null;
  readonly onDone: TransitionSpec | null;
  readonly actor: 'echo' | 'counter' | null;
  readonly isTagged: boolean;
  readonly output: 'none' | 'value' | 'function';
  readonly children: readonly StateSpec[];
}

export interface MachineSpec {
  readonly root: StateSpec;
  /** Whether it has anything but what services are mostly made of. */
  readonly isOdd: boolean;
  readonly hasContextFunction: boolean;
}

export const eventTypes = ['a', 'b', 'c', 'a.x', 'a.x.y', 'a.z', 'unknown'] as const;

/** What only a service's own code could send. */
export const oddEventTypes = ['', '*', '__proto__', 'constructor', 'xstate.other', 'xstate.init', 'a.*'] as const;

function weighted(weights: Readonly<Record<string, number>>): fc.Arbitrary<string> {
  return fc.oneof(...Object.entries(weights).map(([kind, weight]) => ({ arbitrary: fc.constant(kind), weight })));
}

const actionSpec: fc.Arbitrary<ActionSpec> = fc.record({
  kind: weighted({
    ...{ named: 12, params: 10, dynamic: 10, inline: 10, anonymous: 4, assign: 12, assignObject: 12, assignNamed: 8 },
    ...{ emit: 4, emitDynamic: 4, log: 3, sendTo: 4, sendLater: 2, raiseLater: 3, cancel: 2, sendSelf: 3, look: 4 },
    ...{ raise: 2, enqueue: 2, spawn: 2, stop: 1, assignSpawn: 2, throws: 2, missing: 1, sendMissing: 1 },
    ...{ ask: 2, pure: 2, leak: 2, stopSelf: 1 },
  }),
  n: fc.nat({ max: 3 }),
});

const { guard: guardSpec } = fc.letrec<{ guard: GuardSpec }>((tie) => ({
  guard: fc.oneof(
    { maxDepth: 2 },
    {
      arbitrary: fc.record({
        kind: weighted({
          ...{ named: 5, params: 4, dynamic: 4, inline: 6, counting: 4, stateIn: 3 },
          ...{ throws: 1, missing: 1, alias: 1 },
        }),
        n: fc.nat({ max: 5 }),
        inner: fc.constant([]),
      }),
      weight: 4,
    },
    {
      arbitrary: fc.record({
        kind: fc.constantFrom('and', 'or', 'not'),
        n: fc.nat({ max: 5 }),
        inner: fc.array(tie('guard'), { minLength: 1, maxLength: 2 }),
      }),
      weight: 1,
    },
  ),
}));

/** `null` but for one time in `times`. */
function oneIn<Value>(times: number, arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | null> {
  return fc.oneof({ arbitrary: fc.constant(null), weight: times - 1 }, { arbitrary, weight: 1 });
}

const actions = fc.array(actionSpec, { maxLength: 2 });

const transitionSpec: fc.Arbitrary<TransitionSpec> = fc.record({
  targets: fc.oneof(
    { arbitrary: fc.constant([]), weight: 4 },
    { arbitrary: fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 1 }), weight: 6 },
    { arbitrary: fc.array(fc.nat({ max: 40 }), { minLength: 2, maxLength: 2 }), weight: 1 },
  ),
  isReentering: fc.boolean(),
  guard: oneIn(3, guardSpec),
  actions,
});

const descriptor = fc.constantFrom('a', 'a', 'b', 'b', 'c', 'a.x', 'a.*', 'a.x.*', '*', 'done.state');

const { state: stateSpec } = fc.letrec<{ state: StateSpec }>((tie) => ({
  state: fc.record({
    kind: fc.oneof(
      { arbitrary: fc.constantFrom('atomic' as const, 'compound' as const), weight: 8 },
      { arbitrary: fc.constant('parallel' as const), weight: 3 },
      { arbitrary: fc.constantFrom('final' as const, 'shallow' as const, 'deep' as const), weight: 1 },
    ),
    initial: fc.nat({ max: 3 }),
    on: fc.array(fc.tuple(descriptor, fc.array(transitionSpec, { minLength: 1, maxLength: 2 })), { maxLength: 4 }),
    entry: actions,
    exit: actions,
    always: oneIn(40, transitionSpec),
    after: oneIn(12, transitionSpec),
    onDone: oneIn(4, transitionSpec),
    actor: oneIn(15, fc.constantFrom('echo' as const, 'counter' as const)),
    isTagged: fc.boolean(),
    output: fc.constantFrom('none', 'value', 'function'),
    children: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      { arbitrary: fc.constant([]), weight: 2 },
      { arbitrary: fc.array(tie('state'), { minLength: 1, maxLength: 2 }), weight: 3 },
    ),
  }),
}));

export const machineSpec: fc.Arbitrary<MachineSpec> = fc.record({
  root: fc
    .record({
      state: stateSpec,
      kind: fc.constantFrom('compound' as const, 'compound' as const, 'parallel' as const),
      children: fc.array(stateSpec, { minLength: 2, maxLength: 3 }),
    })
    .map(({ state, kind, children }) => ({ ...state, kind, children, always: null, onDone: null })),
  isOdd: fc.boolean(),
  hasContextFunction: fc.boolean(),
});

/** Kinds of actions and guards that only odd machines have; in others a plain one stands in their place. */
export const oddKinds: ReadonlySet<string> = new Set([
  ...['raise', 'enqueue', 'spawn', 'stop', 'assignSpawn', 'throws', 'missing', 'sendMissing', 'raiseLater', 'alias'],
  ...['leak', 'stopSelf'],
]);
