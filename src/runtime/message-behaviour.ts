/**
 * Puts declared messages between a connection and the code of its service, whatever its form.
 *
 * A text frame is decoded in the service's turn: one at a time and in order, also when a schema takes its time. What
 * fails goes no further. What a handler returns is the reply to a request; what it throws is a refusal when the service
 * declares it as one, and a failure of the connection otherwise.
 */
import { getNextTransitions, type AnyActorRef, type AnyMachineSnapshot } from 'xstate';
import type { Connection } from '../service/connection.ts';
import { describes, type ServiceEvent } from '../service/events.ts';
import type { Accepted, Decoded, MessageCodec } from '../service/message-codec.ts';
import type { AnyMessages } from '../service/message-types.ts';
import { codecOf, MessageRefusal } from '../service/messages.ts';
import { isThenable } from '../thenable.ts';
import { createBehaviour, type Performer, type PerformHow, type RunnableBehaviour } from './behaviour.ts';
import type { Behaviour } from '../service/definition.ts';
import { describeUnaccepted, FAILED } from './message-errors.ts';
import type { MessagingConnection } from './messaging-connection.ts';
import type { Turns } from './turns.ts';

/** Makes the behaviour of a service with declared messages runnable. */
export function createMessageBehaviour(behaviour: Behaviour, messages: AnyMessages, turns: Turns): RunnableBehaviour {
  const codec = codecOf(messages);
  const types = [
    ...[...codec.incomingTypes].map(eventOf),
    ...codec.requestTypes.flatMap((type) => [`reply.${type}`, `unanswered.${type}`]),
  ];
  const inner = createBehaviour(behaviour, types);
  const answersUnaccepted = messages.declarations.onUnacceptedMessage === 'reply';
  return {
    handles: new Set([...inner.handles, 'ws.text', 'ws.reply']),
    perform: (seat, how) =>
      new MessagePerformer(inner.perform(seat, how), seat.connection as MessagingConnection, {
        codec,
        turns,
        isMachine: behaviour.form === 'machine',
        answersUnaccepted,
      }),
  };
}

function eventOf(type: string): string {
  return `message.${type}`;
}

interface Setting {
  readonly codec: MessageCodec;
  readonly turns: Turns;
  readonly isMachine: boolean;
  readonly answersUnaccepted: boolean;
}

class MessagePerformer implements Performer {
  readonly actor?: AnyActorRef;
  readonly #inner: Performer;
  readonly #connection: MessagingConnection;
  readonly #setting: Setting;
  /** The service knows of the end, or has failed: a schema that has taken longer than that hands over nothing more. */
  #isOver = false;

  constructor(inner: Performer, connection: MessagingConnection, setting: Setting) {
    this.#inner = inner;
    this.#connection = connection;
    this.#setting = setting;
    if (inner.actor !== undefined) this.actor = inner.actor;
  }

  receive(connection: Connection, event: ServiceEvent): unknown {
    switch (event.type) {
      case 'ws.text': {
        const decoded = this.#setting.codec.decode(event.text);
        if (!isThenable(decoded)) return this.#take(decoded);
        return Promise.resolve(decoded).then((later) => this.#setting.turns.during(() => this.#take(later)));
      }
      case 'ws.reply': {
        const { request, life, data, error } = event;
        // The machine that asked is no more, and its successor knows nothing of it.
        if (life !== this.#connection.life) return undefined;
        const told =
          error === undefined ? { type: `reply.${request}`, data } : { type: `unanswered.${request}`, error };
        return this.#inner.receive(connection, told as ServiceEvent);
      }
      case 'ws.close':
        this.#isOver = true;
        return this.#inner.receive(connection, event);
      default:
        return this.#inner.receive(connection, event);
    }
  }

  state(): unknown {
    return this.#inner.state?.();
  }

  halt(how: { readonly isKept: boolean }): void {
    this.#isOver = true;
    this.#inner.halt?.(how);
  }

  get isKept(): boolean | undefined {
    return this.#inner.isKept;
  }

  resumed(how?: PerformHow): Performer {
    return new MessagePerformer(this.#inner.resumed?.(how) ?? this.#inner, this.#connection, this.#setting);
  }

  stop(): void {
    this.#inner.stop?.();
  }

  #take(decoded: Decoded): unknown {
    if (!decoded.isAccepted && decoded.failure !== undefined) {
      const { type, request, failure } = decoded;
      if (request !== undefined && !this.#isOver) {
        this.#connection.sendError({ ...FAILED, ...(type !== undefined && { of: type }) }, request);
      }
      throw failure.error;
    }
    if (this.#isOver) return undefined;
    if (!decoded.isAccepted) {
      this.#connection.reject(decoded);
      return undefined;
    }
    return this.#setting.isMachine ? this.#tellMachine(decoded) : this.#callHandler(decoded);
  }

  #callHandler(accepted: Accepted): unknown {
    let result: unknown;
    try {
      result = this.#inner.receive(this.#connection, { type: 'ws.message', message: accepted.message });
    } catch (error) {
      return this.#failed(accepted, error);
    }
    if (!isThenable(result)) return this.#answer(accepted, result);
    return Promise.resolve(result).then(
      (later) => this.#answer(accepted, later),
      (error: unknown) => this.#failed(accepted, error),
    );
  }

  #answer(accepted: Accepted, result: unknown): void {
    if (accepted.request === undefined) return;
    try {
      this.#connection.reply(result, accepted.request);
    } catch (error) {
      this.#failed(accepted, error);
    }
  }

  /** A refusal is an answer; anything else is thrown on, and the client of a request learns that it failed. */
  #failed({ type, request }: Accepted, error: unknown): void {
    if (error instanceof MessageRefusal) {
      const message = this.#setting.codec.refusalText(error.code);
      if (message !== undefined) {
        this.#connection.sendError({ code: error.code, message, of: type }, request);
        return;
      }
    }
    if (request !== undefined) this.#connection.sendError({ ...FAILED, of: type }, request);
    throw error;
  }

  /** A machine replies by an action, at once or later. */
  #tellMachine(accepted: Accepted): void {
    const { type, message, request } = accepted;
    const event = { type: eventOf(type), message, ...(request && { request }) };
    const connection = this.#connection;
    // Whatever fails from here on fails for this request, and leaves it to the connection, which answers it once.
    connection.handled = request;
    const snapshot = this.actor?.getSnapshot() as AnyMachineSnapshot;
    if (this.#setting.answersUnaccepted && snapshot.status === 'active' && !snapshot.can(event)) {
      const types = [...this.#setting.codec.incomingTypes];
      connection.reject(
        { isAccepted: false, reason: 'not-accepted', type, ...(request && { request }) },
        describeUnaccepted(type, snapshot.value, acceptableIn(snapshot, types)),
      );
    } else {
      this.#inner.receive(connection, event as unknown as ServiceEvent);
    }
    connection.handled = undefined;
  }
}

/** The types for which the active states have a transition, read off the machine; what guards say is not asked. */
function acceptableIn(snapshot: AnyMachineSnapshot, types: readonly string[]): readonly string[] {
  const descriptors = getNextTransitions(snapshot)
    .filter(({ target, actions }) => target !== undefined || actions.length > 0)
    .map(({ eventType }) => eventType as string);
  return types.filter((type) => descriptors.some((descriptor) => describes(descriptor, eventOf(type))));
}
