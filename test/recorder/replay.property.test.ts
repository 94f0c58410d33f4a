import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createActor, fromTransition, SimulatedClock } from 'xstate';
import { defineService, replayRecording, type ServiceDefinition } from 'troupe';
import { FlightRecorder } from '../../src/recorder/flight-recorder.ts';
import { stillTransport } from '../../src/recorder/stage.ts';
import { assembleTroupe } from '../../src/troupe.ts';
import {
  eventTypes,
  machineSpec,
  type ActionSpec,
  type MachineSpec,
  type StateSpec,
  type TransitionSpec,
} from '../support/generated-machine-specs.ts';
import { buildMachine, type GeneratedEvent } from '../support/generated-machines.ts';

interface Stimulus {
  readonly event: GeneratedEvent;
  readonly waitMs: number;
}

const stimulus: fc.Arbitrary<Stimulus> = fc.record({
  event: fc.record({ type: fc.constantFrom(...eventTypes), v: fc.nat({ max: 3 }) }),
  waitMs: fc.constantFrom(0, 0, 0, 10),
});
const run = fc
  .record({
    spec: machineSpec,
    stimuli: fc.array(stimulus, { minLength: 4, maxLength: 20, size: 'max' }),
    events: fc.constantFrom(3, 10_000),
  })
  .map(({ spec, ...rest }) => ({ ...rest, spec: { ...spec, root: repeatable(spec.root, spec.isOdd) } }));

/**
 * What can be replayed. Two targets may lead into both states of a choice: of that XState writes down one, and nothing of
 * a history that is empty. And what a
 * machine sends to itself may be overtaken by an actor that it starts in the same step, which in a replay it is not.
 */
function repeatable(state: StateSpec, isOdd: boolean): StateSpec {
  const left = isOdd ? ['log', 'sendSelf', 'leak'] : ['log'];
  const acting = (actions: readonly ActionSpec[]): readonly ActionSpec[] =>
    actions.filter(({ kind }) => !left.includes(kind));
  const single = (one: TransitionSpec): TransitionSpec => ({
    ...one,
    targets: one.targets.slice(0, 1),
    actions: acting(one.actions),
  });
  return {
    ...state,
    kind: state.kind === 'shallow' || state.kind === 'deep' ? 'atomic' : state.kind,
    entry: acting(state.entry),
    exit: acting(state.exit),
    on: state.on.map(([type, transitions]) => [type, transitions.map(single)] as const),
    always: state.always && single(state.always),
    after: state.after && single(state.after),
    onDone: state.onDone && single(state.onDone),
    children: state.children.map((child) => repeatable(child, isOdd)),
  };
}

/** The service with that machine, made anew. */
function serviceOf(spec: MachineSpec, events: number): ServiceDefinition {
  const sink = createActor(fromTransition((state: object) => state, {})).start();
  // What a journal counts is remembered outside of the machine: nothing of it may matter when the beginning is forgotten.
  const counts = events < 100 ? { sends: 0, asked: NaN } : { sends: 12, asked: 0 };
  const machine = buildMachine(spec, { entries: [], ...counts }, sink);
  return defineService({
    basePath: '/random',
    recorder: { events, maxBytes: 2 ** 24, maxValueBytes: 2 ** 20 },
    machine,
  });
}

/** A recording of what the service does with that. */
function record(service: ServiceDefinition, stimuli: readonly Stimulus[]): string {
  const clock = new SimulatedClock();
  const { troupe, supervisor } = assembleTroupe(
    { clock, services: [service] },
    { createTransport: () => stillTransport as never, createRecorder: FlightRecorder.of },
  );
  troupe.on('connection.crashed', () => {});
  troupe.on('callback.failed', () => {});
  const live = supervisor.expect(service.name);
  live.accept({ url: '/random', params: {}, remoteAddress: '', isSecure: false, request: {} } as never);
  const [connection] = [...live.members, ...live.leaving];
  for (const { event, waitMs } of stimuli) {
    connection?.performer?.actor?.send(event);
    clock.increment(waitMs);
  }
  return connection!.recording!().text;
}

describe('a random machine', () => {
  it('is replayed to the same states, however much of its life is left', async () => {
    await fc.assert(
      fc.asyncProperty(run, async ({ spec, stimuli, events }) => {
        let service;
        try {
          service = serviceOf(spec, events);
        } catch {
          return;
        }
        const recording = record(service, stimuli);
        const report = await replayRecording(recording, [serviceOf(spec, events)]);
        expect(report.difference).toBeUndefined();
      }),
      { numRuns: 50 },
    );
  });
});
