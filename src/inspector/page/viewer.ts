/**
 * The link to the server: opens it, opens it again when it is lost, hands on
 * what arrives, and asks for what the state lacks.
 */
import type { ServerFrame, ViewerRequest } from '../protocol.ts';
import { unwanted, wanted, type Wanted } from './state/wanted.ts';
import type { Store } from './store.ts';

/** As much of a `WebSocket` as is used. */
export interface ViewerSocket {
  send(text: string): void;
}

/** What a socket tells. */
export interface SocketListener {
  readonly opened: () => void;
  readonly heard: (data: unknown) => void;
  /** Also of a socket that was never open. */
  readonly closed: () => void;
}

/** What the world around gives: sockets, time, chance. */
export interface ViewerWorld {
  connect(listener: SocketListener): ViewerSocket;
  /** What a plain request to the address of the sockets is answered with: a status, or nothing. */
  probe(): Promise<number | undefined>;
  now(): number;
  random(): number;
  after(ms: number, act: () => void): void;
}

/** Frames that come by the thousand and leave nothing to be asked. */
const streamed: ReadonlySet<string> = new Set([
  '@xstate.event',
  '@xstate.snapshot',
  'troupe.microstep',
  'troupe.missed',
]);
/** One answer may make the next question known, but not without end. */
const mostRounds = 8;

export class Viewer {
  readonly #store: Store;
  readonly #world: ViewerWorld;
  #socket: ViewerSocket | undefined;
  #lastRequest = 0;
  #isAsking = false;

  constructor(store: Store, world: ViewerWorld) {
    this.#store = store;
    this.#world = world;
    store.subscribe((after, before, action) => {
      if (action.type === 'frame' && streamed.has(action.frame.type)) return;
      for (const request of unwanted(before, after)) this.ask(request);
      this.#askForAll();
    });
  }

  /** Connects, and from then on keeps connected. */
  start(): void {
    this.#store.dispatch({ type: 'link.connecting' });
    this.#socket = this.#world.connect({
      opened: () => this.#store.dispatch({ type: 'link.opened' }),
      heard: (data) => this.#heard(data),
      closed: () => this.#closed(),
    });
  }

  /** Does not wait for the next attempt. */
  retryNow(): void {
    this.#startAgain();
  }

  /** Asks the server something; the answer arrives in the state. */
  ask(wants: Wanted): void {
    if (this.#socket === undefined) return;
    const request = { ...wants, request: (this.#lastRequest += 1) } as ViewerRequest;
    this.#socket.send(JSON.stringify(request));
    this.#store.dispatch({ type: 'asked', request, at: this.#world.now() });
  }

  #closed(): void {
    this.#socket = undefined;
    const wasOpen = this.#store.state.link.phase === 'open';
    this.#store.dispatch({ type: 'link.lost', at: this.#world.now(), random: this.#world.random() });
    const { link } = this.#store.state;
    if (link.phase === 'lost') this.#world.after(link.retryAt - this.#world.now(), () => this.#startAgain());
    // A browser does not say why it could not open a socket.
    if (!wasOpen) void this.#world.probe().then((status) => this.#store.dispatch({ type: 'link.probed', status }));
  }

  #startAgain(): void {
    if (this.#store.state.link.phase === 'lost') this.start();
  }

  #heard(data: unknown): void {
    if (typeof data !== 'string') return;
    const frame = frameOf(data);
    if (frame === undefined) return;
    this.#store.dispatch({ type: 'frame', frame, size: data.length, at: this.#world.now() });
  }

  #askForAll(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      for (let round = 0; round < mostRounds; round += 1) {
        const wants = wanted(this.#store.state);
        if (wants.length === 0 || this.#socket === undefined) return;
        for (const request of wants) this.ask(request);
      }
    } finally {
      this.#isAsking = false;
    }
  }
}

/** What is no frame at all is left out; the server is ours, but it may be newer. */
function frameOf(text: string): ServerFrame | undefined {
  try {
    const frame: unknown = JSON.parse(text);
    return typeof frame === 'object' && frame !== null && 'type' in frame ? (frame as ServerFrame) : undefined;
  } catch {
    return undefined;
  }
}
