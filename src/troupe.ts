/** The composition root: makes the parts of a Troupe and joins them. */
import type { AnyActorLogic } from 'xstate';
import type { Frame } from './delivery/frame.ts';
import { TroupeError } from './errors.ts';
import type { Troupe } from './face.ts';
import { attachTo } from './http/attach.ts';
import { addressReader } from './http/client-address.ts';
import { listen, type OwnServer } from './http/listen.ts';
import type { PlainDesk } from './http/plain.ts';
import { ServiceRoutes } from './http/service-routes.ts';
import { handleUpgrade, pathOf, type UpgradeDesk } from './http/upgrade.ts';
import { InspectorRoot } from './inspector-root.ts';
import { checkTroupeOptions, type ServiceSource, type TroupeOptions } from './options.ts';
import { FlightRecorder } from './recorder/flight-recorder.ts';
import { AddressCounts } from './runtime/address-counts.ts';
import { systemClock } from './runtime/clock.ts';
import { drainRequest } from './runtime/drain.ts';
import { ClusterNode, newNodeId } from './runtime/cluster/node.ts';
import { sourcesOf, Survey } from './runtime/cluster/survey.ts';
import { deliveryOf, Functions } from './runtime/functions.ts';
import { inspectionOf, watchInspection } from './runtime/inspection.ts';
import { healthOf } from './runtime/health.ts';
import { harmless, isolateSystem } from './runtime/isolation.ts';
import type { LiveConnection } from './runtime/connection.ts';
import { Inventory } from './runtime/inventory.ts';
import { overhearMachines } from './runtime/machine-steps.ts';
import { binaryFrame, textFrame } from './runtime/push.ts';
import { Queries } from './runtime/queries.ts';
import type { Realm } from './runtime/realm.ts';
import { startRegistries } from './runtime/registries.ts';
import { installIndexedScheduler } from './runtime/scheduler.ts';
import { ServerLife } from './runtime/server.ts';
import type { ServiceRecorder } from './runtime/recording.ts';
import { LiveService } from './runtime/service.ts';
import type { ServiceSetting } from './runtime/service-setting.ts';
import { Supervisor } from './runtime/supervisor.ts';
import { Turns } from './runtime/turns.ts';
import { TimerWheel } from './runtime/timer-wheel.ts';
import { definitionOf } from './service/annotations.ts';
import { checkName, wrongType } from './arguments.ts';
import type { Except } from './service/connection.ts';
import { resolveCompression } from './service/compression.ts';
import type { ServiceDefinition } from './service/definition.ts';
import { defaultLimits, resolveLimits } from './service/limits.ts';
import { boundConnection } from './service/bound-connection.ts';
import { boundShared } from './service/bound-service.ts';
import type { Shared } from './service/shared.ts';
import type { Delivery } from './service/outcome.ts';
import { eventNames, Events } from './telemetry/events.ts';
import { offerSeam } from './telemetry/seam.ts';
import { createWsTransport } from './transport/ws.ts';

const GOING_AWAY = 1001;
const SERVICE_RESTART = 1012;

/**
 * Creates a Troupe: an actor system that runs services.
 *
 * @throws {TroupeError} `TROUPE_ROUTE_TAKEN`, `TROUPE_SERVICE_NAME_TAKEN`, `TROUPE_SERVICE_NOT_DEFINED`
 * @throws {TroupeRangeError} `TROUPE_ARGUMENT_INVALID` for a limit that is none
 *
 * @example
 * ```ts
 * import { createTroupe, defineService } from 'troupe';
 *
 * const echo = defineService({
 *   basePath: '/echo',
 *   onTextMessage: (connection, text) => connection.pushText(text),
 * });
 * const troupe = createTroupe({ services: [echo] });
 * const { webSocketUrl } = await troupe.listen({ port: 9090 });
 * process.stdout.write(`${webSocketUrl}/echo\n`);
 * ```
 */
export function createTroupe(options: TroupeOptions = {}): Troupe {
  const createRecorder = FlightRecorder.of;
  return assembleTroupe(options, { createTransport: createWsTransport, createRecorder }).troupe;
}

/** What may be another one where connections are not made of sockets. */
export interface Parts {
  readonly createTransport: ServiceSetting['createTransport'];
  readonly createRecorder: (definition: ServiceDefinition, realm: Realm) => ServiceRecorder | undefined;
}

