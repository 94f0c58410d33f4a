/**
 * Turns upgrades and handlers into spans. A connection may last for days, and a
 * span is only seen when it has ended, so there is none for a connection: there
 * is one for its upgrade, in the trace that the remote side names, and one for
 * each run of a handler.
 */
import type { IncomingMessage } from 'node:http';
import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type Tracer as SpanTracer,
} from '@opentelemetry/api';
import type { ServiceEvent } from '../../service/events.ts';
import { attempt } from './attempt.ts';
import type { HandlerTrace, TracedConnection, UpgradeOutcome } from '../tracer.ts';

export type HandlerSpans = 'linked' | 'child' | 'none';

export interface TracesSetting {
  readonly tracer: SpanTracer;
  readonly handlerSpans: HandlerSpans;
  readonly routeOf: (service: string) => string | undefined;
  /** A span could not be ended. */
  readonly failed: (error: unknown) => void;
}

interface OpenUpgrade {
  readonly span: Span;
  readonly context: Context;
}

export class Traces {
  readonly #setting: TracesSetting;
  readonly #upgrades = new WeakMap<IncomingMessage, OpenUpgrade>();
  /** Of the upgrade that a connection came from. */
  readonly #origins = new WeakMap<TracedConnection, Context>();

  constructor(setting: TracesSetting) {
    this.#setting = setting;
  }

  /** The context to judge an upgrade in. */
  begin(request: IncomingMessage, attributes: Attributes): Context {
    const parent = propagation.extract(context.active(), request.headers);
    const method = attributes['http.request.method'];
    const name = method === request.method ? method : 'HTTP';
    const span = this.#setting.tracer.startSpan(name!, { kind: SpanKind.SERVER, attributes }, parent);
    const own = trace.setSpan(parent, span);
    this.#upgrades.set(request, { span, context: own });
    return own;
  }

  end(request: IncomingMessage, outcome: UpgradeOutcome, attributes: Attributes): void {
    const upgrade = this.#upgrades.get(request);
    if (upgrade === undefined) return;
    this.#upgrades.delete(request);
    const { span } = upgrade;
    span.setAttributes(attributes);
    const route = attributes['http.route'];
    if (typeof route === 'string') span.updateName(`${request.method} ${route}`);
    if ('connection' in outcome) {
      this.#origins.set(outcome.connection, upgrade.context);
      span.setAttributes({
        'troupe.service': outcome.connection.service,
        'troupe.connection.id': outcome.connection.id,
      });
    }
    if (outcome.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  }

  get handler(): ((connection: TracedConnection, event: ServiceEvent) => HandlerTrace) | undefined {
    return this.#setting.handlerSpans === 'none' ? undefined : this.#handler;
  }

  readonly #handler = (connection: TracedConnection, event: ServiceEvent): HandlerTrace => {
    const { tracer, handlerSpans, routeOf } = this.#setting;
    const origin = this.#origins.get(connection);
    const upgrade = origin && trace.getSpanContext(origin);
    // What opens a connection belongs to its upgrade; what follows, for hours maybe, would make one endless trace.
    const isChild = handlerSpans === 'child' || event.type === 'ws.open';
    const base = origin === undefined ? ROOT_CONTEXT : isChild ? origin : trace.deleteSpan(origin);
    const { id, service } = connection;
    const span = tracer.startSpan(
      `${event.type} ${routeOf(service) ?? service}`,
      {
        kind: isMessage(event) ? SpanKind.CONSUMER : SpanKind.INTERNAL,
        links: upgrade === undefined || isChild ? [] : [{ context: upgrade }],
        attributes: {
          'troupe.service': service,
          'troupe.connection.id': id,
          'troupe.event': event.type,
          ...(isMessage(event) && { 'troupe.message.size': sizeOf(event) }),
        },
      },
      base,
    );
    return new HandlerSpan(span, trace.setSpan(base, span), this.#setting.failed);
  };
}

class HandlerSpan implements HandlerTrace {
  readonly #span: Span;
  readonly #context: Context;
  readonly #failed: (error: unknown) => void;

  constructor(span: Span, own: Context, failed: (error: unknown) => void) {
    this.#span = span;
    this.#context = own;
    this.#failed = failed;
  }

  run<Result>(handle: () => Result): Result {
    return context.with(this.#context, handle);
  }

  settled(failure: { readonly error: unknown } | undefined): void {
    if (failure !== undefined) attempt(() => this.#describe(failure.error), this.#failed);
    attempt(() => this.#span.end(), this.#failed);
  }

  /** What was thrown may be anything. */
  #describe(error: unknown): void {
    this.#span.setStatus({ code: SpanStatusCode.ERROR });
    this.#span.setAttribute('error.type', error instanceof Error ? error.name : typeof error);
    if (error instanceof Error) this.#span.recordException(error);
  }
}

type MessageEvent = Extract<ServiceEvent, { type: 'ws.text' | 'ws.binary' }>;

function isMessage(event: ServiceEvent): event is MessageEvent {
  return event.type === 'ws.text' || event.type === 'ws.binary';
}

function sizeOf(event: MessageEvent): number {
  return event.type === 'ws.text' ? Buffer.byteLength(event.text) : event.data.byteLength;
}
