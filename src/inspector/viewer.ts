/**
 * One viewer: what it watches, and how much it is told.
 *
 * Two bounds keep a viewer from harming the server: so many events a second are made for it, and what it does not read
 * is not kept for it without end. Beyond the first, events are counted and not even described; beyond the second, the
 * viewer is cut.
 */
import type { AnyActorRef } from 'xstate';
import type { Clock } from '../runtime/clock.ts';
import type { AnswerFrame, UnaskedFrame } from './protocol.ts';
import { encode } from './stately-wire.ts';

/** The way to a viewer. */
export interface ViewerLink {
  /** Bytes that were sent and not taken yet. */
  readonly bufferedBytes: number;
  send(text: string): void;
  close(code: number, reason: string): void;
}

export interface ViewerSetting {
  readonly link: ViewerLink;
  /** Whether it speaks the subprotocol; others get the frames of `@statelyai/inspect` only. */
  readonly isExtended: boolean;
  readonly maxEventsPerSecond: number;
  readonly clock: Clock;
  /** Tells a viewer that has missed something of an actor that it watches; `false` if there is no time for it now. */
  retell(viewer: Viewer, actor: AnyActorRef): boolean;
}

const SECOND_MS = 1000;
export const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;
const TRY_AGAIN_LATER = 1013;

export class Viewer {
  readonly isExtended: boolean;
  /** By their sessionIds. */
  readonly watched = new Map<string, AnyActorRef>();
  /** Those that are watched, but that it was not told of yet: they are still being made. */
  readonly unannounced = new Set<string>();
  readonly #setting: ViewerSetting;
  #isGone = false;
  /** Events in this second. */
  #count = 0;
  #dropped = 0;
  /** How many of them although there was room. */
  #droppedAsBusy = 0;
  /** Watched actors of which it has missed something. */
  readonly #missed = new Set<string>();
  #second: unknown;

  constructor(setting: ViewerSetting) {
    this.#setting = setting;
    this.isExtended = setting.isExtended;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** Nothing is sent any more. */
  leave(): void {
    this.#isGone = true;
    this.#setting.clock.clearTimeout(this.#second);
  }

  close(code: number, reason: string): void {
    this.leave();
    this.#setting.link.close(code, reason);
  }

  /** Whether one more event may be made for it now; if not, it counts as dropped. */
  hasRoom(sessionId?: string): boolean {
    if (this.#isGone) return false;
    this.#second ??= this.#setting.clock.setTimeout(this.#nextSecond, SECOND_MS);
    if (this.#count < this.#setting.maxEventsPerSecond) {
      this.#count++;
      return true;
    }
    this.#miss(sessionId);
    return false;
  }

  /** Something was left out although there may have been room: the server is too busy. */
  drop(sessionId?: string): void {
    this.#droppedAsBusy++;
    this.#miss(sessionId);
  }

  #miss(sessionId: string | undefined): void {
    this.#dropped++;
    if (sessionId !== undefined && this.watched.has(sessionId) && !this.#missed.has(sessionId)) {
      this.#missed.add(sessionId);
      if (this.isExtended) this.answer({ type: 'troupe.missed', at: Date.now(), sessionId });
    }
    this.#second ??= this.#setting.clock.setTimeout(this.#nextSecond, SECOND_MS);
  }

  /** Sends what {@link encode} made. */
  send(text: string): void {
    if (this.#isGone) return;
    const { link } = this.#setting;
    link.send(text);
    if (link.bufferedBytes > MAX_BUFFERED_BYTES) this.close(TRY_AGAIN_LATER, 'the viewer reads too slowly');
  }

  /** What it has asked for, or is to be told in any case. */
  answer(frame: AnswerFrame | UnaskedFrame): void {
    this.send(encode(frame));
  }

  readonly #nextSecond = (): void => {
    this.#count = 0;
    this.#second = undefined;
    if (this.#isGone) return;
    const [count, busy] = [this.#dropped, this.#droppedAsBusy];
    this.#dropped = this.#droppedAsBusy = 0;
    if (this.isExtended && count > 0) this.answer({ type: 'troupe.dropped', at: Date.now(), count, busy });
    for (const sessionId of [...this.#missed]) {
      const actor = this.watched.get(sessionId);
      if (actor === undefined || this.#setting.retell(this, actor)) this.#missed.delete(sessionId);
    }
    // Those that there was no time for.
    if (this.#missed.size > 0) this.#second = this.#setting.clock.setTimeout(this.#nextSecond, SECOND_MS);
  };
}
