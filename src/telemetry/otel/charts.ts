/** Counts the edges of charts that are taken, and times their innermost states. */
import type { BatchObservableResult } from '@opentelemetry/api';
import type { Edge } from '../facts.ts';
import { Series } from './bounds.ts';
import type { Instruments } from './instruments.ts';

/** More edges than all the charts of a program have: one that makes machines while it runs must not make series for ever. */
const MOST_EDGES = 2000;
const MOST_STATES = 1000;

/** The id of the chart that every connection has. */
export const CONNECTION = 'connection';

/** Steps of one chart for one connection, as the facts tell of them. */
export interface ChartStep {
  readonly connection: string;
  readonly service: string;
  readonly chart: string;
  readonly edges: readonly Edge[];
  readonly states: readonly string[];
}

/** When each of the active states was entered. */
interface Stay {
  readonly service: string;
  readonly chart: string;
  readonly entered: Map<string, number>;
}

export class Charts {
  readonly #instruments: Instruments;
  readonly #edges = new Series(MOST_EDGES, ([service, chart, source, target, event]) => ({
    count: 0,
    attributes: {
      'troupe.service': service,
      'troupe.chart': chart,
      'troupe.edge.source': source,
      'troupe.edge.target': target,
      'troupe.edge.event': event,
    },
  }));
  readonly #states = new Series(MOST_STATES, ([service, chart, state]) => ({
    'troupe.service': service,
    'troupe.chart': chart,
    'troupe.state': state,
  }));
  /** By connection: its charts. One that is not here was opened before anybody listened, and is timed from then on. */
  readonly #stays = new Map<string, Stay[]>();

  constructor(instruments: Instruments) {
    this.#instruments = instruments;
  }

  took({ connection, service, chart, edges, states }: ChartStep): void {
    for (const { source, targets, event } of edges) {
      this.#edges.of(service, chart, source, targets.join(' '), event).count++;
    }
    let stays = this.#stays.get(connection);
    if (stays === undefined) this.#stays.set(connection, (stays = []));
    let stay = stays.find((other) => other.chart === chart);
    if (stay === undefined) stays.push((stay = { service, chart, entered: new Map() }));
    this.#move(stay, states);
  }

  /** Nothing of the connection is left, so that its states are. */
  left(connection: string): void {
    // The last state of a connection's own chart is its end, in which it does not stay.
    for (const stay of this.#stays.get(connection) ?? []) if (stay.chart !== CONNECTION) this.#move(stay, []);
    this.#stays.delete(connection);
  }

  observe(result: BatchObservableResult): void {
    for (const { count, attributes } of this.#edges.values()) {
      result.observe(this.#instruments['troupe.chart.transitions'], count, attributes);
    }
  }

  #move(stay: Stay, states: readonly string[]): void {
    const { service, chart, entered } = stay;
    const now = performance.now();
    for (const [state, since] of entered) {
      if (states.includes(state)) continue;
      entered.delete(state);
      const attributes = this.#states.of(service, chart, state);
      this.#instruments['troupe.chart.state.duration'].record((now - since) / 1000, attributes);
    }
    for (const state of states) if (!entered.has(state)) entered.set(state, now);
  }
}
