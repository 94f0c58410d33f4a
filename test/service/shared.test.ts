import { describe, expect, it } from 'vitest';
import { createActor, createMachine, fromTransition } from 'xstate';
import { defineService } from 'troupe';

const counter = fromTransition((count: number) => count + 1, 0);

function define(shared: unknown): ReturnType<typeof defineService> {
  return defineService({ shared: shared as typeof counter, onTextMessage: () => {} });
}

describe('shared state', () => {
  it.each<[string, unknown, string]>([
    ['a number', 5, 'shared'],
    ['an object without logic', { count: 5 }, 'shared'],
    ['a function that makes logic', () => counter, 'shared'],
    ['null', null, 'shared'],
    ['what is no logic', { logic: { count: 5 } }, 'shared.logic'],
    ['nothing as logic', { logic: undefined }, 'shared.logic'],
    ['a misspelt option', { logic: counter, inputs: 5 }, 'shared.inputs'],
    ['a policy that there is not', { logic: counter, restartFrom: 'end' }, 'shared.restartFrom'],
  ])('refuses %s', (_what, shared, argument) => {
    expect(() => define(shared)).toThrow(
      expect.objectContaining({ code: 'TROUPE_ARGUMENT_INVALID', fields: expect.objectContaining({ argument }) }),
    );
  });

  it('is no actor that runs already', () => {
    expect(() => define(createActor(counter))).toThrow(expect.objectContaining({ code: 'TROUPE_ARGUMENT_INVALID' }));
  });

  it('is any actor logic, with or without more to say', () => {
    const machine = createMachine({});
    expect(define(undefined).shared).toBeUndefined();
    expect(define(machine).shared?.logic).toBe(machine);
    expect(define({ logic: counter, input: 7, restartFrom: 'snapshot' }).shared).toEqual({
      logic: counter,
      input: 7,
      restartFrom: 'snapshot',
    });
  });
});
