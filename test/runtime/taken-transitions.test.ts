import { describe, expect, it } from 'vitest';
import { createActor, fromTransition, type AnyMachineSnapshot, type AnyStateMachine, type EventObject } from 'xstate';
import { backplaneMachine } from '../../machines/backplane.ts';
import { connectionMachine } from '../../machines/connection.ts';
import { serverMachine } from '../../machines/server.ts';
import { serviceMachine } from '../../machines/service.ts';
import { supervisorMachine } from '../../machines/supervisor.ts';
import { ChartActor } from '../../src/runtime/chart-actor.ts';
import { chartLogic, type ChartHost } from '../../src/runtime/chart-logic.ts';
import { compileChart, type Configuration, type TakenTransition } from '../../src/runtime/compiled-chart.ts';
import { watchInspection } from '../../src/runtime/inspection.ts';
import { reachable, withAnswers, type Answers } from '../support/charts.ts';

interface Host extends ChartHost {
  readonly answers: Answers;
}

const shown = (transitions: readonly TakenTransition[]): string[] =>
  transitions.map(({ source, eventType, target }) => `${source.id} ${eventType} ${target?.map(({ id }) => id).join()}`);

/** The chart with actions that do nothing, and guards that answer as its host says. */
function compile(machine: AnyStateMachine) {
  const { actions, guards } = machine.implementations as { actions: object; guards: object };
  return compileChart<Host, EventObject>(machine, {
    actions: Object.fromEntries(Object.keys(actions).map((name) => [name, () => {}])),
    guards: Object.fromEntries(Object.keys(guards).map((name) => [name, (host: Host) => host.answers[name] ?? false])),
  });
}

/** What XState's own interpreter of a chart whose guards answer by themselves tells inspectors of. */
function takenByXState(oracle: AnyStateMachine, from: AnyMachineSnapshot, event: EventObject) {
  const taken: TakenTransition[] = [];
  const actor = createActor(oracle, {
    snapshot: from.toJSON() as never,
    inspect(inspected) {
      if (inspected.type === '@xstate.microstep' && inspected.event.type !== 'xstate.init') {
        taken.push(...(inspected._transitions as readonly TakenTransition[]));
      }
    },
  }).start();
  actor.send(event);
  return shown(taken);
}

describe.each([
  ['backplane', backplaneMachine],
  ['connection', connectionMachine],
  ['service', serviceMachine],
  ['server', serverMachine],
  ['supervisor', supervisorMachine],
] as const)('the compiled chart of the %s', (_name, machine) => {
  it('knows the transitions that XState takes, for every event in every configuration', () => {
    const chart = compile(machine);
    const configurations = new Map<string, Configuration<Host, EventObject>>();
    const keep = (configuration: Configuration<Host, EventObject>): void => {
      configurations.set(JSON.stringify(configuration.value), configuration);
    };
    keep(chart.initial.next);
    let given: Answers = {};
    const oracle = withAnswers(machine, () => given);
    let compared = 0;
    for (const { key, snapshot, steps } of reachable(machine)) {
      for (const { event, answers } of steps) {
        const step = chart.step(configurations.get(key)!, event, { answers, actionFailed() {} });
        keep(step.next);
        // One answer in a few is enough for the comparison; all of them are walked.
        if (Object.values(answers).every(Boolean) || !Object.values(answers).some(Boolean)) {
          given = answers;
          expect(shown(step.transitions)).toEqual(takenByXState(oracle, snapshot, event));
          compared++;
        }
      }
    }
    expect(compared).toBeGreaterThan(5);
    // Five regions at once make many configurations, each of which asks XState anew.
  }, 60_000);
});

describe('a transition that is told of', () => {
  it('is one of the chart itself, not of the copy that was asked', () => {
    const chart = compile(connectionMachine);
    const host: Host = { answers: {}, actionFailed() {} };
    const { transitions } = chart.step(chart.initial.next, { type: 'socket.closing' }, host);
    const { source } = transitions[0]!;
    const eventType = transitions[0]!.eventType as string;
    expect(connectionMachine.getStateNodeById(source.id).transitions.get(eventType)).toContain(transitions[0]);
  });
});

describe('the actor of a compiled chart', () => {
  const logic = chartLogic(compile(serverMachine));
  const host: Host = { answers: {}, actionFailed() {} };

  it('tells inspectors of the transitions it takes, before the snapshot that they lead to', () => {
    const root = createActor(fromTransition((state: null) => state, null)).start();
    const actor = new ChartActor(logic, { parent: root, id: 'server', src: 'server', input: host }).start();
    const told: unknown[] = [];
    root.system.inspect((event) => {
      if (event.type === '@xstate.microstep') told.push(shown(event._transitions as readonly TakenTransition[]));
      if (event.type === '@xstate.snapshot') told.push((event.snapshot as unknown as { value: unknown }).value);
    });
    actor.deliver({ type: 'listen.requested' });
    actor.deliver({ type: 'nothing.known' });
    expect(told).toEqual([['server.idle listen.requested server.starting'], 'starting', 'starting']);
  });

  it('tells nobody while nobody inspects', () => {
    const root = createActor(fromTransition((state: null) => state, null)).start();
    watchInspection(root.system, false);
    const internals = root.system as unknown as { _sendInspectionEvent(event: object): void };
    const sent: object[] = [];
    internals._sendInspectionEvent = (event) => void sent.push(event);
    const actor = new ChartActor(logic, { parent: root, id: 'server', src: 'server', input: host }).start();
    actor.deliver({ type: 'listen.requested' });
    expect(sent).toEqual([]);
  });
});
