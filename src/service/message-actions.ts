/** The functions for declared messages as actions of a machine: plain objects, like all others. */
import { TroupeError } from '../errors.ts';
import { connectionOf, exceptSelf, type Acting } from './bound-connection.ts';
import type { ActingConnection } from './message-connection.ts';
import { checkParams, ownActions } from './own-actions.ts';
import type { AnyMessages, MessageOut, RefusalCode, ReplyFrom, RequestOut, RequestReference } from './message-types.ts';

/** What an action sends. */
export interface Sending<Message> {
  readonly message: Message;
}
/** Whom it leaves out. */
export interface ToAll {
  readonly exceptSelf?: boolean;
}

/**
 * The actions of a machine whose service declares messages; none for one that declares none.
 *
 * A message that does not fit its declaration fails the machine, as any throwing action does.
 */
export interface MessageActions<M extends AnyMessages | undefined> {
  push(acting: Acting, params: Sending<OutOf<M>>): void;
  broadcast(acting: Acting, params: Sending<OutOf<M>> & ToAll): void;
  pushToConnection(acting: Acting, params: Sending<OutOf<M>> & { readonly name: string }): void;
  pushToGroup(acting: Acting, params: Sending<OutOf<M>> & ToAll & { readonly group: string }): void;
  /** Sends a request. The machine is told by `reply.<type>` or `unanswered.<type>`, unless the connection ends. */
  request(acting: Acting, params: Sending<RequestsOf<M>> & { readonly timeoutMs?: number }): void;
  /**
   * Replies to the message that is being handled, or later to the one whose `event.request` was kept. Does nothing when
   * no reply was asked for.
   */
  reply(acting: Acting, params: { readonly result: RepliesOf<M>; readonly to?: RequestReference | undefined }): void;
  /** Answers the message that is being handled, or a request that was kept, with a declared error. */
  refuse(acting: Acting, params: { readonly code: CodesOf<M>; readonly to?: RequestReference | undefined }): void;
}

type OutOf<M> = M extends AnyMessages ? MessageOut<M> : never;
type RequestsOf<M> = M extends AnyMessages ? RequestOut<M> : never;
type RepliesOf<M> = M extends AnyMessages ? ReplyFrom<M> : never;
type CodesOf<M> = M extends AnyMessages ? RefusalCode<M> : never;

function actingFor({ self }: Acting, action: string, params: unknown): ActingConnection {
  checkParams(action, params);
  const connection = connectionOf(self, action) as ActingConnection;
  if (typeof connection.push === 'function') return connection;
  throw new TroupeError('TROUPE_MESSAGES_UNDECLARED', { service: connection.service, function: action });
}

/** As `MessageActions` types them for each service. */
export const messageActions = ownActions([], {
  push(acting: Acting, params: Sending<object>): void {
    actingFor(acting, 'push', params).push(params.message);
  },
  broadcast(acting: Acting, params: Sending<object> & ToAll): void {
    const connection = actingFor(acting, 'broadcast', params);
    connection.broadcast(params.message, exceptSelf(connection, params.exceptSelf));
  },
  pushToConnection(acting: Acting, params: Sending<object> & { readonly name: string }): void {
    void actingFor(acting, 'pushToConnection', params).pushToConnection(params.name, params.message);
  },
  pushToGroup(acting: Acting, params: Sending<object> & ToAll & { readonly group: string }): void {
    const connection = actingFor(acting, 'pushToGroup', params);
    connection.pushToGroup(params.group, params.message, exceptSelf(connection, params.exceptSelf));
  },
  request(acting: Acting, params: Sending<object> & { readonly timeoutMs?: number }): void {
    const connection = actingFor(acting, 'request', params);
    const { message, ...options } = params;
    connection.ask(message, options);
  },
  reply(acting: Acting, params: { readonly result: unknown; readonly to?: RequestReference | undefined }): void {
    actingFor(acting, 'reply', params).reply(params.result, params.to);
  },
  refuse(acting: Acting, params: { readonly code: string; readonly to?: RequestReference | undefined }): void {
    actingFor(acting, 'refuse', params).refuse(params.code, params.to);
  },
});

/**
 * The same actions for a machine made with XState's own `setup()`, one that invokes actors for example.
 *
 * @example
 * ```ts
 * import { setup } from 'xstate';
 * import { z } from 'zod';
 * import { connectionActions, defineMessages, messageActionsFor, type MessageEvent, type WsEvent } from 'troupe';
 *
 * const messages = defineMessages({ incoming: { hello: z.object({}) }, outgoing: { welcome: z.object({}) } });
 *
 * export const machine = setup({
 *   types: {} as { events: WsEvent | MessageEvent<typeof messages> },
 *   actions: { ...connectionActions, ...messageActionsFor(messages) },
 * }).createMachine({
 *   on: { 'message.hello': { actions: { type: 'push', params: { message: { type: 'welcome' } } } } },
 * });
 * ```
 */
export function messageActionsFor<M extends AnyMessages>(_messages: M): MessageActions<M> {
  return messageActions as unknown as MessageActions<M>;
}
