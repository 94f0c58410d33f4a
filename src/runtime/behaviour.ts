/**
 * The three forms of a service, behind one face.
 *
 * A connection hands each event to the {@link Performer} that its service made
 * for it and waits until it has settled. Handlers share one performer for all
 * connections, an annotated class has an instance for each, and a machine is an
 * XState actor for each, beneath its connection.
 */
import type { Connection } from '../service/connection.ts';
import { handlerNames, type Behaviour, type HandlerName } from '../service/definition.ts';
import type { ServiceEvent, WsEventType } from '../service/events.ts';
import type { ServiceMachineInput } from '../service/machine.ts';
import { createMachineBehaviour } from './machine-behaviour.ts';
import type { AnyActorRef, Snapshot } from 'xstate';

/** Handles the events of one connection. */
export interface Performer {
  /** Handles `event`; may throw, and may return a promise that settles when it is done. */
  receive(connection: Connection, event: ServiceEvent): unknown;
  /** The active states of the service's machine, if it has one. */
  state?(): unknown;
  /** The actor of the service's machine, if it has one. */
  readonly actor?: AnyActorRef;
  /** Nothing will be received any more. */
  stop?(): void;
  /** It has failed and another one takes its place: nothing of it acts any more. What it was may be kept for that one. */
  halt?(how: { readonly isKept: boolean }): void;
  /** Whether it could keep what it was. Without it, it goes on as it is. */
  readonly isKept?: boolean | undefined;
  /** What goes on from what was kept. May throw: user code runs. */
  resumed?(how?: PerformHow): Performer;
}

/** How the actor of a machine is made, where it is not as usual. */
export interface PerformHow {
  /** Is given the actor before it starts. */
  readonly prepare?: (actor: AnyActorRef) => void;
  /** What the machine goes on from. */
  readonly snapshot?: Snapshot<unknown>;
}

/** What a machine's actor is started beneath, and whom it tells of its end. */
export interface Seat {
  readonly connection: Connection;
  /** What the machine starts with. */
  readonly machineInput: ServiceMachineInput;
  readonly actor: AnyActorRef;
  stopChild(child: AnyActorRef): void;
  /** The machine failed, or something that it started. */
  failed(error: unknown, during: string): void;
  /** The machine reached a final state. */
  finished(): void;
}

/** A service's behaviour, ready to be run. */
export interface RunnableBehaviour {
  /** The kinds of events it handles. */
  readonly handles: ReadonlySet<WsEventType>;
  /** Makes what handles the events of one connection. May throw: user code runs. */
  perform(seat: Seat, how?: PerformHow): Performer;
}

const eventTypes: Readonly<Record<HandlerName, WsEventType>> = {
  onOpen: 'ws.open',
  onTextMessage: 'ws.text',
  onBinaryMessage: 'ws.binary',
  onMessage: 'ws.message',
  onClose: 'ws.close',
  onError: 'ws.error',
  onIdle: 'ws.idle',
  onReplaced: 'ws.replaced',
  onDraining: 'ws.draining',
  onAuthExpiring: 'ws.auth.expiring',
  onAuthRenewed: 'ws.auth.renewed',
};

const handlerOf = Object.fromEntries(Object.entries(eventTypes).map(([handler, type]) => [type, handler])) as Readonly<
  Record<WsEventType, HandlerName>
>;

type Callable = (connection: Connection, payload: unknown) => unknown;

/** Makes a behaviour runnable. `types` are those of events that a machine gets beside the ones it names. */
export function createBehaviour(behaviour: Behaviour, types?: readonly string[]): RunnableBehaviour {
  switch (behaviour.form) {
    case 'handlers': {
      const handlers = behaviour.handlers as Partial<Record<HandlerName, Callable>>;
      const performer: Performer = {
        receive: (connection, event) => handlers[handlerOf[event.type]]?.(connection, payloadOf(event)),
      };
      return { handles: handledTypes((name) => handlers[name] !== undefined), perform: () => performer };
    }
    case 'class': {
      const { construct: Construct, methods } = behaviour;
      return {
        handles: handledTypes((name) => methods.has(name)),
        perform() {
          const instance = new Construct() as Record<string | symbol, Callable>;
          return {
            receive(connection, event) {
              const method = methods.get(handlerOf[event.type]);
              return method === undefined ? undefined : instance[method]!(connection, payloadOf(event));
            },
          };
        },
      };
    }
    case 'machine':
      return createMachineBehaviour(behaviour.machine, types);
  }
}

function handledTypes(handles: (name: HandlerName) => boolean): ReadonlySet<WsEventType> {
  return new Set(handlerNames.filter(handles).map((name) => eventTypes[name]));
}

/** What a handler gets beside the connection. */
function payloadOf(event: ServiceEvent): unknown {
  switch (event.type) {
    case 'ws.text':
      return event.text;
    case 'ws.binary':
      return event.data;
    case 'ws.message':
      return event.message;
    case 'ws.close':
      return { code: event.code, reason: event.reason };
    case 'ws.error':
      return event.error;
    case 'ws.replaced':
      return { name: event.name };
    case 'ws.auth.expiring':
      return { expiresAt: event.expiresAt };
    case 'ws.auth.renewed':
      return { auth: event.auth, expiresAt: event.expiresAt };
    default:
      return undefined;
  }
}
