/**
 * Asks XState what a machine does, without letting the machine do it.
 *
 * The oracle is a second instance of the same machine, in which every action is
 * a marker and every guard answers whether its transition is the one in
 * question. XState's own `transition` then says which actions it would carry
 * out, in which order, and which states are active afterwards. None of the
 * user's functions is called.
 *
 * It answers only for what a machine does in one microstep without regard to
 * its context: see {@link Oracle.ask}.
 */
import type { Action, Machine, Microstep, Scope, Snapshot, StateNode, Transition } from './machine-internals.ts';
import { snapshotIn } from './planned-actions.ts';

/** What XState does when it takes certain transitions. */
export interface Answer {
  /** The actions as the machine declares them, in XState's order. */
  readonly actions: readonly unknown[];
  /** The active states that follow, in XState's order, or `undefined` when they stay the same ones. */
  readonly next: readonly StateNode[] | undefined;
}

/** What XState tells the oracle while it answers. */
class Heard {
  readonly executed: unknown[] = [];
  readonly steps: Microstep[] = [];
  readonly scope: Scope = {
    self: undefined,
    system: { _sendInspectionEvent: (step) => this.steps.push(step) },
    actionExecutor: ({ exec }: Action) => this.executed.push(exec),
  };
}

export class Oracle {
  readonly #copy: Machine;
  readonly #twins = new Map<StateNode, StateNode>();
  readonly #originals = new Map<StateNode, StateNode>();
  readonly #transitions = new Map<Transition, Transition>();
  readonly #actions = new Map<unknown, unknown>();
  #hasHistory = false;
  #chosen: ReadonlySet<Transition> = new Set();

  /** Throws when `machine` is not as XState makes machines. */
  constructor(machine: Machine) {
    this.#copy = machine.provide({});
    this.#copy.options = machine.options;
    this.#copy.config = { ...machine.config, context: undefined };
    this.#pair(machine.root, this.#copy.root);
    for (const [original, twin] of this.#twins) this.#disarm(original, twin);
  }

  /**
   * What taking `transitions` does while `nodes` are the active states; `undefined` when that depends on anything
   * else, or when it ends the machine, starts or stops an actor, or takes more than one microstep.
   */
  ask(nodes: readonly StateNode[], type: string, transitions: readonly Transition[]): Answer | undefined {
    // What a history state leads to depends on the past.
    if (this.#hasHistory && transitions.some(({ target }) => target !== undefined)) return undefined;
    const before = snapshotIn(
      this.#copy,
      nodes.map((node) => counterpart(this.#twins, node)),
    );
    const heard = new Heard();
    this.#chosen = new Set(transitions);
    const after = this.#copy.transition(before, { type }, heard.scope);
    const [step] = heard.steps;
    if (step === undefined || heard.steps.length > 1) return undefined;
    const taken = step._transitions;
    if (taken.length !== transitions.length) return undefined;
    if (taken.some((transition, index) => this.#transitions.get(transition) !== transitions[index])) return undefined;
    const answer = this.#answer(heard, after);
    return answer && after._nodes === before._nodes ? { actions: answer.actions, next: undefined } : answer;
  }

  /** What the machine does when it begins; `undefined` as for {@link Oracle.ask}. */
  askBeginning(): Answer | undefined {
    if (this.#hasHistory) return undefined;
    const heard = new Heard();
    this.#chosen = new Set();
    const after = this.#copy.getInitialSnapshot(heard.scope, undefined);
    // XState makes no microstep of the beginning: each that it tells of is one that follows.
    return heard.steps.length > 0 ? undefined : this.#answer(heard, after);
  }

  #answer({ executed }: Heard, after: Snapshot): Answer | undefined {
    if (after.status !== 'active' || !executed.every((marker) => this.#actions.has(marker))) return undefined;
    const next = after._nodes.map((node) => counterpart(this.#originals, node));
    // Eventless transitions are looked at after every event, and their guards with them.
    if (next.some(({ always }) => always !== undefined && always.length > 0)) return undefined;
    return { actions: executed.map((marker) => this.#actions.get(marker)), next };
  }

  #pair(original: StateNode, copy: StateNode): void {
    this.#twins.set(original, copy);
    this.#originals.set(copy, original);
    if (original.type === 'history') this.#hasHistory = true;
    for (const [key, child] of Object.entries(original.states)) this.#pair(child, copy.states[key]!);
  }

  /** Takes everything of the user's out of `copy`, the twin of `original`. */
  #disarm(original: StateNode, copy: StateNode): void {
    // No plan has this marker: a state that starts actors is left to XState.
    const starts = original.invoke.length > 0 ? [() => {}] : [];
    Object.defineProperty(copy, 'invoke', { value: [] });
    copy.entry = [...this.#marked(original.entry), ...starts];
    copy.exit = [...this.#marked(original.exit), ...starts];
    copy.initial.actions = this.#marked(original.initial.actions);
    copy.always = undefined;
    copy.output = undefined;
    for (const [descriptor, transitions] of original.transitions) {
      const copies = copy.transitions.get(descriptor)!;
      for (const [index, transition] of transitions.entries()) {
        const its = copies[index]!;
        const isSame = (transition.target ?? []).every((node, at) => this.#twins.get(node) === its.target?.[at]);
        if (!isSame || copies.length !== transitions.length) throw new TypeError('a transition has no twin');
        this.#transitions.set(its, transition);
        its.actions = this.#marked(transition.actions);
        its.guard = () => this.#chosen.has(transition);
      }
    }
  }

  #marked(actions: readonly unknown[]): unknown[] {
    return actions.map((action) => {
      const marker = (): void => {};
      this.#actions.set(marker, action);
      return marker;
    });
  }
}

function counterpart(nodes: ReadonlyMap<StateNode, StateNode>, node: StateNode): StateNode {
  const found = nodes.get(node);
  if (found === undefined) throw new TypeError('a state has no twin');
  return found;
}
