/**
 * The metrics, by name. `docs/telemetry.md` has the same table; a test holds the two together.
 *
 * There are conventions of OpenTelemetry for an HTTP request, and so for an upgrade, and none for WebSocket; names of
 * our own are made as those of other servers there (`kestrel.active_connections`, `signalr.server.connection.duration`).
 */
import type { Histogram, Counter, Meter, ObservableCounter, ObservableUpDownCounter } from '@opentelemetry/api';

const SECONDS_OF_WORK = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** As the conventions advise it. */
const SECONDS_OF_REQUESTS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const SECONDS_OF_LIFE = [0.01, 0.1, 1, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400];

type Kind = 'counter' | 'histogram' | 'observable counter' | 'observable up-down counter';

interface Definition {
  readonly kind: Kind;
  readonly unit: string;
  readonly description: string;
  readonly attributes: readonly string[];
  readonly boundaries?: readonly number[];
}

/** Every metric with its attributes. */
export const definitions = {
  'http.server.request.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'How long upgrades took to be answered, the refused ones included.',
    attributes: [
      'http.request.method',
      'http.response.status_code',
      'http.route',
      'url.scheme',
      'network.protocol.version',
      'error.type',
    ],
    boundaries: SECONDS_OF_REQUESTS,
  },
  'troupe.active_connections': {
    kind: 'observable up-down counter',
    unit: '{connection}',
    description: 'Connections that hold a socket, those that are closing included.',
    attributes: ['troupe.service'],
  },
  'troupe.connection.opened': {
    kind: 'counter',
    unit: '{connection}',
    description: 'Connections that were opened.',
    attributes: ['troupe.service'],
  },
  'troupe.connection.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'How long connections lasted; its count is that of the closed ones.',
    attributes: ['troupe.service', 'troupe.close.code'],
    boundaries: SECONDS_OF_LIFE,
  },
  'troupe.connection.congested': {
    kind: 'counter',
    unit: '{congestion}',
    description: 'How often connections became congested, as their remote side read too slowly.',
    attributes: ['troupe.service'],
  },
  'troupe.connection.crashes': {
    kind: 'counter',
    unit: '{crash}',
    description: 'How often code of a service failed for a connection, which ended or was restarted.',
    attributes: ['troupe.service', 'troupe.event'],
  },
  'troupe.connection.restarts': {
    kind: 'counter',
    unit: '{restart}',
    description: 'How often services began anew for connections for which they had failed.',
    attributes: ['troupe.service', 'troupe.restart.from'],
  },
  'troupe.connection.violations': {
    kind: 'counter',
    unit: '{violation}',
    description: 'Connections that ended because the remote side broke the protocol.',
    attributes: ['troupe.service', 'troupe.close.code'],
  },
  'troupe.service.transitions': {
    kind: 'counter',
    unit: '{transition}',
    description: 'How often services failed, accepted connections again and had recovered.',
    attributes: ['troupe.service', 'troupe.service.state'],
  },
  'troupe.shared.crashes': {
    kind: 'counter',
    unit: '{crash}',
    description: 'Failures of shared state, from which it begins anew.',
    attributes: ['troupe.service'],
  },
  'troupe.shared.dead_letters': {
    kind: 'counter',
    unit: '{event}',
    description: 'Events that were sent to shared state in vain.',
    attributes: ['troupe.service'],
  },
  'troupe.message.count': {
    kind: 'observable counter',
    unit: '{message}',
    description: 'Messages that were received and sent.',
    attributes: ['troupe.service', 'troupe.message.kind', 'network.io.direction'],
  },
  'troupe.message.io': {
    kind: 'observable counter',
    unit: 'By',
    description: 'Bytes of the messages that were received and sent, not compressed and without frames.',
    attributes: ['troupe.service', 'troupe.message.kind', 'network.io.direction'],
  },
  'troupe.handler.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'How long services took to handle an event.',
    attributes: ['troupe.service', 'troupe.event', 'troupe.handler.outcome'],
    boundaries: SECONDS_OF_WORK,
  },
  'troupe.dead_letters': {
    kind: 'counter',
    unit: '{push}',
    description: 'Pushes that reached nobody, or not all of those meant.',
    attributes: ['troupe.function', 'troupe.delivery.status'],
  },
  'troupe.chart.transitions': {
    kind: 'observable counter',
    unit: '{transition}',
    description: 'How often each edge of a chart was taken.',
    attributes: ['troupe.service', 'troupe.chart', 'troupe.edge.source', 'troupe.edge.target', 'troupe.edge.event'],
  },
  'troupe.chart.state.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'How long connections were in each innermost state of a chart, when they had left it.',
    attributes: ['troupe.service', 'troupe.chart', 'troupe.state'],
    boundaries: SECONDS_OF_LIFE,
  },
} as const satisfies Readonly<Record<string, Definition>>;

export type MetricName = keyof typeof definitions;

interface InstrumentOf {
  counter: Counter;
  histogram: Histogram;
  'observable counter': ObservableCounter;
  'observable up-down counter': ObservableUpDownCounter;
}

export type Instruments = { readonly [Name in MetricName]: InstrumentOf[(typeof definitions)[Name]['kind']] };

export function createInstruments(meter: Meter): Instruments {
  const made = Object.entries<Definition>(definitions).map(([name, definition]) => [
    name,
    create(meter, name, definition),
  ]);
  return Object.fromEntries(made) as Instruments;
}

function create(meter: Meter, name: string, { kind, unit, description, boundaries }: Definition): InstrumentOf[Kind] {
  switch (kind) {
    case 'counter':
      return meter.createCounter(name, { unit, description });
    case 'histogram':
      return meter.createHistogram(name, {
        unit,
        description,
        ...(boundaries !== undefined && { advice: { explicitBucketBoundaries: [...boundaries] } }),
      });
    case 'observable counter':
      return meter.createObservableCounter(name, { unit, description });
    case 'observable up-down counter':
      return meter.createObservableUpDownCounter(name, { unit, description });
  }
}
