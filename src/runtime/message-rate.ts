/**
 * How many messages a connection may send: a token bucket for each.
 *
 * Theory of operation
 *
 * A bucket holds up to `burst` tokens and gains `perSecond` of them a second;
 * each message takes one. Nothing runs for that: what was gained is counted when
 * the next message arrives. A message that finds no token is one too many, and
 * the service chose what follows.
 *
 * - `close`: the connection is closed. The gate lets nothing more in.
 * - `hold`: it waits here, in front of everything else, and what arrives after it
 *   waits behind it. Control frames go by: they are answered for as long as the
 *   socket is read, which it is until `maxWaitingMessages` wait. From then on TCP
 *   makes the remote side wait. The wheel lets in what has a token again.
 *
 * A connection that ends lets in at once what waits: what was sent before a close
 * frame is handled before `onClose`, as ever.
 */
import type { MessageRate, ServiceLimits } from '../service/limits.ts';
import type { Socket } from '../transport/contract.ts';
import type { ConnectionEventOf } from './connection-regions.ts';
import { Inbox } from './inbox.ts';
import { Due, type TimerWheel } from './timer-wheel.ts';

/** What passes a gate. */
export type MessageEvent = ConnectionEventOf<'ws.text' | 'ws.binary'>;

/** Whom a gate tells. */
export interface GateOwner {
  /** `event` may be handled now. */
  letIn(event: MessageEvent): void;
  onRate(event: 'rate.exceeded' | 'rate.held' | 'rate.met'): void;
}

/** What a gate works with. */
export interface GateSetting {
  readonly limits: Pick<ServiceLimits, 'maxWaitingMessages' | 'maxPayload'>;
  readonly socket: Pick<Socket, 'pause' | 'resume'>;
  readonly wheel: TimerWheel;
  /** The wheel's own time is exact to a tick only. */
  readonly time: { now(): number };
}

export class MessageGate extends Due {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #closes: boolean;
  readonly #time: GateSetting['time'];
  readonly #owner: GateOwner;
  readonly #socket: GateSetting['socket'];
  readonly #waiting: Inbox;
  #tokens: number;
  #countedAt: number;
  #state: 'admitting' | 'holding' | 'open' | 'shut' = 'admitting';
  /** How many want the socket not to be read: this gate, and the inbox behind it. */
  #holders = 0;

  constructor(rate: MessageRate, owner: GateOwner, { limits, socket, wheel, time }: GateSetting) {
    super(wheel);
    const { perSecond, burst = Math.max(1, Math.ceil(perSecond)), excess = 'close' } = rate;
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#closes = excess === 'close';
    this.#time = time;
    this.#owner = owner;
    this.#socket = socket;
    this.#waiting = new Inbox(this, limits.maxWaitingMessages, limits.maxPayload);
    this.#tokens = burst;
    this.#countedAt = time.now();
  }

  /** Whether something waits for a token. */
  get isHolding(): boolean {
    return this.#state === 'holding';
  }

  get isReading(): boolean {
    return this.#waiting.isReading;
  }

  /** Whether `event` may be handled now; if not, it is kept, or is the end of its connection. */
  admits(event: MessageEvent): boolean {
    if (this.#state === 'admitting') {
      this.#count();
      if (this.#tokens > this.#burst) this.#tokens = this.#burst;
      if (this.#tokens >= 1) {
        this.#tokens--;
        return true;
      }
      this.#exceed();
    }
    if (this.#state === 'holding') this.#waiting.keep(event);
    return this.#state === 'open';
  }

  /** @internal There are tokens again. */
  override meet(): void {
    this.#count();
    while (this.#tokens >= 1) {
      const event = this.#waiting.take() as MessageEvent | undefined;
      if (event === undefined) break;
      this.#tokens--;
      this.#owner.letIn(event);
      // Its handler may have ended the connection.
      if (this.#state !== 'holding') return;
    }
    if (this.#waiting.size > 0) {
      this.#waitForToken();
    } else {
      this.#state = 'admitting';
      this.#owner.onRate('rate.met');
    }
  }

  /** Lets everything in, now and from now on. */
  open(): void {
    const held = this.#end('open');
    for (let event = held?.take(); event !== undefined; event = held?.take()) this.#owner.letIn(event as MessageEvent);
  }

  /** Lets nothing in any more, and forgets what waits. */
  shut(): void {
    this.#end('shut')?.discard();
  }

  /** What the inbox behind it asks as well; the socket is read when neither minds. */
  pause(): void {
    if (this.#holders++ === 0) this.#socket.pause();
  }

  resume(): void {
    if (--this.#holders === 0) this.#socket.resume();
  }

  #exceed(): void {
    if (this.#closes) {
      this.#state = 'shut';
      this.#owner.onRate('rate.exceeded');
    } else {
      this.#state = 'holding';
      this.#waitForToken();
      this.#owner.onRate('rate.held');
    }
  }

  /** Counts what was gained since it was last counted. */
  #count(): void {
    const now = this.#time.now();
    this.#tokens += Math.max(0, ((now - this.#countedAt) / 1000) * this.#perSecond);
    this.#countedAt = now;
  }

  #waitForToken(): void {
    this.set(((1 - this.#tokens) / this.#perSecond) * 1000);
  }

  /** Ends the holding; what waited, if it was. */
  #end(state: 'open' | 'shut'): Inbox | undefined {
    const wasHolding = this.#state === 'holding';
    this.#state = state;
    this.cancel();
    this.#waiting.readAgain();
    return wasHolding ? this.#waiting : undefined;
  }
}
