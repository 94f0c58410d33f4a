/**
 * The supervisor: the root of the actor system. It owns the registry of services,
 * and with it the routes.
 */
import { createActor, type EventFromLogic, type InspectionEvent } from 'xstate';
import { supervisorMachine } from '../../machines/supervisor.ts';
import { TroupeError } from '../errors.ts';
import type { ServiceDefinition } from '../service/definition.ts';
import type { Route } from '../service/path.ts';
import type { Events } from '../telemetry/events.ts';
import { chartLogic, type ChartHost } from './chart-logic.ts';
import type { Clock } from './clock.ts';
import { compileChart } from './compiled-chart.ts';
import type { DrainRequest } from './drain.ts';
import type { LiveConnection } from './connection.ts';
import type { LiveService } from './service.ts';
import type { Request } from './registry.ts';
import { SERVER } from './server.ts';

type SupervisorEvent =
  | (Request<true> & { type: 'service.attach'; service: LiveService })
  | (Request<true> & { type: 'service.replace'; service: LiveService; replaced: LiveService; drain: DrainRequest })
  | { type: 'service.detach'; service: LiveService; drain: DrainRequest }
  | { type: 'service.stopped'; service: LiveService }
  | { type: 'stop.requested'; drain: DrainRequest }
  | { type: 'server.closed' };
type EventOf<Type extends EventFromLogic<typeof supervisorMachine>['type']> = Extract<SupervisorEvent, { type: Type }>;

/** Finds the service for a path. */
export interface Routes {
  get(route: Route): LiveService | undefined;
  add(service: LiveService): void;
  remove(service: LiveService): void;
}

export interface SupervisorSetting {
  readonly clock: Clock;
  readonly events: Events;
  readonly routes: Routes;
  /** Sees everything that happens in the actor system, the making of this actor included. */
  readonly inspect: ((event: InspectionEvent) => void) | undefined;
  /** The last service has stopped. */
  emptied(): void;
}

export class Supervisor implements ChartHost {
  readonly actor;
  readonly #setting: SupervisorSetting;
  readonly #services = new Map<string, LiveService>();
  readonly #draining = new Set<LiveService>();

  constructor(setting: SupervisorSetting) {
    this.#setting = setting;
    const { clock, inspect } = setting;
    this.actor = createActor(supervisorLogic, {
      input: this,
      id: 'supervisor',
      clock,
      ...(inspect !== undefined && { inspect }),
    });
  }

