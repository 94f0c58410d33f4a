/** The server's life: what `machines/server.ts` acts upon. */
import type { AnyActorRef, EventFromLogic } from 'xstate';
import { serverMachine } from '../../machines/server.ts';
import { MAX_DELAY_MS } from '../arguments.ts';
import type { Events } from '../telemetry/events.ts';
import { ChartActor } from './chart-actor.ts';
import { chartLogic, type ChartHost } from './chart-logic.ts';
import type { Clock } from './clock.ts';
import { compileChart } from './compiled-chart.ts';
import type { DrainRequest } from './drain.ts';

type ServerEvent =
  | { type: 'listen.requested' }
  | { type: 'listen.succeeded'; host: string; port: number; url: string }
  | { type: 'listen.failed' }
  | { type: 'drain.requested'; drain: DrainRequest }
  | { type: 'services.stopped' }
  | { type: 'drain.timedOut' }
  | { type: 'ports.released' };
type EventOf<Type extends EventFromLogic<typeof serverMachine>['type']> = Extract<ServerEvent, { type: Type }>;

/** How long after the deadline of a drain the services may still take, in ms: they end at it, unless something is wrong. */
const GRACE_MS = 1000;

/** The id of the server's actor. */
export const SERVER = 'server';

export interface ServerSetting {
  readonly parent: AnyActorRef;
  readonly clock: Clock;
  readonly events: Events;
  /** How many connections there are, on all services. */
  countConnections(): number;
  stopServices(drain: DrainRequest): void;
  /** Gives back ports and timers; `done` is to be called when nothing keeps the process alive any more. */
  releasePorts(done: () => void): void;
}

/** Whether upgrades are accepted; created idle. */
export class ServerLife implements ChartHost {
  readonly actor;
  readonly #setting: ServerSetting;
  readonly #closed: Promise<void>;
  #deadline: unknown;
  #resolveClosed!: () => void;

  constructor(setting: ServerSetting) {
    this.#setting = setting;
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.actor = new ChartActor(serverLogic, { parent: setting.parent, id: SERVER, src: SERVER, input: this });
  }

  get state(): string {
    return this.actor.getSnapshot().value as string;
  }

  get isAccepting(): boolean {
    return this.actor.getSnapshot().hasTag('accepting');
  }

  get isListenable(): boolean {
    return this.actor.getSnapshot().hasTag('listenable');
  }

  /** Settles when the server is closed. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  send(event: ServerEvent): void {
    if (this.actor.getSnapshot().status === 'active') this.actor.deliver(event);
  }

  toJSON(): object {
    return { connections: this.#setting.countConnections() };
  }

  // What its chart needs.

  reportListening({ host, port, url }: EventOf<'listen.succeeded'>): void {
    const { events } = this.#setting;
    if (events.has('server.listening')) events.emit('server.listening', { host, port, url });
  }

  reportDraining(): void {
    const { events } = this.#setting;
    if (events.has('server.draining'))
      events.emit('server.draining', { connections: this.#setting.countConnections() });
  }

  stopServices({ drain }: EventOf<'drain.requested'>): void {
    this.#deadline = this.#setting.clock.setTimeout(
      () => this.send({ type: 'drain.timedOut' }),
      Math.min(drain.timeoutMs + GRACE_MS, MAX_DELAY_MS),
    );
    this.#setting.stopServices(drain);
  }

  releasePorts(): void {
    this.#setting.clock.clearTimeout(this.#deadline);
    this.#setting.releasePorts(() => this.send({ type: 'ports.released' }));
  }

  reportClosed(): void {
    const { events } = this.#setting;
    if (events.has('server.closed')) events.emit('server.closed', {});
    this.#resolveClosed();
  }

  actionFailed(error: unknown, action: string): void {
    this.#setting.events.emit('callback.failed', { callback: `action "${action}" of the server`, error });
  }
}

const serverLogic = chartLogic(
  compileChart<ServerLife, ServerEvent>(serverMachine, {
    actions: {
      reportListening: (server, event) => server.reportListening(event as EventOf<'listen.succeeded'>),
      reportDraining: (server) => server.reportDraining(),
      stopServices: (server, event) => server.stopServices(event as EventOf<'drain.requested'>),
      releasePorts: (server) => server.releasePorts(),
      reportClosed: (server) => server.reportClosed(),
    },
    guards: {},
  }),
);
