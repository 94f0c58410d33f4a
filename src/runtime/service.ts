/**
 * One live service: what its chart acts upon.
 *
 * The service's actor owns its members, the connections that may be addressed,
 * and those that have left and are not at their end yet. Broadcasts are carried
 * out here, inside the actor: framed once, written to each member's outbox.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { EventFromLogic } from 'xstate';
import { serviceMachine } from '../../machines/service.ts';
import { compressFor, type Compress } from '../delivery/compression.ts';
import type { Frame } from '../delivery/frame.ts';
import { outboxSetting, type OutboxSetting } from '../delivery/policy.ts';
import type { ConnectionInfo, Except } from '../service/connection.ts';
import type { HttpListener, ServiceDefinition } from '../service/definition.ts';
import type { WsEventType } from '../service/events.ts';
import type { Limits } from '../service/limits.ts';
import type { Delivery, Page, PageRequest } from '../service/outcome.ts';
import type { Route } from '../service/path.ts';
import type { Socket, Transport } from '../transport/contract.ts';
import { AddressCounts, bothOf, type AddressBound } from './address-counts.ts';
import { ServiceAdmission } from './admission.ts';
import { createBehaviour } from './behaviour.ts';
import { createMessageBehaviour } from './message-behaviour.ts';
import { MessagingConnection } from './messaging-connection.ts';
import { ChartActor } from './chart-actor.ts';
import { chartLogic, type ChartHost } from './chart-logic.ts';
import { compileChart } from './compiled-chart.ts';
import { LiveConnection } from './connection.ts';
import { ConnectionAdmission } from './connection-admission.ts';
import { reportOpened } from './connection-reports.ts';
import type { AcceptedUpgrade } from './connection-functions.ts';
import { Drain, type DrainRequest } from './drain.ts';
import { deliveryOf, exceptedIds } from './functions.ts';
import { Handling } from './handling.ts';
import { expectRoomToPush } from './headroom.ts';
import { MessageGate, type GateOwner } from './message-rate.ts';
import { pageOf } from './page.ts';
import type { Realm } from './realm.ts';
import type { Request } from './registry.ts';
import { LiveShared } from './shared.ts';
import type { ServiceSetting, ServiceUpgrade } from './service-setting.ts';
import { ServiceSupervision } from './supervision.ts';

type ChartEvent = EventFromLogic<typeof serviceMachine>;
type ServiceEvent =
  | { type: 'member.add'; connection: LiveConnection }
  | { type: 'member.leave'; connection: LiveConnection }
  | { type: 'member.end'; id: string }
  | (Request<{ delivered: number; accepted: number; missed: number }> & {
      type: 'broadcast';
      frame: Frame;
      except: ReadonlySet<string> | undefined;
    })
  | { type: 'member.crashed' }
  | { type: 'shared.failed' }
  | { type: 'recovery.due' }
  | { type: 'recovery.passed' }
  | { type: 'drain.requested'; request: DrainRequest }
  | { type: 'drain.timedOut' };
type EventOf<Type extends ChartEvent['type']> = Extract<ServiceEvent, { type: Type }>;

export class LiveService implements ChartHost {
  readonly definition: ServiceDefinition;
  readonly realm: Realm;
  readonly limits: Limits;
  readonly outbox: OutboxSetting;
  /** Judges handshakes; undefined: they are accepted as they come. */
  readonly admission: ServiceAdmission | undefined;
  /** Decides what follows from crashes; undefined: nothing but the end of the connection. */
  readonly supervision: ServiceSupervision | undefined;
  /** What its connections share; undefined: nothing. */
  readonly shared: LiveShared | undefined;
  readonly handling: Handling;
  /** The kinds of events it handles. */
  readonly handles: ReadonlySet<WsEventType>;
  readonly actor;
  /** Settles when it has no connection left and is no longer known. */
  readonly stopped: Promise<void>;
  readonly #setting: ServiceSetting;
  readonly #transport: Transport<IncomingMessage, Duplex>;
  /** The connections that may be addressed, in the order in which they came. */
  readonly #members = new Set<LiveConnection>();
  /** The connections that are closing, by id. */
  readonly #leaving = new Map<string, LiveConnection>();
  /** Those of the server and of its own, where the connections of an address are bounded. */
  readonly #addresses: AddressBound | undefined;
  /** More than one when the server closes while the service is being detached. */
  readonly #drains: Drain[] = [];

  /** The supervisor has forgotten it. */
  markStopped!: () => void;

  constructor(definition: ServiceDefinition, setting: ServiceSetting) {
    this.stopped = new Promise((resolve) => {
      this.markStopped = resolve;
    });
    this.definition = definition;
    this.realm = setting.realm;
    this.limits = setting.limits;
    this.outbox = outboxSetting(setting.limits);
    const { messages } = definition.options;
    const behaviour =
      messages === undefined
        ? createBehaviour(definition.behaviour)
        : createMessageBehaviour(definition.behaviour, messages, setting.realm.turns);
    const { recorder } = setting;
    this.handles = behaviour.handles;
    this.handling = new Handling(recorder?.record(behaviour) ?? behaviour, setting.realm.turns, setting.realm.events);
    this.#setting = setting;
    const { limits, realm } = setting;
    this.#addresses = bothOf(realm.addresses, AddressCounts.of(limits.maxConnectionsPerAddress));
    const { handshake: rules } = definition;
    this.admission = rules && new ServiceAdmission({ definition, rules, limits, realm, addresses: this.#addresses });
    const { shared, options } = definition;
    // Shared state that fails too often makes the service fail, whatever that says of its connections.
    const supervision = options.supervision ?? (shared && {});
    this.supervision = supervision && new ServiceSupervision(this, supervision);
    const { maxPayload, closeTimeoutMs } = limits;
    this.#transport = setting.createTransport({
      maxPayload,
      closeTimeoutMs,
      compression: setting.compression !== undefined,
    });
    this.actor = new ChartActor(serviceLogic, {
      parent: setting.parent,
      id: definition.name,
      src: 'service',
      input: this,
    });
    this.shared = shared && new LiveShared(this, shared);
  }

  start(): void {
    this.actor.start();
    this.shared?.actor.start();
  }

  get name(): string {
    return this.definition.name;
  }

  get route(): Route {
    return this.definition.route;
  }

  get basePath(): Route {
    return this.definition.basePath;
  }

  get http(): HttpListener | undefined {
    return this.definition.options.http;
  }

  get subprotocols(): readonly string[] {
    return this.definition.options.subprotocols ?? [];
  }

  get isSubprotocolRequired(): boolean {
    return this.definition.options.subprotocolRequired ?? false;
  }

  get allowedOrigins(): '*' | readonly string[] | undefined {
    return this.definition.options.allowedOrigins ?? this.#setting.allowedOrigins;
  }

  /** How a connection with that window gets its messages; undefined: as they are. */
  compressFor(windowBits: number | undefined): Compress | undefined {
    const { compression } = this.#setting;
    return compression === undefined || windowBits === undefined ? undefined : compressFor(compression, windowBits);
  }

  /** What lets in the messages of a connection no faster than they may come; undefined: they may. */
  gateFor(socket: Socket, owner: GateOwner): MessageGate | undefined {
    const { messageRate } = this.limits;
    if (messageRate === false) return undefined;
    const { wheel, clock: time } = this.realm;
    return new MessageGate(messageRate, owner, { limits: this.limits, socket, wheel, time });
  }

  /** All connections that hold a socket, those that are closing included. */
  get connectionCount(): number {
    return this.#members.size + this.#leaving.size;
  }

  /** The connections, and the handshakes that may become some: many that wait must not get past a limit together. */
  get placesTaken(): number {
    return this.connectionCount + (this.admission?.waitingCount ?? 0);
  }

  /** Those that are addressed, in the order in which they came. */
  get members(): Iterable<LiveConnection> {
    return this.#members;
  }

  /** Those that are closing. */
  get leaving(): Iterable<LiveConnection> {
    return this.#leaving.values();
  }

  get isAccepting(): boolean {
    return this.actor.getSnapshot().hasTag('accepting') && this.placesTaken < this.limits.maxConnections;
  }

  hasRoomFor(remoteAddress: string): boolean {
    return this.#addresses?.hasRoomFor(remoteAddress) ?? true;
  }

  /** In how many ms it may accept again, if it knows. */
  get retryAfterMs(): number | undefined {
    return this.supervision?.recoversInMs;
  }

  /** Answers the upgrade with 101 and starts a connection for it. */
  accept(upgrade: ServiceUpgrade): void {
    const { request, stream, head, subprotocol, admitted } = upgrade;
    const answer = { request, stream, head, subprotocol };
    this.#transport.accept(admitted === undefined ? answer : { ...answer, headers: admitted.headers }, (socket) => {
      const { url, params, remoteAddress, isSecure } = upgrade;
      const admission = admitted && new ConnectionAdmission(this, admitted);
      const accepted = { url, params, remoteAddress, isSecure, subprotocol: subprotocol ?? '', admission };
      const connection = this.#connect(accepted, socket);
      this.actor.deliver({ type: 'member.add', connection });
      this.realm.events.upgrades.accepted(request, connection);
      reportOpened(connection);
      connection.start();
      return connection;
    });
  }

  #connect(upgrade: AcceptedUpgrade, socket: Socket): LiveConnection {
    const { recorder } = this.#setting;
    if (recorder !== undefined) return recorder.connect(this, upgrade, socket);
    const { messages } = this.definition.options;
    return messages === undefined
      ? new LiveConnection(this, upgrade, socket)
      : new MessagingConnection(this, messages, upgrade, socket);
  }

  broadcast(name: string, frame: Frame, options: Except | undefined): Delivery {
    const event: EventOf<'broadcast'> = { type: 'broadcast', frame, except: exceptedIds(options) };
    expectRoomToPush();
    this.actor.deliver(event);
    const { answer } = event;
    // Asked from within the actor itself, by an inspector for example: carried out next.
    if (answer === undefined) return deliveryOf(this.actor.getSnapshot().status === 'active' ? 'accepted' : 'unknown');
    const here = this.realm.functions.fannedOut(name, this.name, frame, { known: true, ...answer });
    return this.realm.relay?.broadcast(name, this.name, frame, options, here) ?? here;
  }

  /** A broadcast of another node. */
  receive(frame: Frame, except: ReadonlySet<string> | undefined): void {
    this.actor.deliver({ type: 'broadcast', frame, except });
  }

  connections(page: PageRequest | undefined): Page<ConnectionInfo> {
    return pageOf(
      this.#members,
      (connection) => connection.ordinal,
      (connection) => connection.info(),
      page,
    );
  }

  /** Stops accepting, tells the members and closes them; `stopped` of the setting is called at the end. */
  drain(request: DrainRequest): void {
    this.actor.deliver({ type: 'drain.requested', request });
    this.admission?.stop();
  }

  /** `connection` is closing: it is addressed no more. */
  leave(connection: LiveConnection): void {
    this.shared?.release(connection);
    this.actor.deliver({ type: 'member.leave', connection });
  }

  toJSON(): object {
    return { name: this.name, route: this.route.path, members: this.#members.size, leaving: this.#leaving.size };
  }

  // What its chart needs.

  get isEmpty(): boolean {
    return this.connectionCount === 0;
  }

  get isLast(): boolean {
    return this.connectionCount === 1;
  }

  addMember(connection: LiveConnection): void {
    this.#members.add(connection);
    if (this.#members.size === 1) this.realm.relay?.peopled(this.name);
    this.#addresses?.add(connection.remoteAddress);
  }

  removeMember(connection: LiveConnection): void {
    if (!this.#members.delete(connection)) return;
    this.#leaving.set(connection.id, connection);
    if (this.#members.size === 0) this.realm.relay?.deserted(this.name);
  }

  /** A connection's actor is done: nothing is left of it. */
  childEnded(id: string): void {
    this.actor.deliver({ type: 'member.end', id });
  }

  forgetMember({ id }: EventOf<'member.end'>): void {
    if (this.#addresses !== undefined) {
      const connection = this.#leaving.get(id);
      if (connection !== undefined) this.#addresses.remove(connection.remoteAddress);
    }
    this.#leaving.delete(id);
  }

  carryOut(broadcast: EventOf<'broadcast'>): void {
    const { frame, except } = broadcast;
    let delivered = 0;
    let accepted = 0;
    let missed = 0;
    for (const member of this.#members) {
      if (except?.has(member.id) === true) continue;
      const status = member.deliver(frame);
      if (status === 'delivered') delivered++;
      else if (status === 'accepted') accepted++;
      else if (status === 'congested') missed++;
    }
    broadcast.answer = { delivered, accepted, missed };
  }

  reportDraining(): void {
    const { events } = this.realm;
    if (events.has('service.draining'))
      events.emit('service.draining', { service: this.name, connections: this.connectionCount });
  }

  beginDrain({ request }: EventOf<'drain.requested'>): void {
    const drain = new Drain(this.realm.clock, request, () => this.actor.deliver({ type: 'drain.timedOut' }));
    this.#drains.push(drain);
    drain.begin([...this.#members]);
  }

  destroyMembers(): void {
    for (const connection of [...this.#members, ...this.#leaving.values()]) connection.abandon();
  }

  reportStopped(): void {
    for (const drain of this.#drains) drain.end();
    this.shared?.stop();
    const { events } = this.realm;
    if (events.has('service.detached')) events.emit('service.detached', { service: this.name });
  }

  actionFailed(error: unknown, action: string): void {
    this.realm.events.emit('callback.failed', { callback: `action "${action}" of service "${this.name}"`, error });
  }
}

const serviceLogic = chartLogic(
  compileChart<LiveService, ServiceEvent>(serviceMachine, {
    actions: {
      addMember: (service, event) => service.addMember((event as EventOf<'member.add'>).connection),
      removeMember: (service, event) => service.removeMember((event as EventOf<'member.leave'>).connection),
      forgetMember: (service, event) => service.forgetMember(event as EventOf<'member.end'>),
      beginRecovery: (service) => service.supervision?.beginRecovery(),
      beginProbation: (service) => service.supervision?.beginProbation(),
      reportRecovered: (service) => service.supervision?.recovered(),
      cancelRecovery: (service) => service.supervision?.cancelRecovery(),
      broadcast: (service, event) => service.carryOut(event as EventOf<'broadcast'>),
      reportDraining: (service) => service.reportDraining(),
      beginDrain: (service, event) => service.beginDrain(event as EventOf<'drain.requested'>),
      destroyMembers: (service) => service.destroyMembers(),
      reportStopped: (service) => service.reportStopped(),
    },
    guards: {
      isEmpty: (service) => service.isEmpty,
      isLast: (service) => service.isLast,
      hasFailed: (service) => service.supervision?.hasFailed ?? false,
    },
  }),
);
