/** Joins the inspector to the parts of a running Troupe; `createTroupe` is the rest of the composition root. */
import type { Duplex } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import { frameText } from './delivery/frame.ts';
import { TroupeError } from './errors.ts';
import type { Address } from './http/listen.ts';
import type { PlainDesk } from './http/plain.ts';
import { pathOf, type UpgradeDesk, type UpgradeTrace } from './http/upgrade.ts';
import { Endpoint, MAX_REQUEST_BYTES } from './inspector/endpoint.ts';
import { Hub } from './inspector/hub.ts';
import { resolveInspector, type InspectorOptions } from './inspector/options.ts';
import type { InspectorSource } from './inspector/source.ts';
import { systemClock } from './runtime/clock.ts';
import type { ServiceDefinition } from './service/definition.ts';
import type { Events } from './telemetry/events.ts';
import type { Transport, TransportOptions } from './transport/contract.ts';

/** Where the inspector of a Troupe is, and what it asks for. */
export interface InspectorAddress {
  /** Its path on every server that the Troupe serves. */
  readonly path: string;
  /** Whoever has it may look: it belongs into no log that others read. */
  readonly token: string;
  /** The address to open in a browser, with the token in it; `undefined` until the Troupe listens on a port of its own. */
  readonly url: string | undefined;
}

export interface InspectorParts {
  readonly source: InspectorSource;
  readonly events: Events;
  readonly createTransport: (options: TransportOptions) => Transport<IncomingMessage, Duplex>;
}

/** How long a viewer that is sent away may take to answer. */
const CLOSE_TIMEOUT_MS = 1000;

export class InspectorRoot {
  readonly address: InspectorAddress;
  readonly #endpoint: Endpoint;
  readonly #events: Events;
  #url: string | undefined;
  #endBy = Infinity;

  /** The inspector, if it is asked for. @throws {TroupeTypeError} `TROUPE_ARGUMENT_INVALID` */
  static of(option: boolean | InspectorOptions | undefined, parts: () => InspectorParts): InspectorRoot | undefined {
    const settings = resolveInspector(option);
    return settings && new InspectorRoot(settings, parts());
  }

  private constructor(settings: NonNullable<ReturnType<typeof resolveInspector>>, parts: InspectorParts) {
    const { source, events, createTransport } = parts;
    const { admission, ...rest } = settings;
    const { path, token } = admission;
    const url = (): string | undefined => this.#url;
    this.address = Object.freeze({
      path,
      token,
      get url() {
        return url();
      },
    });
    this.#events = events;
    const transport = createTransport({
      maxPayload: MAX_REQUEST_BYTES,
      closeTimeoutMs: CLOSE_TIMEOUT_MS,
      compression: false,
    });
    // People look in their own time, also at a Troupe whose clock is moved by a test.
    const clock = systemClock;
    this.#endpoint = new Endpoint({
      hub: new Hub({ ...rest, source, clock }),
      admission,
      clock,
      failed: (error) => source.failed(error),
      pathOf,
      accept: (upgrade, onAccepted) => transport.accept(upgrade, onAccepted),
      frame(text) {
        const { store, start, end } = frameText(text);
        return store.subarray(start, end);
      },
    });
  }

  /** The desk of a server, with the inspector at its path. */
  join(desk: UpgradeDesk & PlainDesk): UpgradeDesk & PlainDesk {
    const endpoint = this.#endpoint;
    const found = { value: endpoint.target, params: {} };
    const joined: UpgradeDesk & PlainDesk = {
      get isAccepting() {
        return desk.isAccepting;
      },
      addressOf: (request) => desk.addressOf(request),
      get isLeaving() {
        return desk.isLeaving === true;
      },
      find: (path) => (endpoint.isSocketPath(path) ? found : desk.find(path)),
      refused: (refusal, path, remoteAddress, request) => desk.refused(refusal, path, remoteAddress, request),
      // Viewers are none of the connections that are told of.
      get trace() {
        const { trace } = desk;
        if (trace === undefined) return undefined;
        const traceOthers: UpgradeTrace = (request, judge) =>
          endpoint.isSocketPath(pathOf(request.url ?? '/')) ? judge() : trace(request, judge);
        return traceOthers;
      },
      abandoned: (request) => desk.abandoned(request),
      acceptFailed: (error, request) => desk.acceptFailed(error, request),
      findHttp: (path) =>
        endpoint.isBeneath(path) ? (request, response) => endpoint.answer(request, response) : desk.findHttp(path),
      isUpgradePath: (path) => endpoint.isSocketPath(path) || desk.isUpgradePath(path),
      listenerFailed: (error) => desk.listenerFailed(error),
    };
    return joined;
  }

  /** @throws {TroupeError} `TROUPE_INSPECTOR_PATH_TAKEN` for a service that would lie beneath the inspector */
  checkFree({ name, route }: ServiceDefinition): void {
    const { path } = this.address;
    const own = path.slice(1).split('/');
    const isBeneath = own.every((segment, index) => {
      const other = route.segments[index];
      return other !== undefined && 'literal' in other && other.literal === segment;
    });
    if (!isBeneath) return;
    throw new TroupeError('TROUPE_INSPECTOR_PATH_TAKEN', { service: name, route: route.path, path });
  }

  /** The Troupe listens: says so with the address, once; to the terminal when nobody listens for it. */
  listening({ url }: Address): void {
    // The wildcard addresses are bound, but nobody can go there.
    const reachable = url.replace(/\/\/(?:0\.0\.0\.0|\[::\]):/, '//localhost:');
    const { path, token } = this.address;
    this.#url = `${reachable}${path}/?token=${encodeURIComponent(token)}`;
    if (this.#events.has('inspector.listening')) this.#events.emit('inspector.listening', { url: this.#url });
    // The token is of no use to somebody who does not know it.
    else process.stderr.write(`The inspector, for whoever has this address: ${this.#url}\n`);
  }

  /** What closes the Troupe gives it that long: viewers are sent away last, and get what is left of it. */
  endWithin(timeoutMs: number): void {
    this.#endBy = Math.min(this.#endBy, performance.now() + timeoutMs);
  }

  stop(): Promise<void> {
    const leftMs = Math.max(0, this.#endBy - performance.now());
    return this.#endpoint.stop(Math.min(leftMs, CLOSE_TIMEOUT_MS));
  }
}
