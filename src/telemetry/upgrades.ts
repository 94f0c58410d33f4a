/** Tells how upgrades are answered and how long that took. Times them only while somebody wants to know. */
import type { IncomingMessage } from 'node:http';
import type { ConnectionInfo } from '../service/connection.ts';
import type { Events } from './events.ts';
import type { TracedConnection } from './tracer.ts';

/** What is said of an upgrade that was refused. */
export interface RefusedUpgrade {
  readonly status: number;
  readonly reason: string;
  readonly path: string;
  readonly remoteAddress: string;
  readonly service: string | undefined;
}

/** What servers commonly say of a request whose sender did not wait for the answer; it is in no registry. */
const CLIENT_CLOSED_REQUEST = 499;

type Trace = (request: IncomingMessage, judge: () => void) => void;

export class Upgrades {
  readonly #events: Events;
  readonly #begun = new WeakMap<IncomingMessage, number>();

  constructor(events: Events) {
    this.#events = events;
  }

  /** To be there while an upgrade is judged; undefined when nobody wants to know. */
  get trace(): Trace | undefined {
    const { tracer, topics } = this.#events;
    const isHeard = topics['upgrade.accepted'].isHeard || topics['upgrade.refused'].isHeard;
    return tracer !== undefined || isHeard ? this.#trace : undefined;
  }

  readonly #trace: Trace = (request, judge) => {
    this.#begun.set(request, performance.now());
    const { tracer } = this.#events;
    if (tracer === undefined) judge();
    else tracer.upgrade(request, judge);
  };

  accepted(request: IncomingMessage, connection: TracedConnection & { info(): ConnectionInfo }): void {
    const events = this.#events;
    events.tracer?.upgraded(request, { status: 101, connection });
    if (events.has('upgrade.accepted'))
      events.emit('upgrade.accepted', { connection: connection.info(), ...this.#duration(request) });
  }

  refused(request: IncomingMessage, { service, ...refused }: RefusedUpgrade): void {
    const events = this.#events;
    events.tracer?.upgraded(request, { ...refused, service });
    if (!events.has('upgrade.refused')) return;
    events.emit('upgrade.refused', {
      ...refused,
      ...(service !== undefined && { service }),
      ...this.#duration(request),
    });
  }

  /** The remote side went away before it was answered: what has begun to be traced ends. */
  abandoned(request: IncomingMessage, service: string | undefined): void {
    this.#events.tracer?.upgraded(request, { status: CLIENT_CLOSED_REQUEST, reason: '', service });
  }

  /** The answer could not be given; the stream is destroyed. */
  failed(request: IncomingMessage, error: unknown): void {
    this.#events.tracer?.upgraded(request, { status: 500, reason: '', service: undefined });
    this.#events.emit('callback.failed', { callback: 'upgrade', error });
  }

  #duration(request: IncomingMessage): { readonly durationMs?: number } {
    const begunAt = this.#begun.get(request);
    return begunAt === undefined ? {} : { durationMs: performance.now() - begunAt };
  }
}
