/**
 * `troupe/otel`: metrics and traces of a Troupe through the API of OpenTelemetry,
 * `@opentelemetry/api`, which the application installs together with an SDK of
 * its choice. Nothing else of the package imports it.
 */
import type { IncomingMessage } from 'node:http';
import { context, metrics, trace, type MeterProvider, type TracerProvider } from '@opentelemetry/api';
import { checkCount, checkOptions, wrongType } from '../../arguments.ts';
import { TroupeError } from '../../errors.ts';
import type { Troupe } from '../../face.ts';
import type { TroupeEventListener, TroupeEventName } from '../facts.ts';
import { seamOf, type Seam } from '../seam.ts';
import type { Tracer, UpgradeOutcome } from '../tracer.ts';
import { attempt } from './attempt.ts';
import { Metrics } from './metrics.ts';
import { answerAttributes, metricAttributes, spanAttributes } from './requests.ts';
import { Traces, type HandlerSpans } from './traces.ts';

/** The name of the meter and of the tracer: the scope of all that is reported. */
const SCOPE = 'troupe';
const NAME = 'troupe/otel';
const KNOWN = ['meterProvider', 'tracerProvider', 'handlerSpans', 'charts', 'closeCodes'];
const HANDLER_SPANS: readonly HandlerSpans[] = ['linked', 'child', 'none'];
const CHARTS = ['all', 'machines', 'none'] as const;

export interface InstrumentOptions {
  /** Where metrics go; `false`: there are none. @defaultValue the global one, `metrics.getMeterProvider()` */
  readonly meterProvider?: MeterProvider | false;
  /** Where spans go; `false`: there are none. @defaultValue the global one, `trace.getTracerProvider()` */
  readonly tracerProvider?: TracerProvider | false;
  /**
   * Whether runs of handlers get spans: each in a trace of its own that links to the upgrade (`'linked'`), all of a
   * connection beneath its upgrade (`'child'`), for connections that are short, or none. That of `onOpen` is always
   * beneath the upgrade.
   * @defaultValue 'linked'
   */
  readonly handlerSpans?: HandlerSpans;
  /**
   * Of which charts transitions are counted and states timed: the machines of services, also the chart that every
   * connection has, which takes two transitions for each message, or none.
   * @defaultValue 'machines'
   */
  readonly charts?: (typeof CHARTS)[number];
  /** Close codes of your own, 3000 to 4999, to be told apart in metrics; others are `3xxx` and `4xxx`. @defaultValue none */
  readonly closeCodes?: readonly number[];
}

/**
 * Reports the metrics and traces of `troupe` to OpenTelemetry, until the function that is returned is called.
 *
 * Register the SDK before: what is reported to a global provider that is not there yet is lost. Connections that are
 * open already are counted as active, and timed from now on. It is not a listener: `connection.crashed` becomes a
 * warning of the process as before, unless somebody listens to it. It sets no status and no text of an error on
 * anything that the remote side sees.
 *
 * @throws {TroupeError} `TROUPE_ALREADY_INSTRUMENTED` while an earlier one is in force
 * @throws {TroupeTypeError} `TROUPE_ARGUMENT_INVALID` for options that are none, and for what `createTroupe` of this
 * copy of the package has not made
 *
 * @example
 * ```ts
 * import { createTroupe, defineService } from 'troupe';
 * import { instrument } from 'troupe/otel';
 *
 * const echo = defineService({ basePath: '/echo', onTextMessage: (connection, text) => connection.pushText(text) });
 * const troupe = createTroupe({ services: [echo] });
 * const stop = instrument(troupe, { closeCodes: [4001] });
 * await troupe.listen({ port: 9090 });
 * await troupe.close();
 * stop();
 * ```
 */
