/** What a connection can do beside, when its service declares messages. */
import type { Connection, Except } from './connection.ts';
import type { AnyMessages, MessageOut, ReplyFrom, ReplyTo, RequestOut, RequestReference } from './message-types.ts';
import type { Answer, Delivery } from './outcome.ts';

/** How a request is made. */
export interface RequestOptions {
  /** How long the reply is waited for, in ms. @defaultValue 10 000 */
  readonly timeoutMs?: number;
}

/**
 * The functions for declared messages. Each checks its message against the service's `outgoing` declarations and throws
 * `TroupeTypeError` (`TROUPE_MESSAGE_INVALID`) at the call when it does not fit: that is an error of the program. What
 * is sent is what the schema makes of it. Otherwise they do what their namesakes for text do.
 */
export interface MessageFunctions<M extends AnyMessages> {
  /** Pushes a message to this connection. After its close: `closed`. */
  push(message: MessageOut<M>): Delivery;
  /** Pushes a message to every open connection of this service, this one included. */
  broadcast(message: MessageOut<M>, options?: Except): Delivery;
  /** Pushes a message to the connection stored under `name`; what that one's service declares is not looked at. */
  pushToConnection(name: string, message: MessageOut<M>): Answer<Delivery>;
  /** Pushes a message to each member of `group`; what the members' services declare is not looked at. */
  pushToGroup(group: string, message: MessageOut<M>, options?: Except): Delivery;
  /**
   * Sends a request and resolves with the reply, which its schema has checked. A reply overtakes messages that wait, so
   * a handler may await it; not while so many wait that the socket is no longer read.
   *
   * Rejects with a `TroupeError`: `TROUPE_REQUEST_TIMED_OUT`, `TROUPE_REQUEST_REFUSED`, `TROUPE_REPLY_INVALID`,
   * `TROUPE_REQUEST_ENDED` when the connection ends or its service begins anew, `TROUPE_REQUEST_UNSENT`,
   * `TROUPE_REQUESTS_EXCEEDED`. A promise that nobody looks at is no unhandled rejection. `TROUPE_REQUEST_ENDED` that a
   * handler does not catch is no failure of it.
   */
  request<const Request extends RequestOut<M>>(
    message: Request,
    options?: RequestOptions,
  ): Promise<ReplyTo<M, Request>>;
}

/** A connection of a service that declares messages. */
export type MessageConnection<
  M extends AnyMessages,
  Params = Readonly<Record<string, string>>,
  Auth = unknown,
  Query = URLSearchParams,
  Shared = unknown,
> = Connection<Params, Auth, Query, Shared> & MessageFunctions<M>;

/** What `onMessage` may return: anything, unless a request is declared, whose reply it is then. */
export type Replying<M extends AnyMessages> = [ReplyFrom<M>] extends [never]
  ? unknown
  : Settling<ReplyFrom<M> | Delivery | void>;
type Settling<Result> = Result | PromiseLike<Result>;

/** @internal What the actions of a machine need beside; the arguments are checked at run time. */
export interface ActingConnection extends Connection {
  push(message: object): Delivery;
  broadcast(message: object, options?: Except): Delivery;
  pushToConnection(name: string, message: object): Answer<Delivery>;
  pushToGroup(group: string, message: object, options?: Except): Delivery;
  /** Asks; the machine is told how it ended. */
  ask(message: object, options: RequestOptions): void;
  /** Replies to `request`, or to the message that is being handled. */
  reply(result: unknown, request: RequestReference | undefined): void;
  /** Answers `request`, or the message that is being handled, with a declared error. */
  refuse(code: string, request: RequestReference | undefined): void;
}
