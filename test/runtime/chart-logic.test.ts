import { describe, expect, it } from 'vitest';
import { createActor, fromTransition, setup, type EventObject, type InspectionEvent } from 'xstate';
import { ChartActor, type ChartActorOptions } from '../../src/runtime/chart-actor.ts';
import { chartLogic, type ChartHost } from '../../src/runtime/chart-logic.ts';
import { compileChart } from '../../src/runtime/compiled-chart.ts';
import { relay } from '../support/relay.ts';

const lamp = setup({
  types: {} as { events: { type: 'press' } | { type: 'flicker' } | { type: 'break' }; tags: 'lit' },
  actions: { hum: () => {}, click: () => {}, glow: () => {}, flicker: () => {}, shatter: () => {} },
  guards: { hasPower: () => false },
}).createMachine({
  id: 'lamp',
  entry: 'hum',
  initial: 'off',
  states: {
    off: { on: { press: { guard: 'hasPower', target: 'on', actions: 'click' } } },
    on: {
      tags: 'lit',
      entry: 'glow',
      on: { press: 'off', flicker: { actions: ['flicker', 'click'] }, break: 'broken' },
    },
    broken: { type: 'final', entry: 'shatter' },
  },
});

class Lamp implements ChartHost {
  readonly done: string[] = [];
  readonly changes: string[] = [];
  readonly failures: { error: unknown; action: string }[] = [];
  isWatched = true;
  hasPower = true;
  /** What an action does beside being noted. */
  on: Partial<Record<string, (event: EventObject) => void>> = {};

  act(action: string, event: EventObject): void {
    this.done.push(action);
    this.on[action]?.(event);
  }

  changed({ type }: EventObject): void {
    this.changes.push(type);
  }

  actionFailed(error: unknown, action: string): void {
    this.failures.push({ error, action });
  }

  toJSON(): object {
    return { lamp: true };
  }
}

const actions = ['hum', 'click', 'glow', 'flicker', 'shatter'];
const logic = chartLogic(
  compileChart<Lamp, EventObject>(lamp, {
    actions: Object.fromEntries(
      actions.map((name) => [name, (host: Lamp, event: EventObject) => host.act(name, event)]),
    ),
    guards: { hasPower: (host) => host.hasPower },
  }),
);

/** What a parent sends to a child that it stops. */
const STOP = { type: 'xstate.stop' };

/** Both ways to make an actor of a chart. */
const forms = {
  'that XState makes': (options: ChartActorOptions<Lamp>) => createActor(logic, options),
  'that the runtime makes': (options: ChartActorOptions<Lamp>) => new ChartActor(logic, options),
};

