/**
 * What is remembered of one machine: for active states and an event, the plan
 * that XState has made; see `planned-machine.ts` for what plans are.
 *
 * Kept within bounds: event types are those that the machine names and those
 * that are known to come, and there are limits for the rest. Beyond them XState
 * interprets.
 */
import type { EventObject, StateValue } from 'xstate';
import type { Machine, Snapshot, StateNode, Transition } from './machine-internals.ts';
import { Oracle, type Answer } from './machine-oracle.ts';
import { planAction, snapshotIn, type PlannedAction } from './planned-actions.ts';

const MAX_CONFIGURATIONS = 1000;
/** Active states of all configurations together: one of a machine with many regions is large. */
const MAX_NODES = 32_000;
/** Plans and decisions together. */
const MAX_PLANS = 4000;
/** States and named events; the oracle is a second instance of the machine, made when its service is. */
const MAX_SIZE = 5000;
/** Of one event in one configuration, as they are looked for one by one. */
const MAX_OUTCOMES = 32;

/** What taking certain transitions does in a configuration. */
export interface Plan {
  readonly transitions: readonly Transition[];
  /** `undefined`: only XState can carry them out. */
  readonly actions: readonly PlannedAction[] | undefined;
  /** The active states that follow, if they are others. */
  readonly next: Configuration | undefined;
  /** Whether one of them is built-in: those put off what they do until the snapshot is in place. */
  readonly mayDefer: boolean;
}

/** What an event does in a configuration: always the same, or one of several, for which the guards must be asked. */
export interface Decision {
  readonly always: Plan | undefined;
  readonly outcomes: Plan[];
}

/** A set of active states in the order in which XState keeps them. */
export interface Configuration {
  /** XState's own snapshot of them. */
  readonly sample: Snapshot;
  readonly tags: readonly string[];
  readonly decisions: Map<string, Decision>;
}

/** How a machine begins: with its root alone, as which its context is made, and by a plan then. */
export interface Beginning {
  readonly root: Configuration;
  readonly plan: Plan;
}

/** Stands for a snapshot when it is to be found out whether a guard is asked: XState takes the machine from it first. */
class Probe {
  readonly value: StateValue;
  readonly context = {};
  isAsked = false;

  constructor(value: StateValue) {
    this.value = value;
  }

  get machine(): never {
    this.isAsked = true;
    throw new Error('A guard is asked.');
  }
}

export class Plans {
  readonly #machine: Machine;
  readonly #types: Set<string>;
  readonly #numbers = new Map<StateNode, number>();
  /** `undefined` when there is none to be had. */
  readonly #oracle: Oracle | undefined;
  /** What the plans were made of. */
  #implementations: Machine['implementations'] | undefined;
  #byNodes = new WeakMap<readonly StateNode[], Configuration>();
  /** Mostly many actors are in the same states. */
  #latest: Configuration | undefined;
  #byKey = new Map<string, Configuration>();
  #count = 0;
  #nodes = 0;
  /** `undefined` until it is asked for. */
  #beginning: Beginning | 'left' | undefined;

  /** Plans for the events that `machine` names, and for `types`. */
  constructor(machine: Machine, types: readonly string[]) {
    this.#machine = machine;
    this.#types = new Set(types);
    this.#collect(machine.root);
    this.#oracle = this.#numbers.size + this.#types.size > MAX_SIZE ? undefined : oracleOf(machine);
  }

