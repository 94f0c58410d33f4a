/**
 * Services as state machines.
 *
 * `serviceSetup()` is XState's `setup()` with the events of a connection and
 * with every function of a connection as an action. An action is a plain object,
 * `{ type: 'pushText', params: { text: 'hi' } }`, so that the machine can be
 * drawn, stored and model-checked, and a test can see what it wants to do
 * without a connection.
 */
import { setup, type AnyActorLogic, type AnyStateMachine, type EventObject, type MachineContext } from 'xstate';
import { connectionOf, type Acting } from './bound-connection.ts';
import type { Connection, ConnectionInfo, Except, PushOptions } from './connection.ts';
import type { WsEvent } from './events.ts';
import { messageActions, type MessageActions } from './message-actions.ts';
import { checkParams, ownActions } from './own-actions.ts';
import type { AnyMessages, MessageAgreement, MessageEvent } from './message-types.ts';
import type { Shared } from './shared.ts';
import { toSharedActions, type ToSharedActions } from './shared-actions.ts';

/** Of types only: nothing has this key. */
declare const agreement: unique symbol;

/**
 * The input of a service's machine.
 *
 * Beside the connection: `auth`, what `authenticate` of the service found out; `params`, the parameters of the path, or
 * what the schema `params` made of them; `query`, what the schema `query` made of that; `shared`, the shared state of the
 * service. Of what the machine does not ask by a type, it may be started without. `Messages` is a type alone: the
 * messages that the machine was made for, so that no other service takes it.
 */
export type ServiceMachineInput<
  Auth = unknown,
  Params = unknown,
  Query = unknown,
  SharedState = unknown,
  Messages = unknown,
> = {
  readonly connection: ConnectionInfo;
} & Asked<'auth', Auth> &
  Asked<'params', Params> &
  Asked<'query', Query> &
  Asked<'shared', SharedState> &
  Agreed<Messages>;

type Agreed<Messages> = unknown extends Messages
  ? unknown
  : { readonly [agreement]?: Messages extends AnyMessages ? MessageAgreement<Messages> : 'no messages' };

type Asked<Name extends string, Value> = unknown extends Value
  ? { readonly [Key in Name]?: unknown }
  : { readonly [Key in Name]: Value };

/** What a machine expects of its service; what it does not name may be anything. */
export interface MachineExpectations {
  /** What `authenticate` finds out. */
  readonly auth?: unknown;
  /** The parameters of the path, or what the schema `params` makes of them. */
  readonly params?: unknown;
  /** What the schema `query` makes of the query. */
  readonly query?: unknown;
  /** The messages that the service declares. */
  readonly messages?: AnyMessages;
  /** The logic of the shared state of the service, `typeof board` for example: `input.shared` is a reference to it. */
  readonly shared?: AnyActorLogic;
}

type Expected<Expectations, Name extends keyof MachineExpectations> =
  Expectations extends Readonly<Record<Name, infer Value>> ? Value : unknown;

/** The input that a machine with these expectations gets. */
type InputOf<Expectations> = ServiceMachineInput<
  Expected<Expectations, 'auth'>,
  Expected<Expectations, 'params'>,
  Expected<Expectations, 'query'>,
  Expectations extends { readonly shared: infer Logic extends AnyActorLogic } ? Shared<Logic> : unknown,
  Expected<Expectations, 'messages'>
>;

type MessagesOf<Expectations> = Expectations extends { readonly messages: infer M extends AnyMessages } ? M : undefined;
type SharedLogicOf<Expectations> = Expectations extends { readonly shared: infer Logic extends AnyActorLogic }
  ? Logic
  : undefined;
type MessageEventsOf<Expectations> = Expectations extends { readonly messages: infer M extends AnyMessages }
  ? MessageEvent<M>
  : never;

/** @internal Whether `value` is a state machine; not by `instanceof`, as a program may have its own copy of XState. */
export function isMachine(value: unknown): value is AnyStateMachine {
  return (
    typeof value === 'object' &&
    value !== null &&
    'implementations' in value &&
    'root' in value &&
    'provide' in value &&
    typeof value.provide === 'function'
  );
}

