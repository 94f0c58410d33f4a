/**
 * A service's own machine: an XState actor for each connection, in the system of
 * the runtime and beneath its connection. Its events are carried out by plans
 * that XState has made, see `planned-machine.ts`.
 */
import { Actor, createActor, type AnyStateMachine, type Observer } from 'xstate';
import type { WsEventType } from '../service/events.ts';
import { bindToConnection } from '../service/machine.ts';
import { stopDescendants } from './isolation.ts';
import { planMachine } from './planned-machine.ts';
import type { Performer, RunnableBehaviour, Seat } from './behaviour.ts';

const everyType: readonly WsEventType[] = [
  'ws.open',
  'ws.text',
  'ws.binary',
  'ws.close',
  'ws.error',
  'ws.idle',
  'ws.replaced',
  'ws.draining',
];

export function createMachineBehaviour(machine: AnyStateMachine): RunnableBehaviour {
  planMachine(machine, everyType);
  const descriptors = machine.events as readonly string[];
  const handles = new Set(everyType.filter((type) => descriptors.some((descriptor) => describes(descriptor, type))));
  // A message that no state of the machine handles now is XState's to ignore; a kind that none ever handles is ours.
  return { handles, perform: (seat) => new MachinePerformer(machine, seat) };
}

class MachinePerformer implements Performer {
  readonly #actor;
  readonly #seat: Seat;

  constructor(machine: AnyStateMachine, seat: Seat) {
    this.#seat = seat;
    this.#actor = createActor(machine, {
      parent: seat.actor,
      id: 'service',
      src: machine.id,
      input: { connection: seat.connection.info() },
    });
    bindToConnection(this.#actor, seat.connection);
    // The actor's own `subscribe` is made for user code, and costs each connection 0.5 KB more (see `isolation.ts`).
    (Actor.prototype.subscribe as (observer: Observer<unknown>) => unknown).call(this.#actor, this);
    this.#actor.start();
  }

  error(error: unknown): void {
    this.#seat.failed(error, 'machine');
  }

  complete(): void {
    this.#seat.finished();
  }

  receive(_connection: unknown, event: { type: string }): void {
    if (this.#actor.getSnapshot().status === 'active') this.#actor.send(event);
  }

  state(): unknown {
    return this.#actor.getSnapshot().value;
  }

  stop(): void {
    if (this.#actor.getSnapshot().status === 'error') stopDescendants(this.#actor);
    else this.#seat.stopChild(this.#actor);
  }
}

/** Whether an event descriptor of XState (`ws.text`, `ws.*`, `*`) matches `type`. */
function describes(descriptor: string, type: string): boolean {
  if (descriptor === type || descriptor === '*') return true;
  return descriptor.endsWith('.*') && type.startsWith(descriptor.slice(0, -1));
}
