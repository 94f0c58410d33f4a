/**
 * What a machine of shared state can do, and how the machine of a connection reaches shared state: as actions, plain
 * objects like all others.
 */
import { setup, type AnyActorLogic, type EventFromLogic, type EventObject, type MachineContext } from 'xstate';
import { TroupeError } from '../errors.ts';
import { connectionOf, type Acting } from './bound-connection.ts';
import { serviceOf, type ServiceMessageFunctions, type SharedReceiver } from './bound-service.ts';
import type { Except, PushOptions } from './connection.ts';
import type { Sending } from './message-actions.ts';
import type { AnyMessages, MessageOut } from './message-types.ts';
import { checkParams, ownActions } from './own-actions.ts';

/** To whom it goes: absent keys are no keys. */
interface Push {
  readonly key?: string;
}
interface Spread extends Push {
  /** Ids of connections to leave out. */
  readonly except?: readonly string[];
}
interface Close {
  readonly code?: number;
  readonly reason?: string;
}

function pushOptions({ key }: Push): PushOptions | undefined {
  return key === undefined ? undefined : { key };
}

function spreadOptions({ key, except }: Spread): Except {
  return { ...(key !== undefined && { key }), ...(except !== undefined && { except }) };
}

/**
 * Every function of a service that needs no connection as an action, for machines of shared state that are made with
 * XState's own `setup()`. Answers are dropped; what did not arrive becomes a dead letter. They work in the machine of a
 * connection as well.
 *
 * @example
 * ```ts
 * import { fromPromise, setup } from 'xstate';
 * import { defineService, serviceActions } from 'troupe';
 *
 * const news = setup({
 *   actions: serviceActions,
 *   actors: { headline: fromPromise(async () => 'Nothing happened today') },
 * }).createMachine({
 *   invoke: {
 *     src: 'headline',
 *     onDone: { actions: { type: 'broadcastText', params: ({ event }) => ({ text: event.output }) } },
 *   },
 * });
 *
 * export const service = defineService({ basePath: '/news', shared: news, onOpen: () => undefined });
 * ```
 */
export const serviceActions = {
  broadcastText({ self }: Acting, params: Spread & { readonly text: string }): void {
    checkParams('broadcastText', params);
    serviceOf(self, 'broadcastText').broadcastText(params.text, spreadOptions(params));
  },
  broadcastBinary({ self }: Acting, params: Spread & { readonly data: Uint8Array }): void {
    checkParams('broadcastBinary', params);
    serviceOf(self, 'broadcastBinary').broadcastBinary(params.data, spreadOptions(params));
  },
  pushTextToConnection({ self }: Acting, params: Push & { readonly name: string; readonly text: string }): void {
    checkParams('pushTextToConnection', params);
    const { name, text } = params;
    void serviceOf(self, 'pushTextToConnection').pushTextToConnection(name, text, pushOptions(params));
  },
  pushBinaryToConnection({ self }: Acting, params: Push & { readonly name: string; readonly data: Uint8Array }): void {
    checkParams('pushBinaryToConnection', params);
    const { name, data } = params;
    void serviceOf(self, 'pushBinaryToConnection').pushBinaryToConnection(name, data, pushOptions(params));
  },
  pushTextToGroup({ self }: Acting, params: Spread & { readonly group: string; readonly text: string }): void {
    checkParams('pushTextToGroup', params);
    serviceOf(self, 'pushTextToGroup').pushTextToGroup(params.group, params.text, spreadOptions(params));
  },
  pushBinaryToGroup({ self }: Acting, params: Spread & { readonly group: string; readonly data: Uint8Array }): void {
    checkParams('pushBinaryToGroup', params);
    serviceOf(self, 'pushBinaryToGroup').pushBinaryToGroup(params.group, params.data, spreadOptions(params));
  },
  removeStoredConnection({ self }: Acting, params: { readonly name: string }): void {
    checkParams('removeStoredConnection', params);
    void serviceOf(self, 'removeStoredConnection').removeStoredConnection(params.name);
  },
  removeConnectionGroup({ self }: Acting, params: { readonly group: string; readonly retire?: boolean }): void {
    checkParams('removeConnectionGroup', params);
    const { group, retire = false } = params;
    void serviceOf(self, 'removeConnectionGroup').removeConnectionGroup(group, { retire });
  },
  closeStoredConnection({ self }: Acting, params: Close & { readonly name: string }): void {
    checkParams('closeStoredConnection', params);
    void serviceOf(self, 'closeStoredConnection').closeStoredConnection(params.name, params.code, params.reason);
  },
  closeConnectionGroup({ self }: Acting, params: Close & { readonly group: string }): void {
    checkParams('closeConnectionGroup', params);
    void serviceOf(self, 'closeConnectionGroup').closeConnectionGroup(params.group, params.code, params.reason);
  },
};

