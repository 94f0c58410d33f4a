/**
 * A connection whose service declares messages. Apart from {@link LiveConnection}, so that all others are what they
 * would be without messages.
 */
import { checkCount, checkName, MAX_DELAY_MS } from '../arguments.ts';
import { frameText } from '../delivery/frame.ts';
import { TroupeError } from '../errors.ts';
import type { Except } from '../service/connection.ts';
import type { ServiceEvent } from '../service/events.ts';
import type { MessageCodec, Rejected } from '../service/message-codec.ts';
import type { ActingConnection, RequestOptions } from '../service/message-connection.ts';
import type { AnyMessages, AnyMessageError, RequestReference } from '../service/message-types.ts';
import { codecOf } from '../service/messages.ts';
import type { Answer, Delivery, DeliveryStatus } from '../service/outcome.ts';
import type { Socket } from '../transport/contract.ts';
import type { AcceptedUpgrade } from './connection-functions.ts';
import { LiveConnection } from './connection.ts';
import { reportReceived } from './connection-reports.ts';
import { describeRejection, FAILED } from './message-errors.ts';
import { Requests, type Asked } from './requests.ts';
import type { LiveService } from './service.ts';

/** Data that does not fit its kind (RFC 6455 §7.4.1): what a close for an invalid message says. */
const INVALID_PAYLOAD = 1007;
const DEFAULT_TIMEOUT_MS = 10_000;

export class MessagingConnection extends LiveConnection implements ActingConnection, Asked {
  /** The request that its machine is handling, if the message is one and asks for a reply. */
  handled: RequestReference | undefined;
  /** How often its service has begun anew for it. */
  life = 0;
  readonly #messages: AnyMessages;
  readonly #codec: MessageCodec;
  #requests: Requests | undefined;

  constructor(service: LiveService, messages: AnyMessages, upgrade: AcceptedUpgrade, socket: Socket) {
    super(service, upgrade, socket);
    this.#messages = messages;
    this.#codec = codecOf(messages);
  }

  // What its service sees of it.

  push(message: object): Delivery {
    return this.pushFrame('push', frameText(this.#codec.encode(message)));
  }

  broadcast(message: object, options?: Except): Delivery {
    return this.broadcastFrame('broadcast', frameText(this.#codec.encode(message)), options);
  }

  pushToConnection(name: string, message: object): Answer<Delivery> {
    checkName('name', name);
    return this.functions.pushFrameToName('pushToConnection', name, frameText(this.#codec.encode(message)));
  }

  pushToGroup(group: string, message: object, options?: Except): Delivery {
    checkName('group', group);
    const frame = frameText(this.#codec.encode(message));
    return this.functions.pushFrameToGroup('pushToGroup', group, frame, options);
  }

  request(message: object, { timeoutMs = DEFAULT_TIMEOUT_MS }: RequestOptions = {}): Promise<never> {
    checkCount('timeoutMs', timeoutMs, 1, MAX_DELAY_MS);
    this.#requests ??= new Requests(this.#codec, this.vigil.wheel, this.#messages.declarations.maxRequests);
    // Of the type that the declaration says, which the caller knows and this does not.
    return this.#requests.ask(this, message, timeoutMs) as Promise<never>;
  }

  // What the actions of its machine ask for.

  ask(message: object, options: RequestOptions): void {
    const request = this.#codec.requestTypeOf(message);
    const { life } = this;
    this.request(message, options).then(
      (data: unknown) => this.#tell({ type: 'ws.reply', request, life, data }),
      (error: unknown) => this.#tell({ type: 'ws.reply', request, life, error }),
    );
  }

  reply(result: unknown, request = this.handled): void {
    if (request === undefined) return;
    this.pushFrame('reply', frameText(this.#codec.encodeReply(request, result)));
    this.#answered(request);
  }

  refuse(code: string, request = this.handled): void {
    const message = this.#codec.refusalText(code);
    if (message === undefined) {
      const reason = `service "${this.service}" refuses with "${code}", which is not among its errors`;
      throw new TroupeError('TROUPE_MESSAGES_INVALID', { reason });
    }
    this.sendError({ code, message, ...(request && { of: request.type }) }, request);
    this.#answered(request);
  }

  // What its service's code led to.

  /** A message that the service never got. */
  reject(rejected: Rejected, fields: Partial<AnyMessageError> = {}): void {
    const { reason, type, request, issues } = rejected;
    const isForReply = reason === 'unexpected-reply' || reason === 'invalid-reply';
    const closes = this.#messages.declarations.onInvalidMessage === 'close' && reason !== 'not-accepted';
    const answer = isForReply ? 'nothing' : closes ? 'close' : 'error';
    if (this.events.has('message.rejected')) {
      const connection = this.info();
      this.events.emit('message.rejected', { connection, reason, type, issues: issues?.length ?? 0, answer });
    }
    if (isForReply || !this.isOpen) return;
    if (closes) this.closeConnection(INVALID_PAYLOAD, reason);
    else {
      const message = describeRejection(reason);
      this.sendError(
        { code: reason, message, ...(type !== undefined && { of: type }), ...(issues && { issues }), ...fields },
        request,
      );
    }
  }

  sendError(fields: AnyMessageError, request: RequestReference | undefined): void {
    if (this.isOpen) this.pushFrame('error', frameText(this.#codec.encodeError(fields, request?.id)));
  }

  override failed(error: unknown, during: string): void {
    // That a request ended with its connection is nothing that the service did wrong.
    if (this.#requests?.hasEnded(error) === true) {
      // An action or an observer that waited for it is no handler, and holds nothing back.
      if (during.startsWith('ws.')) this.settled(during as ServiceEvent['type']);
      return;
    }
    const { handled } = this;
    this.handled = undefined;
    if (handled !== undefined) this.sendError({ ...FAILED, of: handled.type }, handled);
    super.failed(error, during);
  }

  override forget(): void {
    super.forget();
    this.life++;
    this.#requests?.end();
  }

  sendRequest(text: string): DeliveryStatus {
    return this.pushFrame('request', frameText(text)).status;
  }

  repliedInvalidly(type: string, count: number): void {
    if (!this.events.has('message.rejected')) return;
    const connection = this.info();
    this.events.emit('message.rejected', {
      connection,
      reason: 'invalid-reply',
      type,
      issues: count,
      answer: 'nothing',
    });
  }

  // What its socket tells it, and its chart.

  /** A reply is taken at once: a handler that awaits it would otherwise wait for itself. */
  override onText(text: string): void {
    if (this.#requests?.isWaiting === true && this.#requests.takes(this, text)) {
      this.vigil.messaged();
      this.onHeard();
      if (this.events.topics['message.received'].isHeard) reportReceived(this, { type: 'ws.text', text });
    } else super.onText(text);
  }

  override purge(): void {
    super.purge();
    this.#requests?.end();
  }

  /** A request has one answer: when its handling fails afterwards, nothing is answered any more. */
  #answered(request: RequestReference | undefined): void {
    if (request === this.handled) this.handled = undefined;
  }

  #tell(event: Extract<ServiceEvent, { type: 'ws.reply' }>): void {
    if (this.isOpen) this.actor.deliver(event);
  }
}
