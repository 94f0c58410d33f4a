import { describe, expect, it } from 'vitest';
import { createActor, fromTransition } from 'xstate';
import { inspectionOf, watchInspection } from '../../src/runtime/inspection.ts';

const newSystem = () => createActor(fromTransition((state: null) => state, null)).system;

describe('the inspection of a system', () => {
  it('counts as on where nobody watches over it, so that no inspector misses anything', () => {
    expect(inspectionOf(newSystem()).isOn).toBe(true);
  });

  it('is on while there is an inspector, and off when the last one has gone', () => {
    const system = newSystem();
    watchInspection(system, false);
    const inspection = inspectionOf(system);
    expect(inspection.isOn).toBe(false);
    const [one, other] = [system.inspect(() => {}), system.inspect(() => {})];
    one.unsubscribe();
    expect(inspection.isOn).toBe(true);
    one.unsubscribe();
    expect(inspection.isOn).toBe(true);
    other.unsubscribe();
    expect(inspection.isOn).toBe(false);
  });

  it('stays on for good in a system that was made with an inspector', () => {
    const system = newSystem();
    watchInspection(system, true);
    system.inspect(() => {}).unsubscribe();
    expect(inspectionOf(system).isOn).toBe(true);
  });

  it('hands on what happens, until the inspector has gone', () => {
    const root = createActor(fromTransition((state: null) => state, null));
    watchInspection(root.system, false);
    const seen: string[] = [];
    const subscription = root.system.inspect(({ type }) => void seen.push(type));
    root.start();
    subscription.unsubscribe();
    root.send({ type: 'x' });
    expect(seen).toEqual(['@xstate.event', '@xstate.snapshot']);
  });
});
