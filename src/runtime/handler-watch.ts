/** Times one run of a handler and lets the tracer be there: made only while somebody wants to know. */
import type { ServiceEvent } from '../service/events.ts';
import type { Events } from '../telemetry/events.ts';
import type { HandlerTrace, TracedConnection } from '../telemetry/tracer.ts';
import type { Performer } from './behaviour.ts';

export class HandlerWatch {
  readonly #events: Events;
  readonly #connection: TracedConnection;
  readonly #type: ServiceEvent['type'];
  readonly #trace: HandlerTrace | undefined;
  readonly #begunAt = performance.now();
  #isSettled = false;

  constructor(events: Events, connection: TracedConnection, event: ServiceEvent) {
    this.#events = events;
    this.#connection = connection;
    this.#type = event.type;
    this.#trace = events.tracer?.handler?.(connection, event);
  }

  run<Result>(handle: () => Result): Result {
    return this.#trace === undefined ? handle() : this.#trace.run(handle);
  }

  /** A handler returned; a machine that has failed throws nothing, but shows it. */
  returned(performer: Performer | undefined): void {
    const snapshot = performer?.actor?.getSnapshot() as
      | { readonly status: string; readonly error?: unknown }
      | undefined;
    this.settled(snapshot?.status === 'error' ? { error: snapshot.error } : undefined);
  }

  settled(failure?: { readonly error: unknown }): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    const durationMs = performance.now() - this.#begunAt;
    this.#trace?.settled(failure);
    if (!this.#events.has('handler.settled')) return;
    const { id, service } = this.#connection;
    const isFailed = failure !== undefined;
    this.#events.emit('handler.settled', { connection: id, service, event: this.#type, durationMs, isFailed });
  }
}