/** What the parameters of an action say of a push; an absent key is no key. */
interface Keyed {
  readonly key?: string;
}

interface Spread extends Keyed {
  readonly exceptSelf?: boolean;
}

function keyOf({ key }: Keyed): PushOptions | undefined {
  return key === undefined ? undefined : { key };
}

function spread(connection: Connection, { key, exceptSelf }: Spread): Except | undefined {
  if (exceptSelf !== true) return key === undefined ? undefined : { key };
  return { except: [connection.id], ...(key !== undefined && { key }) };
}

type Close = { readonly code?: number; readonly reason?: string };

/**
 * Every function of a connection as an action, for machines made with XState's own `setup()`: a machine that invokes
 * actors, for example. Answers are dropped; what did not arrive becomes a dead letter.
 *
 * @example
 * ```ts
 * import { setup, fromPromise } from 'xstate';
 * import { connectionActions, type ServiceMachineInput, type WsEvent } from 'troupe';
 *
 * export const machine = setup({
 *   types: {} as { events: WsEvent; input: ServiceMachineInput },
 *   actions: connectionActions,
 *   actors: { greeting: fromPromise(async () => 'hello') },
 * }).createMachine({
 *   initial: 'greeting',
 *   states: {
 *     greeting: {
 *       invoke: {
 *         src: 'greeting',
 *         onDone: { actions: { type: 'pushText', params: ({ event }) => ({ text: event.output }) } },
 *       },
 *     },
 *   },
 * });
 * ```
 */
export const connectionActions = ownActions(['closeConnection'], {
  pushText({ self }: Acting, params: Keyed & { readonly text: string }): void {
    checkParams('pushText', params);
    connectionOf(self, 'pushText').pushText(params.text, keyOf(params));
  },
  pushBinary({ self }: Acting, params: Keyed & { readonly data: Uint8Array }): void {
    checkParams('pushBinary', params);
    connectionOf(self, 'pushBinary').pushBinary(params.data, keyOf(params));
  },
  broadcastText({ self }: Acting, params: Spread & { readonly text: string }): void {
    checkParams('broadcastText', params);
    const connection = connectionOf(self, 'broadcastText');
    connection.broadcastText(params.text, spread(connection, params));
  },
  broadcastBinary({ self }: Acting, params: Spread & { readonly data: Uint8Array }): void {
    checkParams('broadcastBinary', params);
    const connection = connectionOf(self, 'broadcastBinary');
    connection.broadcastBinary(params.data, spread(connection, params));
  },
  storeConnection({ self }: Acting, params: { readonly name: string }): void {
    checkParams('storeConnection', params);
    void connectionOf(self, 'storeConnection').storeConnection(params.name);
  },
  pushTextToConnection({ self }: Acting, params: Keyed & { readonly name: string; readonly text: string }): void {
    checkParams('pushTextToConnection', params);
    const { name, text } = params;
    void connectionOf(self, 'pushTextToConnection').pushTextToConnection(name, text, keyOf(params));
  },
  pushBinaryToConnection({ self }: Acting, params: Keyed & { readonly name: string; readonly data: Uint8Array }): void {
    checkParams('pushBinaryToConnection', params);
    const { name, data } = params;
    void connectionOf(self, 'pushBinaryToConnection').pushBinaryToConnection(name, data, keyOf(params));
  },
  removeStoredConnection({ self }: Acting, params: { readonly name: string }): void {
    checkParams('removeStoredConnection', params);
    void connectionOf(self, 'removeStoredConnection').removeStoredConnection(params.name);
  },
  addConnectionToGroup({ self }: Acting, params: { readonly group: string }): void {
    checkParams('addConnectionToGroup', params);
    void connectionOf(self, 'addConnectionToGroup').addConnectionToGroup(params.group);
  },
  pushTextToGroup({ self }: Acting, params: Spread & { readonly group: string; readonly text: string }): void {
    checkParams('pushTextToGroup', params);
    const connection = connectionOf(self, 'pushTextToGroup');
    connection.pushTextToGroup(params.group, params.text, spread(connection, params));
  },
  pushBinaryToGroup({ self }: Acting, params: Spread & { readonly group: string; readonly data: Uint8Array }): void {
    checkParams('pushBinaryToGroup', params);
    const connection = connectionOf(self, 'pushBinaryToGroup');
    connection.pushBinaryToGroup(params.group, params.data, spread(connection, params));
  },
  removeConnectionFromGroup({ self }: Acting, params: { readonly group: string }): void {
    checkParams('removeConnectionFromGroup', params);
    void connectionOf(self, 'removeConnectionFromGroup').removeConnectionFromGroup(params.group);
  },
  removeConnectionGroup({ self }: Acting, params: { readonly group: string; readonly retire?: boolean }): void {
    checkParams('removeConnectionGroup', params);
    void connectionOf(self, 'removeConnectionGroup').removeConnectionGroup(params.group, {
      retire: params.retire ?? false,
    });
  },
  closeConnection({ self }: Acting, params?: Close): void {
    connectionOf(self, 'closeConnection').closeConnection(params?.code, params?.reason);
  },
  refreshAuth(
    { self }: Acting,
    params: { readonly auth: unknown; readonly expiresAt?: Date | number | undefined },
  ): void {
    checkParams('refreshAuth', params);
    const { auth, expiresAt } = params;
    connectionOf(self, 'refreshAuth').refreshAuth(auth, { expiresAt });
  },
  closeStoredConnection({ self }: Acting, params: Close & { readonly name: string }): void {
    checkParams('closeStoredConnection', params);
    void connectionOf(self, 'closeStoredConnection').closeStoredConnection(params.name, params.code, params.reason);
  },
  closeConnectionGroup({ self }: Acting, params: Close & { readonly group: string }): void {
    checkParams('closeConnectionGroup', params);
    void connectionOf(self, 'closeConnectionGroup').closeConnectionGroup(params.group, params.code, params.reason);
  },
});

