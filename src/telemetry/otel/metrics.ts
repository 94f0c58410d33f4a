/**
 * Turns facts into metrics. What happens with every message is counted in plain
 * numbers, which are read when somebody collects; what happens to a connection
 * seldom goes to an instrument at once.
 */
import type { Attributes, BatchObservableResult, Meter } from '@opentelemetry/api';
import type { TroupeEventListener, TroupeEventName, TroupeEvents } from '../facts.ts';
import type { Seam } from '../seam.ts';
import { CloseCodes, Distinct, Series } from './bounds.ts';
import { Charts, CONNECTION } from './charts.ts';
import { createInstruments, type Instruments } from './instruments.ts';

/** A program has some services; one that makes them while it runs must not make series for ever. */
const MOST_SERVICES = 200;
const MOST_SERIES = 1000;

export interface MetricsSetting {
  readonly seam: Seam;
  readonly meter: Meter;
  readonly charts: 'all' | 'machines' | 'none';
  readonly closeCodes: readonly number[];
  /** Hears of a fact until the instrumentation ends; `listener` may throw. */
  readonly hear: <Name extends TroupeEventName>(name: Name, listener: TroupeEventListener<Name>) => void;
}

export class Metrics {
  readonly #seam: Seam;
  readonly #instruments: Instruments;
  readonly #services = new Distinct(MOST_SERVICES);
  readonly #closeCodes: CloseCodes;
  readonly #charts: Charts;
  readonly #messages = new Series(MOST_SERIES, ([service, kind, direction]) => ({
    count: 0,
    bytes: 0,
    attributes: { 'troupe.service': service, 'troupe.message.kind': kind, 'network.io.direction': direction },
  }));
  readonly #handlers = new Series<Attributes>(MOST_SERIES, ([service, event, outcome]) => ({
    'troupe.service': service,
    'troupe.event': event,
    'troupe.handler.outcome': outcome,
  }));
  readonly #meter: Meter;

  constructor(setting: MetricsSetting) {
    this.#seam = setting.seam;
    this.#meter = setting.meter;
    this.#instruments = createInstruments(setting.meter);
    this.#closeCodes = new CloseCodes(setting.closeCodes);
    this.#charts = new Charts(this.#instruments);
    this.#listen(setting);
    this.#meter.addBatchObservableCallback(this.#observe, this.#observables);
  }

  stop(): void {
    this.#meter.removeBatchObservableCallback(this.#observe, this.#observables);
  }

  /** An upgrade was answered. */
  answered(seconds: number, attributes: Attributes): void {
    this.#instruments['http.server.request.duration'].record(seconds, attributes);
  }

  #listen({ hear, charts }: MetricsSetting): void {
    const instruments = this.#instruments;
    hear('connection.opened', ({ connection }) => {
      instruments['troupe.connection.opened'].add(1, this.#of(connection.service));
    });
    hear('connection.closed', (fact) => this.#closed(fact));
    hear('connection.congested', ({ connection }) => {
      instruments['troupe.connection.congested'].add(1, this.#of(connection.service));
    });
    hear('connection.crashed', ({ service, during }) => {
      instruments['troupe.connection.crashes'].add(1, { ...this.#of(service), 'troupe.event': during });
    });
    hear('connection.restarted', ({ service, from }) => {
      instruments['troupe.connection.restarts'].add(1, { ...this.#of(service), 'troupe.restart.from': from });
    });
    const services = instruments['troupe.service.transitions'];
    const moved = (state: 'failed' | 'recovering' | 'running', service: string): void =>
      services.add(1, { ...this.#of(service), 'troupe.service.state': state });
    hear('service.failed', ({ service }) => moved('failed', service));
    hear('service.recovering', ({ service }) => moved('recovering', service));
    hear('service.recovered', ({ service }) => moved('running', service));
    hear('connection.violated', ({ connection, code }) => {
      const attributes = { ...this.#of(connection.service), 'troupe.close.code': this.#closeCodes.of(code) };
      instruments['troupe.connection.violations'].add(1, attributes);
    });
    hear('shared.crashed', ({ service }) => instruments['troupe.shared.crashes'].add(1, this.#of(service)));
    hear('shared.dead-lettered', ({ service }) => instruments['troupe.shared.dead_letters'].add(1, this.#of(service)));
    hear('message.received', (fact) => this.#count(fact, 'receive'));
    hear('message.sent', (fact) => this.#count(fact, 'transmit'));
    hear('handler.settled', ({ service, event, durationMs, isFailed }) => {
      const outcome = isFailed ? 'failed' : 'settled';
      const attributes = this.#handlers.of(this.#services.of(service), event, outcome);
      instruments['troupe.handler.duration'].record(durationMs / 1000, attributes);
    });
    hear('push.dead-lettered', (fact) => {
      const attributes = { 'troupe.function': fact.function, 'troupe.delivery.status': fact.status };
      instruments['troupe.dead_letters'].add(1, attributes);
    });
    if (charts === 'none') return;
    hear('machine.transitioned', ({ machine, ...step }) => {
      this.#charts.took({ ...step, service: this.#services.of(step.service), chart: machine });
    });
    if (charts === 'machines') return;
    hear('connection.transitioned', (step) => {
      this.#charts.took({ ...step, service: this.#services.of(step.service), chart: CONNECTION });
    });
  }

  #closed({ connection, code }: TroupeEvents['connection.closed']): void {
    this.#charts.left(connection.id);
    const attributes = { ...this.#of(connection.service), 'troupe.close.code': this.#closeCodes.of(code) };
    const seconds = Math.max(0, Date.now() - connection.openedAt) / 1000;
    this.#instruments['troupe.connection.duration'].record(seconds, attributes);
  }

  #count({ service, kind, bytes }: TroupeEvents['message.received'], direction: 'receive' | 'transmit'): void {
    const messages = this.#messages.of(this.#services.of(service), kind, direction);
    messages.count++;
    messages.bytes += bytes;
  }

  #of(service: string): Attributes {
    return { 'troupe.service': this.#services.of(service) };
  }

  get #observables() {
    const instruments = this.#instruments;
    return [
      instruments['troupe.active_connections'],
      instruments['troupe.message.count'],
      instruments['troupe.message.io'],
      instruments['troupe.chart.transitions'],
    ];
  }

  readonly #observe = (result: BatchObservableResult): void => {
    const instruments = this.#instruments;
    const active = new Map<string, number>();
    for (const { service, connections } of this.#seam.connectionCounts()) {
      const name = this.#services.of(service);
      active.set(name, (active.get(name) ?? 0) + connections);
    }
    for (const [service, connections] of active) {
      result.observe(instruments['troupe.active_connections'], connections, { 'troupe.service': service });
    }
    for (const { count, bytes, attributes } of this.#messages.values()) {
      result.observe(instruments['troupe.message.count'], count, attributes);
      result.observe(instruments['troupe.message.io'], bytes, attributes);
    }
    this.#charts.observe(result);
  };
}
