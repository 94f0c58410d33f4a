/**
 * The chart of a machine as plain data: what is drawn, and which edges of it were taken.
 *
 * It is walked from the machine's root and not from its configuration: there all targets are resolved, and the
 * transitions are the very objects that XState names when it takes them.
 */
import type { Graph, GraphState, GraphTransition, TakenEdge } from './protocol.ts';
import { cut } from './describe.ts';

/** What is read of XState's state nodes. */
export interface ChartNode {
  readonly id: string;
  readonly key: string;
  readonly type: GraphState['kind'];
  readonly description?: string | undefined;
  readonly tags: readonly string[];
  readonly initial?: Pick<ChartTransition, 'target' | 'actions'> | undefined;
  readonly history?: 'shallow' | 'deep' | false | undefined;
  readonly entry: readonly unknown[];
  readonly exit: readonly unknown[];
  readonly invoke: readonly { readonly id: string; readonly src: unknown }[];
  readonly transitions: ReadonlyMap<string, readonly ChartTransition[]>;
  readonly always?: readonly ChartTransition[] | undefined;
  readonly states: Readonly<Record<string, ChartNode>>;
  readonly parent?: ChartNode | undefined;
  /** Of a history state what was written is all that there is of its default target. */
  readonly config?: { readonly target?: unknown };
}

export interface ChartTransition {
  readonly source: { readonly id: string };
  readonly target: readonly { readonly id: string }[] | undefined;
  readonly actions: readonly unknown[];
  readonly guard?: unknown;
  readonly eventType?: string | null | undefined;
  readonly reenter?: boolean | undefined;
  readonly description?: string | undefined;
}

/** A machine whose chart can be drawn. */
export interface Chart {
  readonly id: string;
  readonly root: ChartNode;
  getStateNodeById(id: string): ChartNode;
}

const MAX_STATES = 500;
const MAX_TRANSITIONS = 2000;
const MAX_LABEL = 200;
const MAX_DESCRIPTION = 2000;
/** Actions, tags and invoked actors of one state. */
const MAX_NAMES = 100;

interface Known {
  readonly graph: Graph;
  readonly ids: ReadonlyMap<object, string>;
}

const known = new WeakMap<Chart, Known>();

/** Whether `value` is a machine of XState. */
export function isChart(value: unknown): value is Chart {
  const { root } = (value ?? {}) as { root?: Partial<ChartNode> };
  return typeof root === 'object' && root?.transitions instanceof Map && typeof root.states === 'object';
}

/** The chart of `machine`; the same object each time. */
export function graphOf(machine: Chart): Graph {
  return know(machine).graph;
}

/** The transitions that were taken, as edges of the graph of `machine`. */
export function edgesOf(machine: Chart, transitions: readonly ChartTransition[]): readonly TakenEdge[] {
  const { ids } = know(machine);
  return transitions.slice(0, 100).map((transition) => {
    const id = ids.get(transition);
    return {
      ...(id !== undefined && { transition: id }),
      source: transition.source.id,
      event: cut(transition.eventType ?? '', MAX_LABEL),
      targets: idsOf(transition.target),
    };
  });
}

/** The ids of all states that a state value of XState says are active, the root among them. */
export function activeStates(machine: Chart, value: unknown): readonly string[] {
  const active: string[] = [];
  const enter = (node: ChartNode | undefined, value: unknown): void => {
    if (node === undefined || active.length >= MAX_STATES) return;
    active.push(node.id);
    if (typeof value === 'string') enter(node.states[value], undefined);
    else for (const [key, inner] of Object.entries(value ?? {})) enter(node.states[key], inner);
  };
  enter(machine.root, value);
  return active;
}

function know(machine: Chart): Known {
  let found = known.get(machine);
  if (found === undefined) known.set(machine, (found = walk(machine)));
  return found;
}

function walk(machine: Chart): Known {
  const ids = new Map<object, string>();
  let states = 0;
  let isTruncated = false;

  function stateOf(node: ChartNode): GraphState {
    states++;
    const transitions = [...[...node.transitions.values()].flat(), ...(node.always ?? [])].flatMap((transition) => {
      if (ids.size < MAX_TRANSITIONS) return [transitionOf(node, transition)];
      isTruncated = true;
      return [];
    });
    const inner: GraphState[] = [];
    for (const child of Object.values(node.states)) {
      if (states < MAX_STATES) inner.push(stateOf(child));
      else isTruncated = true;
    }
    const { id, key, type, description, initial, history } = node;
    return {
      id,
      key,
      kind: type,
      ...descriptionOf(description),
      tags: node.tags
        .slice(0, MAX_NAMES)
        .flatMap((tag: unknown) => (typeof tag === 'string' ? [cut(tag, MAX_LABEL)] : [])),
      ...(type === 'compound' &&
        initial !== undefined && {
          initial: { targets: idsOf(initial.target), actions: namesOf(initial.actions) },
        }),
      ...(type === 'history' && { history: history === 'deep' ? 'deep' : 'shallow' }),
      entry: namesOf(node.entry),
      exit: namesOf(node.exit),
      invoke: node.invoke.slice(0, MAX_NAMES).map(({ id, src }) => ({ id, src: nameOf(src) })),
      transitions: type === 'history' ? [defaultOf(node), ...transitions] : transitions,
      states: inner,
    };
  }

  /** Where a history state leads before there is any history. XState only knows it when it is needed. */
  function defaultOf(node: ChartNode): GraphTransition {
    const targets = idsOf(defaultTargets(machine, node));
    const what = { kind: 'default', event: '', label: 'default', actions: [], reenter: false } as const;
    return { id: `${node.id}#default`, source: node.id, targets, ...what };
  }

  function transitionOf(node: ChartNode, transition: ChartTransition): GraphTransition {
    const id = `${node.id}#${ids.size}`;
    ids.set(transition, id);
    const event = transition.eventType ?? '';
    const { guard, description, reenter = false } = transition;
    return {
      id,
      source: node.id,
      targets: idsOf(transition.target),
      event,
      ...labelOf(node, event),
      ...(guard !== undefined && { guard: nameOf(guard) }),
      actions: namesOf(transition.actions),
      reenter,
      ...descriptionOf(description),
    };
  }

  const root = stateOf(machine.root);
  return { ids, graph: { id: machine.id, root, isTruncated } };
}

