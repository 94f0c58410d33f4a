import { describe, expect, it } from 'vitest';
import { assign, createActor, createMachine, fromPromise, setup, type AnyActorRef } from 'xstate';
import { Definitions } from '../../src/inspector/definition.ts';
import type { Redaction } from '../../src/inspector/redaction.ts';

const pay = fromPromise(() => Promise.resolve('paid'));
const inner = createMachine({ id: 'inner', context: { pin: '4111' } });
const machine = setup({
  types: {} as { context: { card: string }; meta: { owner: string } },
  actors: { pay },
  actions: { log: (_, _params: { text: string }) => {} },
  guards: { isPaid: (_, _params: { sum: string }) => true },
}).createMachine({
  id: 'order',
  description: 'An order',
  context: { card: '4111' },
  meta: { owner: '4111' },
  initial: 'input',
  // States and events that are called as data is.
  on: { context: { target: '.input', guard: { type: 'isPaid', params: { sum: '4111' } } } },
  states: {
    input: {
      tags: ['busy'],
      invoke: [{ src: 'pay', id: 'payment', input: { card: '4111' }, onDone: 'meta' }, { src: inner }],
      on: { params: { actions: [{ type: 'log', params: { text: '4111' } }, assign({ card: '4111' })] } },
    },
    meta: { type: 'final', output: { card: '4111' } },
  },
});

function definitionOf(redaction: Redaction): Record<string, unknown> {
  const actor = createActor(machine) as unknown as AnyActorRef;
  return JSON.parse(new Definitions(redaction).of(actor, false)) as Record<string, unknown>;
}

describe('the definition of a machine', () => {
  it('shows by default no data that its configuration holds, wherever that stands', () => {
    const definition = definitionOf('all');
    expect(JSON.stringify(definition)).not.toContain('4111');
    expect(definition).toMatchObject({
      id: 'order',
      description: 'An order',
      context: { card: '[redacted 4 characters]' },
      meta: { owner: '[redacted 4 characters]' },
      on: { context: { guard: { type: 'isPaid', params: { sum: '[redacted 4 characters]' } } } },
      states: {
        input: {
          tags: ['busy'],
          invoke: [{ id: 'payment', input: { card: '[redacted 4 characters]' } }, { src: { type: 'inner' } }],
          on: { params: { actions: [{ type: 'log', params: { text: '[redacted 4 characters]' } }, {}] } },
        },
        meta: { type: 'final', output: { card: '[redacted 4 characters]' } },
      },
    });
  });

  it('is still one that the same chart can be made of', () => {
    const again = createMachine(definitionOf('all') as never);
    expect(Object.keys(again.states)).toEqual(['input', 'meta']);
    expect(again.root.initial.target.map(({ id }) => id)).toEqual(['order.input']);
    expect(again.states['input']!.config.invoke).toHaveLength(2);
  });

  it('asks a function about each value, and shows all for false', () => {
    const hide = (path: readonly string[], value: unknown): unknown => (path.includes('card') ? '****' : value);
    expect(definitionOf(hide)).toMatchObject({ context: { card: '****' }, meta: { owner: '4111' } });
    const paths: string[] = [];
    definitionOf((path, value) => {
      paths.push(path.join('.'));
      return value;
    });
    expect(paths).toEqual(expect.arrayContaining(['definition', 'definition.context.card']));
    expect(definitionOf('none')).toMatchObject({ context: { card: '4111' } });
    expect(definitionOf(() => 'nothing')).toEqual({ id: 'order' });
  });
});
