/**
 * Where the inspector is served: its page beneath its path, and its WebSocket at `<path>/ws`.
 *
 * It lies on the runtime's own HTTP server, beside the services and not among them: their limits do not count its
 * viewers, and it goes on while they drain.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { CheckedUpgrade, UpgradeTarget } from '../http/upgrade.ts';
import type { Clock } from '../runtime/clock.ts';
import type { CloseInfo, Socket, SocketListener } from '../transport/contract.ts';
import { admit, cookieFor, type Admission, type AdmissionPolicy } from './admission.ts';
import type { Hub, Seat } from './hub.ts';
import { answerWithFile, SAFE_HEADERS } from './page-files.ts';
import { SUBPROTOCOL } from './protocol.ts';
import type { ViewerLink } from './viewer.ts';

export interface EndpointSetting {
  readonly hub: Hub;
  readonly admission: AdmissionPolicy;
  readonly clock: Clock;
  /** Answers 101 and hands the socket over; see `transport/contract.ts`. */
  readonly accept: (upgrade: CheckedUpgrade, onAccepted: (socket: Socket) => SocketListener) => void;
  /** The path of a request target. */
  readonly pathOf: (url: string) => string;
  /** Frames a text message. */
  readonly frame: (text: string) => Uint8Array;
  /** Something of the inspector itself failed, which nothing should. */
  readonly failed: (error: unknown) => void;
}

const FORBIDDEN = 'no access';
/** For people: most of them have an address without its token, or with the one of a server before. */
const FORBIDDEN_TO_PEOPLE =
  'No access. Open the inspector with the address that its server tells when it starts: the token in it lets you in.';
/** An inspector asks; it has nothing large to say. */
export const MAX_REQUEST_BYTES = 65_536;
const UNSUPPORTED_DATA = 1003;
const INTERNAL_ERROR = 1011;
/** How much a viewer may say in a second: each request counts as one, and each KiB of it as one more. */
const MAX_SAID = 200;
const SECOND_MS = 1000;
/** How long a viewer may be silent before it is pinged, and then again before it is taken for gone. */
const SILENCE_MS = 30_000;

export class Endpoint {
  /** What upgrades to the WebSocket's path meet. */
  readonly target: UpgradeTarget;
  readonly #setting: EndpointSetting;
  /** Made once: it is compared with at every upgrade. */
  readonly #socketPath: string;
  readonly #links = new Set<Link>();
  #isStopped = false;

