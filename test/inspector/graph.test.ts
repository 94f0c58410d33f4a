import { describe, expect, it } from 'vitest';
import { createActor, fromPromise, setup, type AnyStateMachine } from 'xstate';
import { connectionMachine } from '../../machines/connection.ts';
import {
  activeStates,
  edgesOf,
  graphOf,
  isChart,
  type Chart,
  type ChartTransition,
} from '../../src/inspector/graph.ts';
import type { GraphState, GraphTransition } from '../../src/inspector/protocol.ts';

const chartOf = (machine: unknown): Chart => {
  if (!isChart(machine)) throw new Error('no chart');
  return machine;
};

const order = setup({
  actors: { pay: fromPromise(() => Promise.resolve()) },
  actions: { greet: () => {}, note: () => {}, part: () => {} },
  guards: { isFull: () => false },
  delays: { patience: 1000 },
}).createMachine({
  id: 'order',
  description: 'An order.',
  initial: 'basket',
  states: {
    basket: {
      description: 'Things are put in.',
      tags: ['open'],
      entry: 'greet',
      exit: [{ type: 'part' }, () => {}],
      on: {
        add: [
          { guard: 'isFull', target: 'paying', actions: ['note', { type: 'part' }] },
          { target: 'basket', reenter: true },
        ],
        '*': { actions: 'note', description: 'Anything else.' },
      },
      after: { patience: 'gone', 50: { actions: 'note' } },
      always: { guard: ({ context }) => context === null, target: 'gone' },
    },
    paying: { invoke: { src: 'pay', id: 'payment', onDone: 'shipping', onError: '#order.gone' } },
    shipping: {
      type: 'parallel',
      onDone: 'gone',
      states: {
        box: { initial: 'open', states: { open: { on: { shut: 'shut' } }, shut: { type: 'final' } } },
        van: {},
      },
    },
    gone: { type: 'final' },
    before: { type: 'history', history: 'deep', target: 'basket' },
  },
});

const chart = chartOf(order);
const graph = graphOf(chart);

function every(state: GraphState): readonly GraphState[] {
  return [state, ...state.states.flatMap(every)];
}

const states = new Map(every(graph.root).map((state) => [state.id, state]));
const transitionsOf = (id: string): readonly Partial<GraphTransition>[] =>
  states.get(id)!.transitions.map(({ id: _id, source: _source, ...rest }) => rest);

