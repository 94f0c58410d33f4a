/**
 * One live connection: what its chart acts upon.
 *
 * `machines/connection.ts` decides what happens; this class carries it out. It
 * is told by its socket what arrives, hands messages to its service's performer
 * one at a time, and holds what the chart does not: the messages that wait, the
 * outbox, the socket and the deadlines. The actor never owns the socket: if an
 * action of the runtime itself failed, `actionFailed` still destroys it.
 */
import type { AnyActorRef } from 'xstate';
import type { Waiting } from '../delivery/backlog.ts';
import type { Frame } from '../delivery/frame.ts';
import { holdOutboxes, Outbox, settleOutboxes, type OutboxOwner } from '../delivery/outbox.ts';
import type { Except } from '../service/connection.ts';
import type { ServiceEvent } from '../service/events.ts';
import type { ServiceLimits } from '../service/limits.ts';
import type { Delivery } from '../service/outcome.ts';
import type { Events } from '../telemetry/events.ts';
import type { CloseInfo, Socket, SocketListener } from '../transport/contract.ts';
import { ChartActor } from './chart-actor.ts';
import type { ChartHost } from './chart-logic.ts';
import type { Performer } from './behaviour.ts';
import { CloseDeadline } from './close-deadline.ts';
import { connectionLogic } from './connection-chart.ts';
import { newConnectionId } from './connection-id.ts';
import { CLOSE_TIMED_OUT, DRAINING, HEARD, IDLE, settledBy, SILENT } from './connection-events.ts';
import type { ConnectionConfiguration, ConnectionEvent } from './connection-regions.ts';
import {
  failureOf,
  reportClosed,
  reportIgnored,
  reportReceived,
  reportSent,
  reportTooLate,
} from './connection-reports.ts';
import type { AcceptedUpgrade } from './connection-functions.ts';
import { ObservedConnection } from './observed-connection.ts';
import { NORMAL_CLOSURE, type Functions } from './functions.ts';
import type { Handling, HandlingOwner } from './handling.ts';
import type { Member, PushStatus } from './member.ts';
import type { LiveService } from './service.ts';
import { expectRoomToClose } from './headroom.ts';
import { Inbox } from './inbox.ts';
import type { GateOwner, MessageEvent, MessageGate } from './message-rate.ts';
import type { ServiceSupervision } from './supervision.ts';
import { Vigil, type Watched } from './vigil.ts';

const ABNORMAL_CLOSURE: CloseInfo = { code: 1006, reason: '' };

let lastOrdinal = 0;