function defaultTargets(machine: Chart, { parent, config }: ChartNode): readonly { readonly id: string }[] {
  if (parent === undefined) return [];
  const { target } = config ?? {};
  if (target === undefined) return parent.type === 'parallel' ? [parent] : (parent.initial?.target ?? []);
  return [target].flat().flatMap((each: unknown) => (typeof each === 'string' ? nodeAt(machine, parent, each) : []));
}

/** The state that a path leads to from `parent`, or an id; none if there is no such state. */
function nodeAt(machine: Chart, parent: ChartNode, path: string): readonly ChartNode[] {
  try {
    if (path.startsWith('#')) return [machine.getStateNodeById(path)];
  } catch {
    return [];
  }
  let node: ChartNode | undefined = parent;
  // A dot within a key is written with a backslash.
  for (const key of path.match(/(?:\\.|[^.\\])+/g) ?? []) node = node?.states[key.replaceAll(/\\(.)/g, '$1')];
  return node === undefined ? [] : [node];
}

/** What is written on a transition: XState's own events are named for what they mean. */
function labelOf(node: ChartNode, event: string): Pick<GraphTransition, 'kind' | 'label' | 'delay'> {
  if (event === '') return { kind: 'always', label: 'always' };
  const delayed = between(event, 'xstate.after.', `.${node.id}`);
  if (delayed !== undefined) return { kind: 'after', label: `after ${cut(delayed, MAX_LABEL)}`, delay: delayed };
  if (event === `xstate.done.state.${node.id}`) return { kind: 'done', label: 'done' };
  const done = between(event, 'xstate.done.actor.', '');
  if (done !== undefined) return { kind: 'done', label: `done(${invoked(node, done)})` };
  const failed = between(event, 'xstate.error.actor.', '');
  if (failed !== undefined) return { kind: 'error', label: `error(${invoked(node, failed)})` };
  return { kind: 'event', label: cut(event, MAX_LABEL) };
}

/** What an actor is called that a state invokes: its source says more than an id that XState made up. */
function invoked(node: ChartNode, id: string): string {
  const src = node.invoke.find((one) => one.id === id)?.src;
  return typeof src === 'string' ? cut(src, MAX_LABEL) : cut(id, MAX_LABEL);
}

function between(text: string, start: string, end: string): string | undefined {
  return text.startsWith(start) && text.endsWith(end) && text.length > start.length + end.length
    ? text.slice(start.length, text.length - end.length)
    : undefined;
}

/** Nobody checks what a configuration says where text is meant. */
function descriptionOf(description: unknown): { readonly description?: string } {
  return typeof description === 'string' ? { description: cut(description, MAX_DESCRIPTION) } : {};
}

function idsOf(nodes: readonly { readonly id: string }[] | undefined): readonly string[] {
  return nodes?.map(({ id }) => id) ?? [];
}

function namesOf(actions: readonly unknown[]): readonly string[] {
  return actions.slice(0, MAX_NAMES).flatMap((action) => {
    const name = nameOf(action);
    // What XState adds to begin and to end a delay; the `after` itself is drawn.
    return isOfDelay(action, name) ? [] : [name];
  });
}

function isOfDelay(action: unknown, name: string): boolean {
  if (name !== 'xstate.raise' && name !== 'xstate.cancel') return false;
  const { event, sendId } = action as { event?: { type?: unknown }; sendId?: unknown };
  const id = event?.type ?? sendId;
  return typeof id === 'string' && id.startsWith('xstate.after.');
}

/** The name of an action, guard or actor source: a string, an object with a type, or a function. */
function nameOf(named: unknown): string {
  if (typeof named === 'string') return cut(named, MAX_LABEL);
  const { type, name, id } = named as { type?: unknown; name?: unknown; id?: unknown };
  for (const one of [type, name, id]) if (typeof one === 'string' && one !== '') return cut(one, MAX_LABEL);
  return 'inline';
}