describe('the graph of a machine', () => {
  it('has all of its states, nested as they are', () => {
    expect(graph).toMatchObject({ id: 'order', isTruncated: false });
    expect(every(graph.root).map(({ id, kind }) => `${kind} ${id}`)).toEqual([
      'compound order',
      'atomic order.basket',
      'atomic order.paying',
      'parallel order.shipping',
      'compound order.shipping.box',
      'atomic order.shipping.box.open',
      'final order.shipping.box.shut',
      'atomic order.shipping.van',
      'final order.gone',
      'history order.before',
    ]);
  });

  it('says of each state what stands on it', () => {
    expect(graph.root).toMatchObject({
      description: 'An order.',
      initial: { targets: ['order.basket'], actions: [] },
    });
    expect(states.get('order.basket')).toMatchObject({
      key: 'basket',
      description: 'Things are put in.',
      tags: ['open'],
      entry: ['greet'],
      exit: ['part', expect.any(String)],
    });
    expect(states.get('order.paying')).toMatchObject({ invoke: [{ id: 'payment', src: 'pay' }] });
    expect(states.get('order.before')).toMatchObject({ history: 'deep' });
  });

  it('draws events with guards and actions', () => {
    expect(transitionsOf('order.basket').slice(0, 3)).toEqual([
      {
        targets: ['order.paying'],
        kind: 'event',
        event: 'add',
        label: 'add',
        guard: 'isFull',
        actions: ['note', 'part'],
        reenter: false,
      },
      { targets: ['order.basket'], kind: 'event', event: 'add', label: 'add', actions: [], reenter: true },
      {
        targets: [],
        kind: 'event',
        event: '*',
        label: '*',
        actions: ['note'],
        reenter: false,
        description: 'Anything else.',
      },
    ]);
  });

  it('draws delays by their names, and what happens always', () => {
    const [fifty, patience, always] = transitionsOf('order.basket').slice(3);
    expect(fifty).toMatchObject({ kind: 'after', label: 'after 50', delay: '50', targets: [], actions: ['note'] });
    expect(patience).toMatchObject({
      kind: 'after',
      label: 'after patience',
      delay: 'patience',
      targets: ['order.gone'],
    });
    expect(always).toMatchObject({ kind: 'always', event: '', label: 'always', targets: ['order.gone'] });
  });

  it('draws what follows from invoked actors and from states that are done', () => {
    expect(transitionsOf('order.paying')).toMatchObject([
      { kind: 'done', label: 'done(pay)', targets: ['order.shipping'] },
      { kind: 'error', label: 'error(pay)', targets: ['order.gone'] },
    ]);
    expect(transitionsOf('order.shipping')).toMatchObject([{ kind: 'done', label: 'done', targets: ['order.gone'] }]);
  });

  // They stood in the chart as if nothing followed from them.
  it('draws where a history state leads before there is any history', () => {
    const machine = setup({}).createMachine({
      id: 'm',
      initial: 'off',
      states: {
        off: { on: { path: 'on.path', id: 'on.id', none: 'on.none', all: 'both.all' } },
        on: {
          initial: 'a',
          states: {
            a: {},
            'b.c': { initial: 'd', states: { d: {}, e: {} } },
            path: { type: 'history', target: 'b\\.c.e' },
            id: { type: 'history', target: '#m.off' },
            none: { type: 'history', history: 'deep' },
          },
        },
        both: { type: 'parallel', states: { one: {}, all: { type: 'history' } } },
      },
    });
    const drawn = every(graphOf(chartOf(machine)).root).filter(({ kind }) => kind === 'history');
    const targets = Object.fromEntries(drawn.map(({ key, transitions }) => [key, transitions[0]!.targets]));
    expect(drawn[0]!.transitions[0]).toMatchObject({ kind: 'default', label: 'default', source: drawn[0]!.id });
    expect(targets).toEqual({ path: ['m.on.b.c.e'], id: ['m.off'], none: ['m.on.a'], all: ['m.both'] });
    for (const event of ['path', 'id', 'none', 'all']) {
      const actor = createActor(machine).start();
      actor.send({ type: event } as never);
      const nodes = (actor.getSnapshot() as unknown as { _nodes: readonly { id: string }[] })._nodes;
      expect(nodes.map(({ id }) => id)).toContain(targets[event]![0]);
    }
  });

  it('leads only to states that there are, with ids that are there once', () => {
    for (const each of [graph, graphOf(chartOf(connectionMachine))]) {
      const all = every(each.root);
      const ids = new Set(all.map(({ id }) => id));
      const transitions = all.flatMap((state) => state.transitions);
      expect(ids.size).toBe(all.length);
      expect(new Set(transitions.map(({ id }) => id)).size).toBe(transitions.length);
      for (const { source, targets } of transitions) for (const id of [source, ...targets]) expect(ids).toContain(id);
    }
  });

  it('is made once', () => {
    expect(graphOf(chart)).toBe(graph);
  });

  it('says so when it leaves out states or transitions of an enormous machine', () => {
    const states = Object.fromEntries(Array.from({ length: 600 }, (_, index) => [`s${index}`, { on: { go: {} } }]));
    const enormous = graphOf(chartOf(setup({}).createMachine({ initial: 's0', states })));
    expect(enormous.isTruncated).toBe(true);
    expect(every(enormous.root)).toHaveLength(500);
  });
});

describe('the edges that a machine takes', () => {
  function taken(machine: AnyStateMachine, ...events: string[]) {
    const edges: unknown[] = [];
    const actor = createActor(machine, {
      inspect(event) {
        if (event.type !== '@xstate.microstep') return;
        edges.push(...edgesOf(chartOf(machine), event._transitions as unknown as ChartTransition[]));
      },
    }).start();
    edges.length = 0;
    for (const type of events) actor.send({ type });
    return edges;
  }

  it('are edges of its graph', () => {
    const [, again, other] = states.get('order.basket')!.transitions;
    expect(taken(order, 'add', 'odd')).toEqual([
      { transition: again!.id, source: 'order.basket', event: 'add', targets: ['order.basket'] },
      { transition: other!.id, source: 'order.basket', event: '*', targets: [] },
    ]);
  });
});

describe('the active states', () => {
  it('are all those that a state value names, the root among them', () => {
    expect(activeStates(chart, 'basket')).toEqual(['order', 'order.basket']);
    expect(activeStates(chart, { shipping: { box: 'open', van: {} } })).toEqual([
      'order',
      'order.shipping',
      'order.shipping.box',
      'order.shipping.box.open',
      'order.shipping.van',
    ]);
    expect(activeStates(chart, { unheard: 'of' })).toEqual(['order']);
  });
});

describe('what is no machine', () => {
  it.each([undefined, null, 1, {}, { root: {} }, fromPromise(() => Promise.resolve())])('has no chart: %#', (value) => {
    expect(isChart(value)).toBe(false);
  });
});
