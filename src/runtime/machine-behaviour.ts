/**
 * A service's own machine: an XState actor for each connection, in the system of
 * the runtime and beneath its connection. Its events are carried out by plans
 * that XState has made, see `planned-machine.ts`.
 */
import { createActor, type AnyStateMachine, type EventObject, type Observer, type Snapshot } from 'xstate';
import { describes, wsEventTypes } from '../service/events.ts';
import { bindToConnection, releaseFromConnection } from '../service/bound-connection.ts';
import { inspectionOf, type Inspection } from './inspection.ts';
import { stopDescendants } from './isolation.ts';
import { createMachineActor } from './machine-actor.ts';
import { beginDelays, lastGoodSnapshot } from './machine-snapshot.ts';
import { planMachine } from './planned-machine.ts';
import type { Performer, PerformHow, RunnableBehaviour, Seat } from './behaviour.ts';

export function createMachineBehaviour(machine: AnyStateMachine, types: readonly string[] = []): RunnableBehaviour {
  planMachine(machine, [...wsEventTypes, ...types]);
  const descriptors = machine.events as readonly string[];
  const handles = new Set(wsEventTypes.filter((type) => descriptors.some((descriptor) => describes(descriptor, type))));
  // A message that no state of the machine handles now is XState's to ignore; a kind that none ever handles is ours.
  return { handles, perform: (seat, how) => new MachinePerformer(machine, seat, how) };
}

/** The internals of XState's `Actor` that are touched here, for what a connection and a message cost. */
interface ActorInternals {
  _send(event: EventObject): void;
  readonly observers: Set<Pick<Observer<unknown>, 'error' | 'complete'>>;
}

interface RelayingSystem {
  _relay(source: unknown, target: unknown, event: EventObject): void;
}

/** What those have kept that are halted: no place of its own in each, as few ever are. */
const halted = new WeakMap<MachinePerformer, Snapshot<unknown> | undefined>();

class MachinePerformer implements Performer {
  readonly actor;
  readonly #seat: Seat;
  readonly #inspection: Inspection;

  constructor(machine: AnyStateMachine, seat: Seat, how?: PerformHow) {
    const snapshot = how?.snapshot;
    this.#seat = seat;
    this.#inspection = inspectionOf(seat.actor.system);
    const options = { parent: seat.actor, id: 'service', src: machine.id, input: seat.machineInput };
    this.actor =
      snapshot === undefined ? createMachineActor(machine, options) : createActor(machine, { ...options, snapshot });
    bindToConnection(this.actor, seat.connection);
    // As by `subscribe`, which makes three objects for an observer.
    this.#internals.observers.add(this);
    how?.prepare?.(this.actor);
    this.actor.start();
    if (snapshot !== undefined && this.actor.getSnapshot().status === 'active') this.#beginDelays();
  }

  /** Nobody knows it yet: if it fails here, nobody else stops it. */
  #beginDelays(): void {
    try {
      beginDelays(this.#machine, this.actor);
    } catch (error) {
      this.halt({ isKept: false });
      throw error;
    }
  }

  /** What XState calls when the machine fails, without `this`. */
  get error(): (error: unknown) => void {
    return (error) => {
      if (!halted.has(this)) this.#seat.failed(error, 'machine');
    };
  }

  /** What XState calls when the machine has come to its end. */
  complete(): void {
    if (!halted.has(this)) this.#seat.finished();
  }

  receive(_connection: unknown, event: EventObject): void {
    if (this.actor.getSnapshot().status !== 'active') return;
    // What `send` does beside is to tell inspectors, and that nobody is the sender: it is the connection.
    if (this.#inspection.watches(this.actor)) {
      (this.actor.system as unknown as RelayingSystem)._relay(this.#seat.actor, this.actor, event);
    } else {
      this.#internals._send(event);
    }
  }

  get #machine(): AnyStateMachine {
    return this.actor.logic as AnyStateMachine;
  }

  get #internals(): ActorInternals {
    return this.actor as unknown as ActorInternals;
  }

  state(): unknown {
    return this.actor.getSnapshot().value;
  }

  halt({ isKept }: { readonly isKept: boolean }): void {
    // Before it is stopped, which its actors notice.
    halted.set(this, isKept ? lastGoodSnapshot(this.#machine, this.actor) : undefined);
    releaseFromConnection(this.actor);
    this.stop();
  }

  get isKept(): boolean {
    return halted.get(this) !== undefined;
  }

  resumed(how?: PerformHow): MachinePerformer {
    const snapshot = halted.get(this);
    return new MachinePerformer(this.#machine, this.#seat, snapshot === undefined ? how : { ...how, snapshot });
  }

  stop(): void {
    if (this.actor.getSnapshot().status === 'error') stopDescendants(this.actor);
    else this.#seat.stopChild(this.actor);
  }
}
