/**
 * One timer for every deadline of every connection.
 *
 * A timer of its own for each connection's heartbeat, idle and close deadlines
 * would mean tens of thousands of timers that are almost always moved before
 * they fire. The wheel has one, for the next tick with anything in its slot.
 * Setting and cancelling are O(1). A deadline is met at the first tick after it,
 * so it may be late by one tick and is never early.
 *
 * Between two turns the wheel rests: waking a process up for nothing costs more
 * than a message does. As it tells the time as well, it does not rest for longer
 * than those allow who look at it.
 */
import type { Clock } from './clock.ts';

const SLOTS = 512;
const MAX_REST_MS = 1000;

/** Something that is due at a time, which may be set, moved and cancelled any number of times. */
export abstract class Due {
  readonly wheel: TimerWheel;
  /** @internal The tick at which it is met; `undefined` while it is not set. */
  dueTick: number | undefined;

  constructor(wheel: TimerWheel) {
    this.wheel = wheel;
  }

  /** Meets in `delayMs` from now, whatever was set before. */
  set(delayMs: number): void {
    this.wheel.schedule(this, delayMs);
  }

  cancel(): void {
    this.wheel.cancel(this);
  }

  /** @internal The time has come. */
  abstract meet(): void;
}

/** Calls a function when it is due. */
export class Deadline extends Due {
  readonly #onMet: () => void;

  constructor(wheel: TimerWheel, onMet: () => void) {
    super(wheel);
    this.#onMet = onMet;
  }

  override meet(): void {
    this.#onMet();
  }
}

/** Meets deadlines at ticks of `tickMs` on `clock`; keeps no process alive by itself. */
export class TimerWheel {
  readonly #clock: Clock;
  readonly #failed: (error: unknown) => void;
  readonly #tickMs: number;
  readonly #slots: readonly Set<Due>[] = Array.from({ length: SLOTS }, () => new Set<Due>());
  #scheduled = 0;
  #tick = 0;
  #origin = 0;
  #timer: unknown;
  /** When the timer is due. */
  #wakesAt = 0;
  #isTurning = false;
  #restMs: number;

  /** The time of the last turn, in ms: free to read, and exact to a rest while anything is scheduled. */
  now: number;

  /** @internal Goes up whenever `now` moves on: a small number, to be kept and compared where that may not cost anything. */
  turn = 0;

  /** What a deadline calls must not throw; if it does, `failed` is told and the wheel turns on. */
  constructor(clock: Clock, failed: (error: unknown) => void, tickMs = 100) {
    this.#clock = clock;
    this.#failed = failed;
    this.#tickMs = tickMs;
    this.#restMs = Math.max(tickMs, MAX_REST_MS);
    this.now = clock.now();
  }

  /** From now on a rest takes no longer than `ms`, or than a tick, and `now` is as exact. */
  restAtMost(ms: number): void {
    if (this.#restMs <= Math.max(this.#tickMs, ms)) return;
    this.#restMs = Math.max(this.#tickMs, ms);
    if (this.#timer !== undefined) this.#rearm(this.#clock.now());
  }

  /** @internal See {@link Due.set}. */
  schedule(deadline: Due, delayMs: number): void {
    this.cancel(deadline);
    const time = this.#clock.now();
    if (this.#scheduled === 0 && !this.#isTurning) {
      this.#origin = time - this.#tick * this.#tickMs;
      this.#moveOn(time);
    }
    deadline.dueTick = Math.max(this.#tick + 1, Math.ceil((time - this.#origin + delayMs) / this.#tickMs));
    this.#slots[deadline.dueTick % SLOTS]!.add(deadline);
    this.#scheduled++;
    if (this.#isTurning) return;
    if (this.#timer === undefined) this.#arm(time);
    else if (this.#timeOf(deadline.dueTick) < this.#wakesAt) this.#rearm(time);
  }

  /** @internal See {@link Due.cancel}. */
  cancel(deadline: Due): void {
    if (deadline.dueTick === undefined) return;
    this.#slots[deadline.dueTick % SLOTS]!.delete(deadline);
    deadline.dueTick = undefined;
    this.#scheduled--;
  }

  /** Cancels everything. The wheel can be used again afterwards. */
  stop(): void {
    for (const slot of this.#slots) {
      for (const deadline of slot) deadline.dueTick = undefined;
      slot.clear();
    }
    this.#scheduled = 0;
    this.#disarm();
  }

  #timeOf(tick: number): number {
    return this.#origin + tick * this.#tickMs;
  }

  /** Sets the timer to a tick, so that a late one does not make all that follow late. */
  #arm(time: number): void {
    const now = Math.floor((time - this.#origin) / this.#tickMs);
    const last = now + Math.floor(this.#restMs / this.#tickMs);
    let tick = now + 1;
    while (tick < last && this.#slots[tick % SLOTS]!.size === 0) tick++;
    this.#wakesAt = this.#timeOf(tick);
    // Node.js cuts fractions of a millisecond off: without one more it would wake up before the tick, and then again.
    const timer = this.#clock.setTimeout(() => this.#turn(), Math.ceil(this.#wakesAt - time));
    this.#timer = timer;
    // A heartbeat must never be what keeps a process running.
    (timer as Partial<NodeJS.Timeout> | undefined)?.unref?.();
  }

  #rearm(time: number): void {
    this.#disarm();
    this.#arm(time);
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #moveOn(time: number): void {
    this.now = time;
    this.turn++;
  }

  #turn(): void {
    this.#timer = undefined;
    this.#isTurning = true;
    this.#moveOn(this.#clock.now());
    const current = Math.floor((this.now - this.#origin) / this.#tickMs);
    // After a long stall each slot need be looked at only once.
    const first = Math.max(this.#tick + 1, current - SLOTS + 1);
    this.#tick = Math.max(this.#tick, current);
    const met: Due[] = [];
    for (let tick = first; tick <= current; tick++) {
      for (const deadline of this.#slots[tick % SLOTS]!) {
        if (deadline.dueTick! <= current) met.push(deadline);
      }
    }
    for (const deadline of met) {
      if (deadline.dueTick === undefined || deadline.dueTick > current) continue; // cancelled or moved by one before it
      this.cancel(deadline);
      try {
        deadline.meet();
      } catch (error) {
        this.#failed(error);
      }
    }
    this.#isTurning = false;
    if (this.#scheduled > 0) this.#arm(this.now);
  }
}