export class LiveConnection
  extends ObservedConnection
  implements Member, SocketListener, OutboxOwner, ChartHost, HandlingOwner, GateOwner, Watched
{
  readonly id = newConnectionId();
  readonly ordinal = lastOrdinal++;
  readonly openedAt = Date.now();
  readonly actor;
  performer: Performer | undefined;
  ignoredMessages = 0;
  readonly #service: LiveService;
  readonly #socket: Socket;
  readonly #outbox: Outbox;
  protected readonly vigil: Vigil;
  readonly #gate: MessageGate | undefined;
  #closeDeadline: CloseDeadline | undefined;
  #inbox: Inbox | undefined;
  /** The outboxes are settled when what is being read has been handled. */
  #isGathering = false;
  #isAbandoned = false;
  #isToldDraining = false;
  /** A handler that closes its own connection goes on in the state `message`; what it does then comes too late. */
  #isCloseRequested = false;
  #finish: CloseInfo | undefined;
  #end = ABNORMAL_CLOSURE;

  constructor(service: LiveService, upgrade: AcceptedUpgrade, socket: Socket) {
    super(upgrade);
    this.#service = service;
    this.#socket = socket;
    this.#outbox = new Outbox(socket, service.outbox, this, service.compressFor(socket.deflateWindowBits));
    this.vigil = new Vigil(service.realm.wheel, service.limits, this);
    this.#gate = service.gateFor(socket, this);
    this.actor = new ChartActor(connectionLogic, {
      parent: service.actor,
      id: this.id,
      src: 'connection',
      input: this,
    });
  }

  // What a service sees of it.

  get connection(): this {
    return this;
  }

  protected get functions(): Functions {
    return this.#service.realm.functions;
  }

  protected get sharedState(): LiveService['shared'] {
    return this.#service.shared;
  }

  get events(): Events {
    return this.#service.realm.events;
  }

  get service(): string {
    return this.#service.name;
  }

  get supervision(): ServiceSupervision | undefined {
    return this.#service.supervision;
  }

  get isOpen(): boolean {
    return !this.#isCloseRequested && this.configuration.tags.has('serving');
  }

  get droppedPushes(): number {
    return this.#outbox.dropped;
  }

  // What the registries and the service ask of it.

  deliver(frame: Frame): PushStatus {
    if (!this.isOpen) return 'closed';
    const status = this.#outbox.push(frame);
    if (status !== 'congested' && this.events.topics['message.sent'].isHeard) reportSent(this, frame);
    return status;
  }

  protected broadcastFrame(name: string, frame: Frame, options: Except | undefined): Delivery {
    return this.#service.broadcast(name, frame, options);
  }

  requestClose(code: number, reason: string): void {
    expectRoomToClose();
    this.#isCloseRequested = true;
    this.#service.realm.turns.after(() => this.#send({ type: 'close.requested', code, reason }));
  }

  /** Lets what has arrived be handled, then closes. */
  finish(code: number, reason: string): void {
    this.#gate?.open();
    this.#send({ type: 'finish.requested', code, reason });
  }

  tellDraining(): void {
    if (this.#isToldDraining || !this.#service.handles.has('ws.draining')) return;
    this.#isToldDraining = true;
    this.actor.deliver(DRAINING);
  }

  tellReplaced(name: string): void {
    if (!this.#service.handles.has('ws.replaced')) return;
    // In a turn of the event loop: two services that take a name back from one another must not hold up all others.
    setImmediate(() => this.#send({ type: 'ws.replaced', name }));
  }

  /** Ends it now: no close frame, and no waiting for a handler that has not settled. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#gate?.shut();
    this.#socket.destroy();
    if (!this.isOpen) this.#stopWaiting();
  }

  /** Starts the actor: `onOpen` runs. To be called when the connection is a member of its service. */
  start(): void {
    this.vigil.start(this.#service.handles.has('ws.idle'));
    this.admission?.start(this);
    this.actor.start();
  }

  // What its socket tells it.

  onReading(): void {
    this.#isGathering = holdOutboxes();
  }

  onRead(): void {
    if (this.#isGathering) settleOutboxes();
  }

  onText(text: string): void {
    this.#receive({ type: 'ws.text', text });
  }

  onBinary(data: Uint8Array): void {
    this.#receive({ type: 'ws.binary', data });
  }

  onSignOfLife(): void {
    this.vigil.heard();
    this.onHeard();
  }

  onDrain(): void {
    this.#outbox.drained();
  }

  beforeClose(): void {
    this.#outbox.flush();
  }

  onClosing({ code, reason }: CloseInfo): void {
    this.#gate?.open();
    this.actor.deliver({ type: 'socket.closing', code, reason });
  }

  onViolation(error: Error, { code, reason }: CloseInfo): void {
    this.#gate?.open();
    this.actor.deliver({ type: 'protocol.violated', error, code, reason });
  }

  onClosed(): void {
    this.#outbox.discard();
    this.#gate?.open();
    this.actor.deliver({ type: 'socket.closed', ...ABNORMAL_CLOSURE });
    if (this.#isAbandoned) this.#stopWaiting();
  }

  // What its gate tells it.

  letIn(event: MessageEvent): void {
    if (this.#service.handles.has(event.type)) this.actor.deliver(event);
    else reportIgnored(this, event.type === 'ws.text' ? 'text' : 'binary', ++this.ignoredMessages);
  }

  onRate(type: 'rate.exceeded' | 'rate.held' | 'rate.met'): void {
    if (type === 'rate.met') this.vigil.letIn();
    this.#send({ type });
  }

  onOutbound(type: 'outbound.filled' | 'outbound.exceeded' | 'outbound.drained'): void {
    this.#send({ type });
  }

  onDropped(message: Waiting): void {
    this.functions.droppedWaiting(this.id, message);
  }

  // What its vigil tells it.

  get isReading(): boolean {
    return (this.#inbox?.isReading ?? true) && this.#gate?.isReading !== false;
  }

  get bytesReceived(): number {
    return this.#socket.bytesReceived;
  }

  get bufferedBytes(): number {
    return this.#outbox.bufferedBytes;
  }

  onUnread(): void {
    this.sendPing();
  }

  onSilent(): void {
    this.actor.deliver(SILENT);
  }

  onHeard(): void {
    if (this.configuration.tags.has('asked')) this.actor.deliver(HEARD);
  }

  onIdle(): void {
    if (this.configuration.tags.has('ready') && this.#gate?.isHolding !== true) this.actor.deliver(IDLE);
  }

  // What its service's code led to.

  stopChild(child: AnyActorRef): void {
    this.actor.stopChild(child);
  }

  settled(type: ServiceEvent['type']): void {
    this.#send(settledBy(type));
  }

  failed(error: unknown, during: string): void {
    if (!this.actor.isActive) {
      reportTooLate(this, error, `${during}, after the end of its connection,`);
      return;
    }
    this.actor.deliver(failureOf(this, error, during));
  }

  finished(): void {
    if (this.isOpen) this.requestClose(NORMAL_CLOSURE, '');
  }

  // What its chart needs.

  get limits(): ServiceLimits {
    return this.#service.limits;
  }

  get handling(): Handling {
    return this.#service.handling;
  }

  /** What waits to be handled: made when something has to. */
  get inbox(): Inbox {
    const { maxWaitingMessages, maxPayload } = this.limits;
    return (this.#inbox ??= new Inbox(this.#gate ?? this.#socket, maxWaitingMessages, maxPayload));
  }

  get waitingMessages(): number {
    return this.#inbox?.size ?? 0;
  }

  actionFailed(error: unknown, action: string): void {
    this.events.emit('callback.failed', { callback: `action "${action}" of a connection`, error });
    this.#socket.destroy();
  }

  runWaiting(): void {
    const event = this.#inbox?.take();
    if (event !== undefined) this.handling.run(this, event);
  }

  runClose(): void {
    this.handling.run(this, { type: 'ws.close', ...this.#end });
  }

  purge(): void {
    this.vigil.stop();
    this.admission?.cancel();
    this.#service.leave(this);
    this.functions.purge(this);
  }

  startCloseTimer(): void {
    const timedOut = (): void => this.actor.deliver(CLOSE_TIMED_OUT);
    this.#closeDeadline = new CloseDeadline(this.#service.realm.wheel, this.limits.closeTimeoutMs, timedOut);
  }

  sendClose({ code, reason }: CloseInfo): void {
    this.#end = { code, reason };
    this.#outbox.flush();
    this.#inbox?.readAgain();
    this.#gate?.shut();
    this.#socket.close(code, reason);
  }

  rememberFinish(finish: CloseInfo): void {
    this.#finish = finish;
  }

  sendFinishClose(): void {
    if (this.#finish !== undefined) this.sendClose(this.#finish);
  }

  rememberClose({ code, reason }: CloseInfo): void {
    this.#end = { code, reason };
  }

  destroySocket(): void {
    this.#socket.destroy();
  }

  sendPing(): void {
    this.#socket.ping();
  }

  release(): void {
    this.#closeDeadline?.cancel();
    this.performer?.stop?.();
    reportClosed(this, this.#end.code, this.#end.reason);
  }

  get configuration(): ConnectionConfiguration {
    return this.actor.configuration;
  }

  #receive(event: MessageEvent): void {
    this.noteMessage(this.#service.realm.wheel.turn);
    this.onHeard();
    if (this.events.topics['message.received'].isHeard) reportReceived(this, event);
    if (this.#gate === undefined || this.#gate.admits(event)) this.letIn(event);
  }

  /** Ends the farewell whether or not a handler is still at it: once for that handler, once for onClose. */
  #stopWaiting(): void {
    this.#send(CLOSE_TIMED_OUT);
    this.#send(CLOSE_TIMED_OUT);
  }

  /** For what may still come when nothing of the connection is left. */
  #send(event: ConnectionEvent): void {
    if (this.actor.isActive) this.actor.deliver(event);
  }
}
