/**
 * One timer for every deadline of every connection.
 *
 * A timer of its own for each connection's heartbeat, idle and close deadlines
 * would mean tens of thousands of timers that are almost always moved before
 * they fire. The wheel has one: it ticks while anything is scheduled, and each
 * tick looks only at the slot that has come round. Setting and cancelling are
 * O(1). A deadline is met at the first tick after it, so it may be late by one
 * tick and is never early.
 */
import type { Clock } from './clock.ts';

const SLOTS = 512;

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

/** Ticks every `tickMs` on `clock` while a deadline is set; keeps no process alive by itself. */
export class TimerWheel {
  readonly #clock: Clock;
  readonly #failed: (error: unknown) => void;
  readonly #tickMs: number;
  readonly #slots: readonly Set<Due>[] = Array.from({ length: SLOTS }, () => new Set<Due>());
  #scheduled = 0;
  #tick = 0;
  #origin = 0;
  #timer: unknown;
  #isTurning = false;

  /** The time of the last tick, in ms: free to read, and exact to a tick while anything is scheduled. */
  now: number;

  /** @internal Goes up whenever `now` moves on: a small number, to be kept and compared where that may not cost anything. */
  turn = 0;

  /** What a deadline calls must not throw; if it does, `failed` is told and the wheel turns on. */
  constructor(clock: Clock, failed: (error: unknown) => void, tickMs = 100) {
    this.#clock = clock;
    this.#failed = failed;
    this.#tickMs = tickMs;
    this.now = clock.now();
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
    if (this.#timer === undefined && !this.#isTurning) this.#arm(time);
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
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Sets the timer to the next tick, so that a late one does not make all that follow late. */
  #arm(time: number): void {
    const sinceTick = (time - this.#origin) % this.#tickMs;
    // Node.js cuts fractions of a millisecond off: without one more it would wake up before the tick, and then again.
    const timer = this.#clock.setTimeout(() => this.#turn(), Math.ceil(this.#tickMs - sinceTick));
    this.#timer = timer;
    // A heartbeat must never be what keeps a process running.
    (timer as Partial<NodeJS.Timeout> | undefined)?.unref?.();
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