/**
 * XState's `setup()` for a service: events, input and actions of a connection are typed and in place.
 *
 * Extend it with your own actions, guards and delays, then create the machine.
 * XState's `extend` takes no actors: a machine that invokes some is made with
 * `setup()` and {@link connectionActions}. A connection's machine runs as an actor of its own; when it fails,
 * only that connection ends. What it expects of `input.auth`, `input.params` and `input.query` it says by their names,
 * `serviceSetup<Context, never, { auth: User }>()`; a service whose `authenticate` and schemas give something else does
 * not compile. With `{ messages: typeof messages }` it has the events and actions of declared messages as well, see
 * {@link MessageEvent} and {@link MessageActions}; with `{ shared: typeof logic }` the shared state of its service, as
 * `input.shared` and by the action `sendToShared`.
 *
 * @example
 * ```ts
 * import { assign } from 'xstate';
 * import { defineService, serviceSetup } from 'troupe';
 *
 * const machine = serviceSetup<{ nick: string }>()
 *   .extend({
 *     actions: { remember: assign({ nick: ({ event }) => (event.type === 'ws.text' ? event.text : '') }) },
 *   })
 *   .createMachine({
 *     id: 'chat',
 *     context: { nick: '' },
 *     initial: 'naming',
 *     states: {
 *       naming: { on: { 'ws.text': { target: 'chatting', actions: 'remember' } } },
 *       chatting: {
 *         on: {
 *           'ws.text': {
 *             actions: { type: 'broadcastText', params: ({ context, event }) => ({ text: `${context.nick}: ${event.text}` }) },
 *           },
 *         },
 *       },
 *     },
 *   });
 *
 * export const chat = defineService({ basePath: '/chat', machine });
 * ```
 */
export function serviceSetup<
  Context extends MachineContext = Record<never, never>,
  OwnEvent extends EventObject = never,
  Expectations extends MachineExpectations = MachineExpectations,
>() {
  return setup({
    types: {} as {
      context: Context;
      events: WsEvent<Expected<Expectations, 'auth'>> | OwnEvent | MessageEventsOf<Expectations>;
      input: InputOf<Expectations>;
    },
    actions: {
      ...connectionActions,
      ...(messageActions as unknown as MessageActions<MessagesOf<Expectations>>),
      ...(toSharedActions as unknown as ToSharedActions<SharedLogicOf<Expectations>>),
    },
  });
}