/** The actions of a machine of shared state whose service declares messages; none for one that declares none. */
export interface SharedMessageActions<M extends AnyMessages | undefined> {
  broadcast(acting: Acting, params: Sending<OutOf<M>> & { readonly except?: readonly string[] }): void;
  pushToConnection(acting: Acting, params: Sending<OutOf<M>> & { readonly name: string }): void;
  pushToGroup(
    acting: Acting,
    params: Sending<OutOf<M>> & { readonly group: string; readonly except?: readonly string[] },
  ): void;
}

type OutOf<M> = M extends AnyMessages ? MessageOut<M> : never;

function messagingOf({ self }: Acting, action: string): ServiceMessageFunctions {
  const service = serviceOf(self, action) as ServiceMessageFunctions;
  if (typeof service.broadcast === 'function') return service;
  throw new TroupeError('TROUPE_MESSAGES_UNDECLARED', { service: service.service, function: action });
}

const messageActions = {
  broadcast(acting: Acting, { message, ...options }: Sending<object> & Spread): void {
    messagingOf(acting, 'broadcast').broadcast(message, spreadOptions(options));
  },
  pushToConnection(acting: Acting, { message, name }: Sending<object> & { readonly name: string }): void {
    void messagingOf(acting, 'pushToConnection').pushToConnection(name, message);
  },
  pushToGroup(
    acting: Acting,
    { message, group, ...options }: Sending<object> & Spread & { readonly group: string },
  ): void {
    messagingOf(acting, 'pushToGroup').pushToGroup(group, message, spreadOptions(options));
  },
};

/**
 * XState's `setup()` for the shared state of a service: what it can do without a connection is typed and in place.
 *
 * Name what it holds and which events it takes; with `typeof messages` of its service it has `broadcast`,
 * `pushToConnection` and `pushToGroup` for declared messages as well. Actions of one connection, `pushText` for example,
 * are none of its own and fail it. One that invokes actors is made with `setup()` and {@link serviceActions}.
 *
 * @example
 * ```ts
 * import { assign } from 'xstate';
 * import { defineService, sharedSetup } from 'troupe';
 *
 * const game = sharedSetup<{ ticks: number }>()
 *   .extend({ actions: { count: assign({ ticks: ({ context }) => context.ticks + 1 }) } })
 *   .createMachine({
 *     id: 'game',
 *     context: { ticks: 0 },
 *     initial: 'running',
 *     states: {
 *       running: {
 *         after: {
 *           1000: {
 *             target: 'running',
 *             reenter: true,
 *             actions: ['count', { type: 'broadcastText', params: ({ context }) => ({ text: `tick ${context.ticks}` }) }],
 *           },
 *         },
 *       },
 *     },
 *   });
 *
 * export const service = defineService({
 *   basePath: '/game',
 *   shared: game,
 *   onOpen: (connection) => connection.pushText(`tick ${connection.shared.getSnapshot().context.ticks}`),
 * });
 * ```
 */
export function sharedSetup<
  Context extends MachineContext = Record<never, never>,
  Event extends EventObject = never,
  M extends AnyMessages | undefined = undefined,
>() {
  return setup({
    types: {} as { context: Context; events: Takes<Event> },
    actions: { ...serviceActions, ...(messageActions as unknown as SharedMessageActions<M>) },
  });
}

/** Not `never`: what takes no event at all is no logic to TypeScript. */
type Takes<Event extends EventObject> = [Event] extends [never] ? { readonly type: never } : Event;

/** The action with which the machine of a connection reaches the shared state of its service. */
export interface ToSharedActions<Logic extends AnyActorLogic | undefined> {
  /** Sends an event to the shared state; the machine is shown as its sender. */
  sendToShared(acting: Acting, params: { readonly event: EventOf<Logic> }): void;
}

type EventOf<Logic> = Logic extends AnyActorLogic ? EventFromLogic<Logic> : never;

/** @internal As {@link ToSharedActions} types it for each service. */
export const toSharedActions = ownActions([], {
  sendToShared({ self }: Acting, params: { readonly event: EventObject }): void {
    checkParams('sendToShared', params);
    const { service, shared } = connectionOf(self, 'sendToShared');
    if (shared === undefined) throw new TroupeError('TROUPE_SHARED_UNDECLARED', { service });
    (shared as SharedReceiver).receive(self, params.event);
  },
});