describe.each(Object.entries(forms))('an actor %s of a compiled chart', (_form, create) => {
  function newLamp(inspect?: (event: InspectionEvent) => void) {
    const host = new Lamp();
    const heard: EventObject[] = [];
    const root = createActor(
      fromTransition((state: null, event: EventObject) => {
        heard.push(event);
        return state;
      }, null),
      inspect === undefined ? {} : { inspect },
    ).start();
    const actor = create({ parent: root, id: 'lamp', src: 'lamp', input: host });
    return { host, actor, root, heard };
  }

  function litLamp() {
    const made = newLamp();
    made.actor.start();
    made.actor.send({ type: 'press' });
    made.host.done.length = 0;
    return made;
  }

  it('has its initial state before it starts, and acts when it starts', () => {
    const { actor, host } = newLamp();
    expect(actor.getSnapshot().value).toBe('off');
    expect(host.done).toEqual([]);
    actor.start();
    expect(host.done).toEqual(['hum']);
  });

  it('takes transitions, with the actions in the order of the chart', () => {
    const { actor, host } = newLamp();
    actor.start();
    actor.send({ type: 'press' });
    expect(actor.getSnapshot().value).toBe('on');
    expect(host.done).toEqual(['hum', 'click', 'glow']);
  });

  it('asks its own host for the answers of guards', () => {
    const [one, other] = [newLamp(), newLamp()];
    other.host.hasPower = false;
    for (const { actor } of [one, other]) {
      actor.start();
      actor.send({ type: 'press' });
    }
    expect(one.actor.getSnapshot().value).toBe('on');
    expect(other.actor.getSnapshot().value).toBe('off');
  });

  it('has a snapshot that reads like that of a machine', () => {
    const { actor, host } = litLamp();
    const snapshot = actor.getSnapshot();
    expect(snapshot.status).toBe('active');
    expect(snapshot.context).toBe(host);
    expect(snapshot.matches('on')).toBe(true);
    expect(snapshot.matches('off')).toBe(false);
    expect(snapshot.hasTag('lit')).toBe(true);
    expect([...snapshot.tags]).toEqual(['lit']);
    expect([snapshot.output, snapshot.error]).toEqual([undefined, undefined]);
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual({
      status: 'active',
      value: 'on',
      tags: ['lit'],
      context: { lamp: true },
    });
    expect(actor.getPersistedSnapshot()).toBe(snapshot);
  });

  it('keeps its snapshot when the active states stay the same', () => {
    const { actor, host } = litLamp();
    const before = actor.getSnapshot();
    actor.send({ type: 'flicker' });
    expect(host.done).toEqual(['flicker', 'click']);
    expect(actor.getSnapshot()).toBe(before);
    actor.send({ type: 'never heard of' });
    expect(actor.getSnapshot()).toBe(before);
  });

  it('is in the new state when its actions run', () => {
    const { actor, host } = newLamp();
    const seen: unknown[] = [];
    host.on['click'] = () => seen.push(actor.getSnapshot().value);
    actor.start();
    actor.send({ type: 'press' });
    expect(seen).toEqual(['on']);
  });

  it('handles what an action sends to it after the other actions', () => {
    const { actor, host } = newLamp();
    host.on['click'] = () => actor.send({ type: 'press' });
    actor.start();
    actor.send({ type: 'press' });
    expect(host.done).toEqual(['hum', 'click', 'glow']);
    expect(actor.getSnapshot().value).toBe('off');
  });

  it('handles what its first action sends to it', () => {
    const { actor, host } = newLamp();
    host.on['hum'] = () => actor.send({ type: 'press' });
    actor.start();
    expect(actor.getSnapshot().value).toBe('on');
    expect(host.done).toEqual(['hum', 'click', 'glow']);
  });

  it('hands the event to its actions', () => {
    const { actor, host } = litLamp();
    const event = { type: 'flicker', strength: 3 };
    const seen: EventObject[] = [];
    host.on['flicker'] = (one) => seen.push(one);
    actor.send(event);
    expect(seen).toEqual([event]);
    expect(seen[0]).toBe(event);
  });

  it('reports an action that throws and runs the ones behind it', () => {
    const { actor, host } = litLamp();
    const error = new Error('no bulb');
    host.on['flicker'] = () => {
      throw error;
    };
    actor.send({ type: 'flicker' });
    expect(host.failures).toEqual([{ error, action: 'flicker' }]);
    expect(host.done).toEqual(['flicker', 'click']);
    actor.send({ type: 'press' });
    expect(actor.getSnapshot().value).toBe('off');
  });

  it('reports a first action that throws', () => {
    const { actor, host } = newLamp();
    host.on['hum'] = () => {
      throw new Error('hums badly');
    };
    actor.start();
    expect(host.failures.map(({ action }) => action)).toEqual(['hum']);
    expect(actor.getSnapshot().status).toBe('active');
  });

  it('tells a watched host of changes, with the event that led to them', () => {
    const { actor, host } = newLamp();
    actor.start();
    actor.send({ type: 'press' });
    actor.send({ type: 'flicker' });
    host.isWatched = false;
    actor.send({ type: 'press' });
    expect(host.changes).toEqual(['press']);
  });

  it('tells of a change before its actions run, and after the state has changed', () => {
    const { actor, host } = newLamp();
    const order: unknown[] = [];
    host.changed = () => order.push(['changed', actor.getSnapshot().value]);
    host.on['click'] = () => order.push(['click', actor.getSnapshot().value]);
    actor.start();
    actor.send({ type: 'press' });
    expect(order).toEqual([
      ['changed', 'on'],
      ['click', 'on'],
    ]);
  });

  it.each(['xstate.error.actor.child', 'xstate.done.actor.child', 'xstate.init', 'xstate.route'])(
    'takes no notice of %s',
    (type) => {
      const { actor, host } = litLamp();
      const before = actor.getSnapshot();
      relay(actor, { type, error: new Error('below') } as EventObject);
      expect(actor.getSnapshot()).toBe(before);
      expect(host.done).toEqual([]);
    },
  );

  it('outlives a child that fails', () => {
    const { actor } = litLamp();
    const child = createActor(
      fromTransition(() => {
        throw new Error('child');
      }, null),
      { parent: actor, id: 'child' },
    );
    child.subscribe({ error: () => {} });
    child.start();
    child.send({ type: 'x' });
    expect(actor.getSnapshot().status).toBe('active');
    expect(actor.getSnapshot().value).toBe('on');
  });

  it('is done in a final state, after its last actions, and its parent hears of it', () => {
    const { actor, host, heard } = litLamp();
    let completed = 0;
    actor.subscribe({ complete: () => completed++ });
    actor.send({ type: 'break' });
    expect(actor.getSnapshot().status).toBe('done');
    expect(host.done).toEqual(['shatter']);
    expect(completed).toBe(1);
    expect(heard.map(({ type }) => type)).toEqual(['xstate.done.actor.lamp']);
    actor.send({ type: 'press' });
    expect(actor.getSnapshot().value).toBe('broken');
    expect(host.done).toEqual(['shatter']);
  });

  it('stops without acting', () => {
    const { actor, host } = newLamp();
    actor.start();
    let completed = 0;
    actor.subscribe({ complete: () => completed++ });
    host.done.length = 0;
    relay(actor, STOP);
    expect(actor.getSnapshot().status).toBe('stopped');
    expect(actor.getSnapshot().value).toBe('off');
    expect(completed).toBe(1);
    expect(host.done).toEqual([]);
  });

  it('shows inspectors the definition of its chart', () => {
    const definitions: unknown[] = [];
    newLamp((event) => {
      if (event.type === '@xstate.actor') {
        const { logic: shown } = event.actorRef as unknown as { logic: { config?: unknown } };
        definitions.push(shown.config);
      }
    });
    expect(definitions[1]).toBe(lamp.config);
  });

  it('notifies subscribers of every event, as any actor does', () => {
    const { actor } = litLamp();
    const values: unknown[] = [];
    actor.subscribe((snapshot) => values.push(snapshot.value));
    actor.send({ type: 'flicker' });
    actor.send({ type: 'press' });
    expect(values).toEqual(['on', 'off']);
  });
});