export function instrument(troupe: Troupe, options: InstrumentOptions = {}): () => void {
  const seam = typeof troupe === 'object' && troupe !== null ? seamOf(troupe) : undefined;
  if (seam === undefined) throw wrongType('troupe', 'what createTroupe() of this copy of the package returned', troupe);
  const { meterProvider, tracerProvider, handlerSpans = 'linked', charts = 'machines', closeCodes = [] } = options;
  checkOptions('options', options, KNOWN);
  checkOneOf('handlerSpans', HANDLER_SPANS, handlerSpans);
  checkOneOf('charts', CHARTS, charts);
  checkCloseCodes(closeCodes);
  const { events } = seam;
  if (events.tracer !== undefined) throw new TroupeError('TROUPE_ALREADY_INSTRUMENTED', { by: events.tracer.name });

  const ends: (() => void)[] = [];
  const failed = (error: unknown): void => events.emit('callback.failed', { callback: NAME, error });
  const hear = <Name extends TroupeEventName>(name: Name, listener: TroupeEventListener<Name>): void => {
    const harmless: TroupeEventListener<Name> = (event) => attempt(() => listener(event), failed);
    ends.push(events.overhear(name, harmless));
  };
  const meter = meterProvider === false ? undefined : (meterProvider ?? metrics.getMeterProvider()).getMeter(SCOPE);
  const tracer = tracerProvider === false ? undefined : (tracerProvider ?? trace.getTracerProvider()).getTracer(SCOPE);
  const routeOf = (service: string): string | undefined => seam.routeOf(service);
  const own = new Adapter(
    seam,
    meter && new Metrics({ seam, meter, charts, closeCodes, hear }),
    tracer && new Traces({ tracer, handlerSpans, routeOf, failed }),
    failed,
  );
  events.tracer = own;
  return () => {
    if (events.tracer !== own) return;
    events.tracer = undefined;
    for (const end of ends) end();
    own.stop();
  };
}

function checkCloseCodes(codes: readonly number[]): void {
  if (!Array.isArray(codes)) throw wrongType('closeCodes', 'an array of numbers', codes);
  for (const code of codes as readonly number[]) checkCount('closeCodes', code, 3000, 4999);
}

function checkOneOf(argument: string, known: readonly string[], value: string): void {
  if (!known.includes(value)) throw wrongType(argument, `one of ${known.join(', ')}`, value);
}

class Adapter implements Tracer {
  readonly name = NAME;
  readonly handler: Tracer['handler'];
  readonly #seam: Seam;
  readonly #metrics: Metrics | undefined;
  readonly #traces: Traces | undefined;
  readonly #failed: (error: unknown) => void;
  readonly #begun = new WeakMap<IncomingMessage, number>();

  constructor(seam: Seam, metrics: Metrics | undefined, traces: Traces | undefined, failed: (error: unknown) => void) {
    this.#seam = seam;
    this.#metrics = metrics;
    this.#traces = traces;
    this.#failed = failed;
    const handler = traces?.handler;
    this.handler = handler && ((connection, event) => attempt(() => handler(connection, event), failed));
  }

  stop(): void {
    this.#metrics?.stop();
  }

  upgrade(request: IncomingMessage, judge: () => void): void {
    this.#begun.set(request, performance.now());
    const own = attempt(() => this.#traces?.begin(request, spanAttributes(request)), this.#failed);
    if (own === undefined) judge();
    else context.with(own, judge);
  }

  upgraded(request: IncomingMessage, outcome: UpgradeOutcome): void {
    const begunAt = this.#begun.get(request);
    // It came before this was there, or is none of a service.
    if (begunAt === undefined) return;
    const seconds = (performance.now() - begunAt) / 1000;
    const service = 'connection' in outcome ? outcome.connection.service : outcome.service;
    const route = service === undefined ? undefined : this.#seam.routeOf(service);
    attempt(() => this.#metrics?.answered(seconds, metricAttributes(request, outcome, route)), this.#failed);
    attempt(() => this.#traces?.end(request, outcome, answerAttributes(outcome, route)), this.#failed);
  }
}
