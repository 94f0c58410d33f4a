/**
 * Keeps watch over a connection's silence: heartbeat and idle time-out.
 *
 * Both look at the time of what was last received, which is noted for each
 * frame, and move their deadline instead of setting a new one for each. The
 * vigil itself is what is due at the next heartbeat: every connection has one.
 *
 * The time is the wheel's, which may rest for a thirtieth of a heartbeat: a ping
 * that is early by as much does no harm. To be told that one is idle would, so
 * the wheel does not rest where somebody is told.
 */
import type { ServiceLimits } from '../service/limits.ts';
import { Deadline, Due, type TimerWheel } from './timer-wheel.ts';

/** How many rests of the wheel an interval has at least. */
const RESTS = 30;

/** Whom the vigil tells. */
export interface Watched {
  /** Whether frames could be received at all. */
  readonly isReading: boolean;
  /** Bytes that have arrived so far. */
  readonly bytesReceived: number;
  /** The socket was not read, so its silence means nothing; a ping still shows whether the connection exists. */
  onUnread(): void;
  /** Nothing was received for a heartbeat interval. */
  onSilent(): void;
  /** Something was received since the last look. */
  onHeard(): void;
  /** No message was received for the idle time-out. */
  onIdle(): void;
}

export class Vigil extends Due {
  readonly #limits: ServiceLimits;
  readonly #watched: Watched;
  #idle: Deadline | undefined;
  #lastHeard: number;
  #lastMessage: number;
  #bytesReceived = 0;

  constructor(wheel: TimerWheel, limits: ServiceLimits, watched: Watched) {
    super(wheel);
    this.#limits = limits;
    this.#watched = watched;
    this.#lastHeard = this.#lastMessage = wheel.now;
  }

  start(watchesIdle: boolean): void {
    const { heartbeatIntervalMs, idleTimeoutMs } = this.#limits;
    if (heartbeatIntervalMs > 0) {
      this.wheel.restAtMost(heartbeatIntervalMs / RESTS);
      this.set(heartbeatIntervalMs);
    }
    if (watchesIdle && idleTimeoutMs > 0) {
      this.wheel.restAtMost(0);
      this.#idle = new Deadline(this.wheel, () => this.#checkIdle());
      this.#idle.set(idleTimeoutMs);
    }
    this.#lastHeard = this.#lastMessage = this.wheel.now;
    this.#bytesReceived = this.#watched.bytesReceived;
  }

  stop(): void {
    this.cancel();
    this.#idle?.cancel();
  }

  /** A control frame was received. */
  heard(): void {
    this.#lastHeard = this.wheel.now;
    // Its own bytes are accounted for: at the next look they are no news.
    this.#bytesReceived = this.#watched.bytesReceived;
  }

  /** A message was received. */
  messaged(): void {
    this.#lastHeard = this.#lastMessage = this.wheel.now;
  }

  /** The last of the messages that were held back was let in: until now it was not idle. */
  letIn(): void {
    this.#lastMessage = this.wheel.now;
  }

  /** @internal A heartbeat interval has passed. */
  override meet(): void {
    const { heartbeatIntervalMs } = this.#limits;
    if (!this.#watched.isReading) {
      this.#lastHeard = this.wheel.now;
      this.set(heartbeatIntervalMs);
      this.#watched.onUnread();
      return;
    }
    // Half of a large message is no silence: its sender cannot even answer a ping before the other half.
    const { bytesReceived } = this.#watched;
    const isSilent = bytesReceived === this.#bytesReceived;
    this.#bytesReceived = bytesReceived;
    if (!isSilent && this.wheel.now - this.#lastHeard >= heartbeatIntervalMs) this.#lastHeard = this.wheel.now;
    const silence = this.wheel.now - this.#lastHeard;
    if (silence >= heartbeatIntervalMs) {
      this.set(heartbeatIntervalMs);
      this.#watched.onSilent();
    } else {
      this.set(heartbeatIntervalMs - silence);
      this.#watched.onHeard();
    }
  }

  #checkIdle(): void {
    const { idleTimeoutMs } = this.#limits;
    const idle = this.wheel.now - this.#lastMessage;
    if (idle >= idleTimeoutMs) {
      this.#idle?.set(idleTimeoutMs);
      this.#watched.onIdle();
    } else {
      this.#idle?.set(idleTimeoutMs - idle);
    }
  }
}
