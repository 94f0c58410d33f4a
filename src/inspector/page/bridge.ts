/**
 * Hands on what the server tells to a page of Stately's that is shown within ours.
 *
 * That page says when it listens; what is told before is kept for it. It cannot take back what it has been told, and
 * after a restart the server's actors have the same names as others before: when the link was lost, a new page begins.
 */
import { lost, type Link } from './state/link.ts';
import type { SocketListener } from './viewer.ts';

/** What the world around gives: sockets, the page of Stately's, time, chance. */
export interface BridgeWorld {
  connect(listener: SocketListener): { close(): void };
  /** Loads Stately's page, in the place of the one before if there is one. */
  load(): void;
  /** Takes Stately's page away. */
  unload(): void;
  /** Hands a message to Stately's page. */
  post(message: object): void;
  /** Shows how things are. */
  show(status: BridgeStatus): void;
  now(): number;
  random(): number;
  after(ms: number, act: () => void): void;
}

export interface BridgeStatus {
  /** The link to the server; `undefined` when there is none, and none is tried. */
  readonly link: Link | undefined;
  /** Whether Stately's page listens. */
  readonly isHeard: boolean;
}

/** What is kept for a page that does not listen yet, or that begins again. */
const mostKept = 2_000;
const mostKeptCharacters = 16 * 1024 * 1024;

export class Bridge {
  readonly #world: BridgeWorld;
  #link: Link | undefined;
  #socket: { close(): void } | undefined;
  /** Counts sockets: what one says that was given up is not heard. */
  #turn = 0;
  #isHeard = false;
  /** Whether Stately's page was told something by a socket that was lost since. */
  #isStale = false;
  /** What this socket has told; `undefined` when that was too much to be kept. */
  #kept: object[] | undefined = [];
  #keptCharacters = 0;

  constructor(world: BridgeWorld) {
    this.#world = world;
  }

  /** Loads Stately's page, connects, and from then on keeps connected. */
  start(): void {
    this.#isHeard = false;
    this.#isStale = false;
    this.#world.load();
    this.#connect({ phase: 'connecting', attempt: 0 });
  }

  /** Takes Stately's page away and tells it nothing more. */
  stop(): void {
    this.#hangUp();
    this.#isHeard = false;
    this.#kept = [];
    this.#world.unload();
    this.#show();
  }

  /** Stately's page says that it listens, for the first time or once more. */
  heard(): void {
    this.#isHeard = true;
    if (this.#kept === undefined) this.#connect({ phase: 'connecting', attempt: 0 });
    else for (const message of this.#kept) this.#world.post(message);
    this.#show();
  }

  /** Does not wait for the next attempt. */
  retryNow(): void {
    if (this.#link?.phase !== 'lost') return;
    this.#connect({ phase: 'connecting', attempt: this.#link.attempt });
  }

  /** Each socket is told anew of the actors that there are. */
  #connect(link: Link): void {
    this.#hangUp();
    this.#link = link;
    this.#kept = [];
    this.#keptCharacters = 0;
    const turn = this.#turn;
    const ifCurrent = (act: () => void): void => {
      if (turn === this.#turn) act();
    };
    this.#socket = this.#world.connect({
      opened: () => ifCurrent(() => this.#opened()),
      heard: (data) => ifCurrent(() => this.#told(data)),
      closed: () => ifCurrent(() => this.#lost()),
    });
    this.#show();
  }

  #hangUp(): void {
    this.#turn += 1;
    this.#link = undefined;
    this.#socket?.close();
    this.#socket = undefined;
  }

  #opened(): void {
    this.#link = { phase: 'open' };
    if (this.#isStale) {
      this.#isStale = false;
      this.#isHeard = false;
      this.#world.load();
    }
    this.#show();
  }

  #lost(): void {
    const at = this.#world.now();
    this.#socket = undefined;
    this.#isStale ||= this.#isHeard;
    const link = lost(this.#link ?? { phase: 'open' }, at, this.#world.random());
    this.#link = link;
    this.#show();
    this.#world.after(link.retryAt - at, () => {
      if (this.#link === link) this.retryNow();
    });
  }

  #told(data: unknown): void {
    if (typeof data !== 'string') return;
    const message = messageOf(data);
    if (message === undefined) return;
    if (this.#isHeard) this.#world.post(message);
    if (this.#kept === undefined) return;
    this.#kept.push(message);
    this.#keptCharacters += data.length;
    if (this.#kept.length <= mostKept && this.#keptCharacters <= mostKeptCharacters) return;
    this.#kept = undefined;
    // For a page that does not listen yet it is better told of the actors anew once it does.
    if (this.#isHeard) return;
    this.#hangUp();
    this.#show();
  }

  #show(): void {
    this.#world.show({ link: this.#link, isHeard: this.#isHeard });
  }
}

/** Only what Stately's page takes for its own. */
function messageOf(text: string): object | undefined {
  try {
    const message: unknown = JSON.parse(text);
    const isTheirs =
      typeof message === 'object' &&
      message !== null &&
      'type' in message &&
      typeof message.type === 'string' &&
      '_version' in message &&
      typeof message._version === 'string';
    return isTheirs ? message : undefined;
  } catch {
    return undefined;
  }
}
