import { describe, expect, it } from 'vitest';
import { createActor, createMachine, type AnyActorRef } from 'xstate';
import { Moments } from '../../src/inspector/moments.ts';
import type { Doing } from '../../src/inspector/steps.ts';

const machine = createMachine({ initial: 'a', states: { a: { on: { go: 'b' } }, b: { on: { go: 'a' } } } });
const made = (): AnyActorRef => createActor(machine).start();
const event = { type: 'go' };
const doing = (type: Doing['type'], actorRef: AnyActorRef): Doing => ({ type, event, actorRef });
const sent = (actor: AnyActorRef): Doing => doing('@xstate.event', actor);
const told = (actor: AnyActorRef): Doing => doing('@xstate.snapshot', actor);

describe('the moment of a snapshot', () => {
  it('is when it was taken, though others that came later are told of before', () => {
    const [moments, outer, inner] = [new Moments(), made(), made()];
    const before = moments.of(sent(outer));
    outer.send(event);
    const between = moments.of(sent(inner));
    inner.send(event);
    const takenLater = moments.of(told(inner));
    const taken = moments.of(told(outer));
    expect([before, taken, between, takenLater]).toEqual(
      [before, taken, between, takenLater].toSorted((a, b) => a - b),
    );
  });

  it('is when it is told of, for one that is taken in the end', () => {
    const [moments, outer, inner] = [new Moments(), made(), made()];
    moments.of(sent(outer));
    moments.of(sent(inner));
    inner.send(event);
    const taken = moments.of(told(inner));
    outer.send(event);
    expect(moments.of(told(outer))).toBeGreaterThan(taken);
  });

  it('is its own for each of the events that waited', () => {
    const [moments, actor] = [new Moments(), made()];
    moments.of(sent(actor));
    const last = moments.of(sent(actor));
    actor.send(event);
    const first = moments.of(told(actor));
    actor.send(event);
    const between = moments.now();
    expect([last, first, moments.of(told(actor))]).toEqual([last, last + 1, between - 1]);
  });

  it('is a new one each time, also for what nobody was seen to send', () => {
    const [moments, actor] = [new Moments(), made()];
    expect([moments.of(told(actor)), moments.now(), moments.of(doing('@xstate.microstep', actor))]).toEqual([1, 2, 3]);
  });

  it('is that of the telling for an actor that was forgotten meanwhile', () => {
    const [moments, actor] = [new Moments(), made()];
    moments.of(sent(actor));
    actor.send(event);
    moments.forget(actor);
    expect(moments.of(told(actor))).toBe(2);
  });
});