  /** The names of the services that accept connections. */
  get names(): readonly string[] {
    return [...this.#services.keys()];
  }

  /** All services that hold connections, those that drain included. */
  get services(): readonly LiveService[] {
    return [...this.#services.values(), ...this.#draining];
  }

  /** All connections that hold a socket, on all services. */
  get connectionCount(): number {
    return this.services.reduce((sum, service) => sum + service.connectionCount, 0);
  }

  /** Of all services. */
  get placesTaken(): number {
    return this.services.reduce((sum, service) => sum + service.placesTaken, 0);
  }

  connectionCounts(): readonly { readonly service: string; readonly connections: number }[] {
    return this.services.map(({ name, connectionCount }) => ({ service: name, connections: connectionCount }));
  }

  /** The service with that name; one that drains still has connections to address. */
  get(name: string): LiveService | undefined {
    return this.#services.get(name) ?? [...this.#draining].find((service) => service.name === name);
  }

  /** The connection with that id, unless nothing is left of it. */
  findConnection(id: string): LiveConnection | undefined {
    for (const { members, leaving } of this.services) {
      for (const connection of members) if (connection.id === id) return connection;
      for (const connection of leaving) if (connection.id === id) return connection;
    }
    return undefined;
  }

  /** @throws {TroupeError} `TROUPE_SERVICE_UNKNOWN` */
  expect(name: string): LiveService {
    const service = this.get(name);
    if (service === undefined)
      throw new TroupeError('TROUPE_SERVICE_UNKNOWN', { service: name, registered: this.names });
    return service;
  }

  /** @throws {TroupeError} `TROUPE_ROUTE_TAKEN`, `TROUPE_SERVICE_NAME_TAKEN`, `TROUPE_CLOSED` */
  attach(create: (definition: ServiceDefinition) => LiveService, definition: ServiceDefinition): LiveService {
    this.#checkFree(definition);
    const service = create(definition);
    const event: EventOf<'service.attach'> = { type: 'service.attach', service };
    this.actor.send(event);
    this.#expectAttaching(event);
    return service;
  }

  /** Puts a service in the place of the one at its route, which is drained and returned. */
  replace(
    create: (definition: ServiceDefinition) => LiveService,
    definition: ServiceDefinition,
    drain: DrainRequest,
  ): LiveService {
    const replaced = this.#setting.routes.get(definition.route);
    if (replaced === undefined || this.#draining.has(replaced)) {
      throw new TroupeError('TROUPE_SERVICE_UNKNOWN', { service: definition.route.path, registered: this.names });
    }
    const namesake = this.#services.get(definition.name);
    if (namesake !== undefined && namesake !== replaced) throw nameTaken(definition, namesake);
    const service = create(definition);
    const event: EventOf<'service.replace'> = { type: 'service.replace', service, replaced, drain };
    this.actor.send(event);
    this.#expectAttaching(event);
    return replaced;
  }

  detach(name: string, drain: DrainRequest): LiveService {
    const service = this.expect(name);
    if (this.#services.has(name)) this.actor.send({ type: 'service.detach', service, drain });
    else service.drain(drain);
    return service;
  }

  stop(drain: DrainRequest): void {
    this.actor.send({ type: 'stop.requested', drain });
  }

  toJSON(): object {
    return { services: this.names };
  }

  // What its chart needs.

  get serviceCount(): number {
    return this.#services.size + this.#draining.size;
  }

  add(event: EventOf<'service.attach'>): void {
    this.#start(event.service);
    event.answer = true;
  }

  swap(event: EventOf<'service.replace'>): void {
    this.#withdraw(event.replaced);
    this.#start(event.service);
    event.replaced.drain(event.drain);
    event.answer = true;
  }

  remove({ service, drain }: EventOf<'service.detach'>): void {
    this.#withdraw(service);
    service.drain(drain);
  }

  forget({ service }: EventOf<'service.stopped'>): void {
    this.#draining.delete(service);
    if (this.#setting.routes.get(service.route) === service) this.#setting.routes.remove(service);
    service.markStopped();
  }

  drainAll({ drain }: EventOf<'stop.requested'>): void {
    for (const service of [...this.#services.values()]) this.#withdraw(service);
    // Those that drain already get the earlier of the two deadlines.
    for (const service of [...this.#draining]) service.drain(drain);
  }

  reportEmpty(): void {
    this.#setting.emptied();
  }

  /** The server's actor or one of a service is done. */
  childEnded(id: string): void {
    // Only heeded when no service is left, so a service of that name does no harm.
    if (id === SERVER) this.actor.send({ type: 'server.closed' });
    for (const service of this.#draining) {
      if (service.actor.id === id && service.actor.getSnapshot().status === 'done') {
        this.actor.send({ type: 'service.stopped', service });
      }
    }
  }

  actionFailed(error: unknown, action: string): void {
    this.#setting.events.emit('callback.failed', { callback: `action "${action}" of the supervisor`, error });
  }

  #start(service: LiveService): void {
    this.#freeRoute(service);
    this.#services.set(service.name, service);
    this.#setting.routes.add(service);
    service.start();
    const { events } = this.#setting;
    if (events.has('service.attached')) events.emit('service.attached', { service: service.name });
  }

  /** Takes a service out of the registry. It drains and is waited for; until then upgrades to its route get 503. */
  #withdraw(service: LiveService): void {
    this.#services.delete(service.name);
    this.#draining.add(service);
  }

  #freeRoute({ route }: LiveService): void {
    const holder = this.#setting.routes.get(route);
    if (holder !== undefined) this.#setting.routes.remove(holder);
  }

  #checkFree(definition: ServiceDefinition): void {
    const namesake = this.#services.get(definition.name);
    const holder = this.#setting.routes.get(definition.route);
    if (holder !== undefined && !this.#draining.has(holder)) {
      const { name: service, route } = definition;
      throw new TroupeError('TROUPE_ROUTE_TAKEN', { route: route.path, service, otherService: holder.name });
    }
    if (namesake !== undefined) throw nameTaken(definition, namesake);
  }

  /** An answer may be missing because the request waits for what the supervisor is doing; then it is carried out next. */
  #expectAttaching({ answer }: Request<true>): void {
    if (answer === true || this.actor.getSnapshot().hasTag('attaching')) return;
    throw new TroupeError('TROUPE_CLOSED', { state: this.actor.getSnapshot().value as string });
  }
}

function nameTaken({ name, route }: ServiceDefinition, namesake: LiveService): TroupeError {
  return new TroupeError('TROUPE_SERVICE_NAME_TAKEN', {
    service: name,
    route: route.path,
    otherRoute: namesake.route.path,
  });
}

const supervisorLogic = chartLogic(
  compileChart<Supervisor, SupervisorEvent>(supervisorMachine, {
    actions: {
      attachService: (supervisor, event) => supervisor.add(event as EventOf<'service.attach'>),
      replaceService: (supervisor, event) => supervisor.swap(event as EventOf<'service.replace'>),
      detachService: (supervisor, event) => supervisor.remove(event as EventOf<'service.detach'>),
      forgetService: (supervisor, event) => supervisor.forget(event as EventOf<'service.stopped'>),
      drainServices: (supervisor, event) => supervisor.drainAll(event as EventOf<'stop.requested'>),
      reportEmpty: (supervisor) => supervisor.reportEmpty(),
    },
    guards: {
      hasNoService: (supervisor) => supervisor.serviceCount === 0,
      isLastService: (supervisor) => supervisor.serviceCount === 1,
    },
  }),
);