  /** The configuration that `snapshot` is in, if events in it may be planned. */
  configurationOf(snapshot: Snapshot): Configuration | undefined {
    if (this.#machine.implementations !== this.#implementations) this.#begin();
    if (snapshot.status !== 'active' || snapshot.machine !== this.#machine) return undefined;
    // Compared, as whether it is truthy is asked of the object itself, which a message touches for nothing else.
    const context: unknown = snapshot.context;
    if (context === undefined || context === null) return undefined;
    const latest = this.#latest;
    if (latest !== undefined && latest.sample._nodes === snapshot._nodes) return latest;
    const known = this.#byNodes.get(snapshot._nodes);
    if (known !== undefined) this.#latest = known;
    // Nothing is looked for that has no room: XState's arrays are new ones each time.
    if (known !== undefined || this.#oracle === undefined || this.#isFull) return known;
    const configuration = this.#configuration(snapshot._nodes);
    // From here on all snapshots of this configuration share one array, which is found at once.
    if (configuration !== undefined) Reflect.set(snapshot, '_nodes', configuration.sample._nodes);
    return configuration;
  }

  /** How the machine begins, if that may be planned. Calls none of the machine's functions. */
  beginning(): Beginning | undefined {
    if (this.#machine.implementations !== this.#implementations) this.#begin();
    const beginning = (this.#beginning ??= this.#findBeginning() ?? 'left');
    return beginning !== 'left' && this.isValid(beginning.plan) ? beginning : undefined;
  }

  #findBeginning(): Beginning | undefined {
    if (this.#oracle === undefined) return undefined;
    const root = this.#configuration([this.#machine.root]);
    const plan = this.#planFrom([], () => this.#oracle!.askBeginning());
    return root && plan.next && { root, plan };
  }

  /** What `event` does in `configuration`, if that may be planned. Calls none of the machine's functions. */
  decide(configuration: Configuration, event: EventObject): Decision | undefined {
    const { type } = event;
    if (!this.#types.has(type) || this.#count >= MAX_PLANS) return undefined;
    const probe = new Probe(configuration.sample.value);
    const outcomes: Plan[] = [];
    let always: Plan | undefined;
    try {
      const transitions = this.#machine.getTransitionData(probe, event);
      if (!probe.isAsked) always = this.planOf(outcomes, configuration, type, transitions) ?? left(transitions);
    } catch {
      if (!probe.isAsked) return undefined;
    }
    const decision = { always, outcomes };
    this.#count++;
    configuration.decisions.set(type, decision);
    return decision;
  }

  /** Which of `outcomes` it is to take `transitions`; one that is new is added to them. */
  planOf(
    outcomes: Plan[],
    configuration: Configuration,
    type: string,
    transitions: readonly Transition[],
  ): Plan | undefined {
    for (const plan of outcomes) {
      if (isSame(plan.transitions, transitions)) return plan;
    }
    if (outcomes.length >= MAX_OUTCOMES || this.#count >= MAX_PLANS) return undefined;
    this.#count++;
    const plan = this.#plan(configuration, type, [...transitions]);
    outcomes.push(plan);
    return plan;
  }

  /** Whether `plan` may be carried out: nobody has put something else in the place of one of its actions. */
  isValid({ actions }: Plan): boolean {
    if (actions === undefined) return false;
    const implemented = this.#machine.implementations.actions;
    for (const { isNamed, type, implementation } of actions) {
      if (isNamed && implemented[type] !== implementation) {
        this.#begin();
        return false;
      }
    }
    return true;
  }

  #plan({ sample }: Configuration, type: string, transitions: readonly Transition[]): Plan {
    return this.#planFrom(transitions, () => this.#oracle!.ask(sample._nodes, type, transitions));
  }

  #planFrom(transitions: readonly Transition[], ask: () => Answer | undefined): Plan {
    try {
      const answer = ask();
      if (answer === undefined) return left(transitions);
      const actions: PlannedAction[] = [];
      for (const declared of answer.actions) {
        const action = planAction(this.#machine, declared);
        if (action === undefined) return left(transitions);
        actions.push(action);
      }
      const next = answer.next && this.#configuration(answer.next);
      if (next === undefined && answer.next !== undefined) return left(transitions);
      return { transitions, actions, next, mayDefer: actions.some(({ builtin }) => builtin !== undefined) };
    } catch {
      return left(transitions);
    }
  }

  #configuration(nodes: readonly StateNode[]): Configuration | undefined {
    const key = nodes.map((node) => this.#numbers.get(node)).join();
    let configuration = this.#byKey.get(key);
    if (configuration === undefined && !this.#isFull) {
      const own = [...nodes];
      this.#nodes += own.length;
      const sample = snapshotIn(this.#machine, own);
      configuration = { sample, tags: [...sample.tags], decisions: new Map() };
      this.#byKey.set(key, configuration);
      this.#byNodes.set(own, configuration);
    }
    return configuration;
  }

  get #isFull(): boolean {
    return this.#byKey.size >= MAX_CONFIGURATIONS || this.#nodes >= MAX_NODES;
  }

  /** Starts afresh, with what implements the machine's actions now. */
  #begin(): void {
    this.#implementations = this.#machine.implementations;
    this.#byNodes = new WeakMap();
    this.#latest = undefined;
    this.#byKey = new Map();
    this.#count = 0;
    this.#nodes = 0;
    this.#beginning = undefined;
  }

  #collect(node: StateNode): void {
    this.#numbers.set(node, this.#numbers.size);
    for (const descriptor of node.transitions.keys()) {
      // What XState itself sends is its own; and it refuses an event that is called as all of them.
      if (!descriptor.startsWith('xstate.') && descriptor !== '*') this.#types.add(descriptor);
    }
    for (const child of Object.values(node.states)) this.#collect(child);
  }
}

/** What only XState can carry out. */
function left(transitions: readonly Transition[]): Plan {
  return { transitions, actions: undefined, next: undefined, mayDefer: false };
}

function oracleOf(machine: Machine): Oracle | undefined {
  try {
    return new Oracle(machine);
  } catch {
    return undefined;
  }
}

function isSame(one: readonly Transition[], other: readonly Transition[]): boolean {
  return one.length === other.length && one.every((transition, index) => transition === other[index]);
}