/** @internal */
export function assembleTroupe(options: TroupeOptions, parts: Parts) {
  checkTroupeOptions(options);
  const limits = resolveLimits(defaultLimits, options.limits);
  const addressOf = addressReader(options.trustProxy);
  const clock = options.clock ?? systemClock;
  const turns = new Turns();
  const events = new Events(turns);
  const wheel = new TimerWheel(clock, (error) => events.emit('callback.failed', { callback: 'deadline', error }));
  const routes = new ServiceRoutes<LiveService>();
  const detachers = new Set<() => void>();
  let listening: Promise<OwnServer> | undefined;

  const observerFailed = (error: unknown): void => events.emit('callback.failed', { callback: 'inspector', error });
  const supervisor = new Supervisor({
    clock,
    events,
    routes,
    inspect: options.inspect === undefined ? undefined : harmless(options.inspect, observerFailed),
    emptied: () => server.send({ type: 'services.stopped' }),
  });
  const { system } = supervisor.actor;
  watchInspection(system, options.inspect !== undefined);
  const inspection = inspectionOf(system);
  const steps = events.topics['machine.transitioned'];
  isolateSystem(system, {
    actorFailed(actor, error) {
      const connection = boundConnection(actor) as LiveConnection | undefined;
      const shared = connection === undefined ? boundShared(actor) : undefined;
      if (connection !== undefined) connection.failed(error, 'action');
      else if (shared !== undefined) shared.failed(error);
      else events.emit('callback.failed', { callback: `the actor "${actor.id}", which was restarted,`, error });
    },
    observerFailed,
    during: (userCode) => turns.during(userCode),
    isFollowed: (actor) => steps.isHeard || inspection.watches(actor),
  });
  overhearMachines(system, events);
  // After the isolation, as it relays what it has scheduled.
  installIndexedScheduler(system, clock);
  supervisor.actor.subscribe({ error: observerFailed });
  supervisor.actor.start();

  const server = new ServerLife({
    parent: supervisor.actor,
    clock,
    events,
    countConnections: () => supervisor.connectionCount,
    stopServices: (drain) => supervisor.stop(drain),
    releasePorts(done) {
      wheel.stop();
      groups.send({ type: 'groups.release' });
      void releaseServers().finally(done);
    },
  });
  server.actor.start();

  const parent = supervisor.actor;
  const registries = startRegistries(parent);
  const { names, groups } = registries;
  const queries = new Queries(names, groups);
  const service = (name: string): LiveService | undefined => supervisor.get(name);
  const sources = sourcesOf(queries, service);
  const node =
    options.backplane &&
    new ClusterNode({ backplane: options.backplane, parent, clock, events, registries, sources, service });
  const functions = node?.functions ?? new Functions(names, groups, events);
  const addresses = AddressCounts.of(limits.maxConnectionsPerAddress);
  const realm: Realm = { clock, wheel, turns, events, names, groups, functions, relay: node, addresses };

  const inspector = InspectorRoot.of(options.inspector, () => ({
    source: new Inventory({ supervisor, server: server.actor, names, groups, events, backplane: node?.life.actor }),
    events,
    createTransport: createWsTransport,
  }));

  /** Never rejects: a server that could not listen holds nothing. */
  async function releaseServers(): Promise<void> {
    for (const detach of detachers) detach();
    await inspector?.stop();
    await node?.stop();
    const own = await listening?.catch(() => undefined);
    await own?.close();
  }

  function createService(definition: ServiceDefinition): LiveService {
    return new LiveService(definition, {
      realm,
      // The server's own bounds on connections are for all services together.
      limits: resolveLimits(
        { ...limits, maxConnections: Infinity, maxConnectionsPerAddress: Infinity },
        definition.options.limits,
      ),
      allowedOrigins: options.allowedOrigins,
      compression: resolveCompression(definition.options.compression ?? options.compression),
      recorder: parts.createRecorder(definition, realm),
      parent,
      createTransport: parts.createTransport,
    });
  }

  function broadcast(name: string, service: string, frame: Frame, except: Except | undefined): Delivery {
    const live = supervisor.get(service);
    if (live !== undefined) return live.broadcast(name, frame, except);
    // Others may have it.
    if (node !== undefined) return node.broadcast(name, service, frame, except, deliveryOf('accepted'));
    return functions.pushed(name, service, frame, 'unknown');
  }

  const servicesDesk: UpgradeDesk & PlainDesk = {
    get isAccepting() {
      return (
        server.isAccepting && (limits.maxConnections === Infinity || supervisor.placesTaken < limits.maxConnections)
      );
    },
    get isLeaving() {
      return !server.isAccepting;
    },
    find: (path) => routes.find(path),
    addressOf,
    get trace() {
      return events.upgrades.trace;
    },
    refused({ status, reason }, path, remoteAddress, request) {
      const service = routes.find(path)?.value.name;
      events.upgrades.refused(request, { status, reason, path, remoteAddress, service });
    },
    abandoned: (request) => events.upgrades.abandoned(request, routes.find(pathOf(request.url ?? '/'))?.value.name),
    acceptFailed: (error, request) => events.upgrades.failed(request, error),
    findHttp: (path) => routes.findHttp(path),
    isUpgradePath: (path) => routes.find(path) !== undefined,
    listenerFailed: (error) => events.emit('callback.failed', { callback: 'http', error }),
  };

  const desk = inspector?.join(servicesDesk) ?? servicesDesk;

  function checkUsable(): void {
    if (!server.isAccepting) throw new TroupeError('TROUPE_CLOSED', { state: server.state });
  }

  const troupe: Troupe = {
    async listen(where = {}) {
      checkUsable();
      if (!server.isListenable) throw new TroupeError('TROUPE_ALREADY_LISTENING', { state: server.state });
      server.send({ type: 'listen.requested' });
      listening = listen(desk, options.http, limits.handshakeTimeoutMs, where);
      try {
        const { address } = await listening;
        const { host, port, url } = address;
        server.send({ type: 'listen.succeeded', host, port, url });
        inspector?.listening(address);
        return address;
      } catch (error) {
        listening = undefined;
        server.send({ type: 'listen.failed' });
        throw error;
      }
    },

    attach(application) {
      checkUsable();
      const detach = attachTo(application, desk);
      detachers.add(detach);
      return () => {
        if (detachers.delete(detach)) detach();
      };
    },

    handleUpgrade: (request, stream, head) => handleUpgrade(desk, request, stream, head),

    attachService(source) {
      checkUsable();
      const definition = definitionOf(source);
      inspector?.checkFree(definition);
      supervisor.attach(createService, definition);
    },

    async replaceService(source, { drain } = {}) {
      checkUsable();
      const definition = definitionOf(source);
      const request = drainRequest(drain, SERVICE_RESTART);
      await supervisor.replace(createService, definition, request).stopped;
    },

    async detachService(name, { drain } = {}) {
      checkName('service', name);
      const request = drainRequest(drain, GOING_AWAY);
      await supervisor.detach(name, request).stopped;
    },

    broadcastText(service, text, except) {
      checkName('service', service);
      return broadcast('broadcastText', service, textFrame(text, except), except);
    },

    broadcastBinary(service, data, except) {
      checkName('service', service);
      return broadcast('broadcastBinary', service, binaryFrame(data, except), except);
    },

    pushTextToConnection: (name, text, options) => functions.pushTextToConnection(name, text, options),
    pushBinaryToConnection: (name, data, options) => functions.pushBinaryToConnection(name, data, options),
    removeStoredConnection: (name) => functions.removeStoredConnection(name),
    closeStoredConnection: (name, code, reason) => functions.closeStoredConnection(name, code, reason),
    pushTextToGroup: (group, text, except) => functions.pushTextToGroup(group, text, except),
    pushBinaryToGroup: (group, data, except) => functions.pushBinaryToGroup(group, data, except),
    removeConnectionGroup: (group, how) => functions.removeConnectionGroup(group, how),
    closeConnectionGroup: (group, code, reason) => functions.closeConnectionGroup(group, code, reason),

    shared<Logic extends AnyActorLogic>(service: string) {
      checkName('service', service);
      const { shared } = supervisor.expect(service);
      if (shared === undefined) throw new TroupeError('TROUPE_SHARED_UNDECLARED', { service });
      return shared.outside as unknown as Shared<Logic>;
    },

    services: () => supervisor.names,
    connections: (service, page) => supervisor.expect(service).connections(page),
    groups: (page) => queries.groups(page),
    members: (group, page) => queries.members(group, page),
    isMember: (group, connectionId) => queries.isMember(group, connectionId),
    storedNames: (page) => queries.storedNames(page),

    cluster: node?.survey ?? new Survey({ nodeId: newNodeId(), clock, sources, link: () => undefined }),
    health: () => healthOf(server, supervisor.services, node?.life),

    recording(connectionId) {
      if (typeof connectionId !== 'string') throw wrongType('connectionId', 'a string', connectionId);
      return supervisor.findConnection(connectionId)?.recording?.();
    },

    on(name, listener) {
      if (!eventNames.includes(name)) throw wrongType('name', `one of ${eventNames.join(', ')}`, name);
      if (typeof listener !== 'function') throw wrongType('listener', 'a function', listener);
      return events.on(name, listener);
    },
    inspect(observer) {
      const subscription = system.inspect(observer);
      return () => subscription.unsubscribe();
    },
    inspector: inspector?.address,

    async close({ drain, restarting = false } = {}) {
      const request = drainRequest(drain, restarting ? SERVICE_RESTART : GOING_AWAY);
      inspector?.endWithin(request.timeoutMs);
      server.send({ type: 'drain.requested', drain: request });
      await server.closed;
    },
  };

  events.troupe = troupe;
  offerSeam(troupe, {
    events,
    routeOf: (service) => supervisor.get(service)?.route.path,
    connectionCounts: () => supervisor.connectionCounts(),
  });
  const given: readonly ServiceSource[] = options.services ?? [];
  for (const source of given) troupe.attachService(source);
  // At the end: of what could not be created nothing must be left connected.
  node?.start();
  return { troupe, supervisor };
}