  constructor(setting: EndpointSetting) {
    this.#setting = setting;
    this.#socketPath = `${setting.admission.path}/ws`;
    this.target = {
      subprotocols: [SUBPROTOCOL],
      isSubprotocolRequired: false,
      allowedOrigins: '*',
      isAccepting: true,
      hasRoomFor: () => true,
      judge: (request) => {
        if (this.#admissionOf(request) === 'refused') return { status: 403, reason: FORBIDDEN };
        if (setting.hub.isFull || this.#isStopped) return { status: 503, reason: 'no viewer is accepted now' };
        return undefined;
      },
      accept: (upgrade) => this.#accept(upgrade),
    };
  }

  /** Whether upgrades to `path` are for it. */
  isSocketPath(path: string): boolean {
    return path === this.#socketPath;
  }

  /** Whether plain requests for `path` are for it. */
  isBeneath(path: string): boolean {
    const { path: own } = this.#setting.admission;
    return path === own || path.startsWith(`${own}/`);
  }

  /** Answers a plain request for a path beneath its own. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { admission } = this.#setting;
    const admitted = this.#admissionOf(request);
    if (admitted === 'refused') return say(response, 403, FORBIDDEN_TO_PEOPLE);
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return say(response, 405, 'only GET is answered here', { Allow: 'GET, HEAD' });
    // Also of a whole URL: what stands before the path is nowhere to send anybody on to.
    const path = this.#setting.pathOf(request.url ?? '/');
    const isSecure = (request.socket as Partial<TLSSocket>).encrypted === true;
    // The token is not to stay in the address, nor in what the browser remembers of it.
    if (admitted === 'by-query' || path === admission.path) {
      response.writeHead(303, {
        ...SAFE_HEADERS,
        Location: path === admission.path ? `${path}/` : path,
        ...(admitted === 'by-query' && { 'Set-Cookie': cookieFor(admission, isSecure) }),
      });
      response.end();
      return;
    }
    const file = path.slice(admission.path.length + 1);
    if (file === 'ws')
      return say(response, 426, 'this path speaks WebSocket', { Upgrade: 'websocket', Connection: 'Upgrade' });
    if (!(await answerWithFile(file, response))) say(response, 404, 'there is nothing at this path');
  }

  /** Sends the viewers away; settles when none is left, and waits that long for those that do not answer. */
  async stop(timeoutMs: number): Promise<void> {
    const { hub, clock } = this.#setting;
    this.#isStopped = true;
    hub.stop();
    const deadline = clock.setTimeout(() => {
      for (const link of this.#links) link.destroy();
    }, timeoutMs);
    await Promise.all([...this.#links].map(({ closed }) => closed));
    clock.clearTimeout(deadline);
  }

  #admissionOf({ socket, headers, url = '/' }: IncomingMessage): Admission {
    return admit(this.#setting.admission, { remoteAddress: socket.remoteAddress, headers, url });
  }

  #accept(upgrade: CheckedUpgrade): void {
    const { hub, clock, accept, frame, failed } = this.#setting;
    accept(upgrade, (socket) => {
      const link = new Link(socket, frame, clock);
      this.#links.add(link);
      void link.closed.then(() => this.#links.delete(link));
      try {
        link.seat = hub.welcome(link, upgrade.subprotocol === SUBPROTOCOL);
      } catch (error) {
        // Without a listener its end would never be heard of, and be waited for.
        failed(error);
        link.close(INTERNAL_ERROR, 'the inspector failed');
      }
      return link;
    });
  }
}

/** Any answer that is no file. */
function say(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { ...SAFE_HEADERS, ...headers, 'Content-Type': 'text/plain; charset=utf-8' });
  response.end(`${text}\n`);
}

/**
 * A viewer's socket. What is sent in a turn of the event loop is written as one piece; what it says too much is not read
 * before the second is over; one that is silent is pinged, and one that stays silent is taken for gone: counting goes on
 * for as long as somebody looks.
 */
class Link implements ViewerLink, SocketListener {
  seat: Seat | undefined;
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #frame: (text: string) => Uint8Array;
  readonly #clock: Clock;
  #silence: unknown;
  #isAsked = false;
  #isClosed = false;
  /** What it has said in this second. */
  #said = 0;
  /** What had been read already when it had said too much: thousands of small messages fit into one piece. */
  #unheard: string[] = [];
  #second: unknown;
  #pieces: Uint8Array[] = [];
  #waitingBytes = 0;
  #setClosed!: () => void;

  constructor(socket: Socket, frame: (text: string) => Uint8Array, clock: Clock) {
    this.#socket = socket;
    this.#frame = frame;
    this.#clock = clock;
    this.#silence = clock.setTimeout(this.#onSilence, SILENCE_MS);
    this.closed = new Promise((resolve) => {
      this.#setClosed = resolve;
    });
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedBytes + this.#waitingBytes;
  }

  send(text: string): void {
    const bytes = this.#frame(text);
    if (this.#pieces.length === 0) setImmediate(this.#flush);
    this.#pieces.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  close(code: number, reason: string): void {
    this.#flush();
    // What it has sent meanwhile would all be read to find the answer to a close frame.
    const saysTooMuch = this.#unheard.length > 0;
    this.#stopHearing();
    if (saysTooMuch) this.#socket.destroy();
    else this.#socket.close(code, reason);
  }

  #stopHearing(): void {
    this.#isClosed = true;
    this.#unheard = [];
    this.#clock.clearTimeout(this.#second);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  onText(text: string): void {
    if (this.#isClosed) return;
    this.#second ??= this.#clock.setTimeout(this.#onSecond, SECOND_MS);
    if (this.#said < MAX_SAID) {
      this.#hear(text);
      return;
    }
    // It waits then, and need not be told.
    if (this.#unheard.length === 0) this.#socket.pause();
    this.#unheard.push(text);
  }

  #hear(text: string): void {
    this.#said += 1 + Math.floor(text.length / 1024);
    this.seat?.said(text);
  }

  onBinary(): void {
    this.close(UNSUPPORTED_DATA, 'the inspector speaks text');
  }

  onReading(): void {}

  onRead(): void {
    this.#isAsked = false;
  }

  onSignOfLife(): void {
    this.#isAsked = false;
  }

  onDrain(): void {}

  beforeClose(): void {
    this.#flush();
  }

  onClosing(_info: CloseInfo): void {
    this.seat?.left();
  }

  onViolation(): void {
    this.seat?.left();
  }

  onClosed(): void {
    this.seat?.left();
    this.#clock.clearTimeout(this.#silence);
    this.#stopHearing();
    this.#pieces = [];
    this.#setClosed();
  }

  readonly #onSilence = (): void => {
    if (this.#isAsked) {
      this.#socket.destroy();
      return;
    }
    this.#isAsked = true;
    this.#socket.ping();
    this.#silence = this.#clock.setTimeout(this.#onSilence, SILENCE_MS);
  };

  readonly #onSecond = (): void => {
    this.#second = undefined;
    this.#said = 0;
    if (this.#unheard.length === 0) return;
    let heard = 0;
    while (heard < this.#unheard.length && this.#said < MAX_SAID) this.#hear(this.#unheard[heard++]!);
    this.#unheard = this.#unheard.slice(heard);
    if (this.#unheard.length > 0) this.#second = this.#clock.setTimeout(this.#onSecond, SECOND_MS);
    else this.#socket.resume();
  };

  readonly #flush = (): void => {
    if (this.#pieces.length === 0) return;
    const [first, ...others] = this.#pieces;
    this.#pieces = [];
    this.#waitingBytes = 0;
    this.#socket.write(others.length === 0 ? first! : Buffer.concat([first!, ...others]));
  };
}
