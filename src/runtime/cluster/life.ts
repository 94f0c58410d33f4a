/** The life of the link to the backplane: what `machines/backplane.ts` acts upon. */
import type { AnyActorRef, EventFromLogic } from 'xstate';
import { backplaneMachine } from '../../../machines/backplane.ts';
import type { Backplane, BackplaneLink, BackplaneSink } from '../../backplane/contract.ts';
import type { Events } from '../../telemetry/events.ts';
import { waitAfter } from '../back-off.ts';
import { ChartActor } from '../chart-actor.ts';
import { chartLogic, type ChartHost } from '../chart-logic.ts';
import type { Clock } from '../clock.ts';
import { compileChart } from '../compiled-chart.ts';
import { GuardedLink, guardedSink } from './guarded-link.ts';

type ChartEvent = EventFromLogic<typeof backplaneMachine>;
type LifeEvent =
  | Exclude<ChartEvent, { type: 'link.failed' | 'link.lost' | 'repair.failed' | 'beat.missed' }>
  | { type: 'link.failed' | 'link.lost' | 'repair.failed' | 'beat.missed'; error: unknown };
type Failure = Extract<LifeEvent, { error: unknown }>;

/** How often the link is looked at, and how long that may take, in ms. */
const BEAT_INTERVAL_MS = 2000;
const BEAT_TIMEOUT_MS = 1500;
/** How many beats there are from one audit of the names to the next. */
const BEATS_PER_AUDIT = 15;
/** How long connecting may take, which a backplane has to bound itself, in ms. */
const CONNECT_TIMEOUT_MS = 15_000;
/** How long nothing of a repair or an audit may be answered: how long they take depends on how much there is, in ms. */
const REPAIR_TIMEOUT_MS = 20_000;
/** How long leaving may take, in ms. */
const LEAVE_TIMEOUT_MS = 2000;
const RETRY = { minMs: 100, maxMs: 5000, factor: 2, jitter: 0.2 };

/** The id of its actor. */
export const BACKPLANE = 'backplane';

/** What a repair found. */
export interface Repaired {
  /** Names that others have taken meanwhile. */
  readonly fenced: number;
  /** Groups that were removed meanwhile. */
  readonly removed: number;
}

export interface LifeSetting {
  readonly backplane: Backplane;
  readonly nodeId: string;
  readonly parent: AnyActorRef;
  readonly clock: Clock;
  readonly events: Events;
  /** What hears of a link, as long as that is the one in use. */
  readonly sink: Omit<BackplaneSink, 'lost'>;
  /** Brings a new link to where the last one was. */
  repair(link: BackplaneLink): Promise<Repaired>;
  /** The link relays from now on: for what came up while it was repaired. */
  resumed(link: BackplaneLink): void;
  /** Looks whether names are still this node's, and asks once more for what was refused. */
  audit(link: BackplaneLink): Promise<unknown>;
}

export class BackplaneLife implements ChartHost {
  readonly actor;
  readonly #setting: LifeSetting;
  readonly #stopped: Promise<void>;
  #resolveStopped!: () => void;
  #link: GuardedLink | undefined;
  #relaying: BackplaneLink | undefined;
  #attempt: AbortController | undefined;
  #failures = 0;
  #beats = 0;
  #isBeating = false;
  #isAuditing = false;
  /** Again, while the link was repaired. */
  #hasLapsed = false;
  #hasBeenUp = false;
  #repaired: Repaired = { fenced: 0, removed: 0 };
  #lastError: unknown;
  #retry: unknown;
  #beat: unknown;

  constructor(setting: LifeSetting) {
    this.#setting = setting;
    this.#stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve;
    });
    this.actor = new ChartActor(lifeLogic, { parent: setting.parent, id: BACKPLANE, src: BACKPLANE, input: this });
  }

  /** What carries to other nodes; undefined: nothing does. */
  get link(): BackplaneLink | undefined {
    return this.#relaying;
  }

  get engine(): string {
    return this.#setting.backplane.engine;
  }

  get state(): string {
    return this.actor.getSnapshot().value as string;
  }

  /** Why there is no link; undefined while there is one. */
  get error(): unknown {
    return this.#lastError;
  }

  /** How many links in a row did not last, or never came about. */
  get failures(): number {
    return this.#failures;
  }

  /** Leaves, and resolves when that is done. */
  stop(): Promise<void> {
    this.#send({ type: 'leave.requested' });
    return this.#stopped;
  }

  toJSON(): object {
    return { engine: this.engine, node: this.#setting.nodeId, failures: this.#failures };
  }

  #send(event: LifeEvent): void {
    if (this.actor.getSnapshot().status === 'active') this.actor.deliver(event);
  }

  // What its chart needs.

  connect(): void {
    this.#attempt = new AbortController();
    void this.#open(this.#attempt.signal);
  }

  /** Never rejects. */
  async #open(signal: AbortSignal): Promise<void> {
    const { backplane, nodeId, sink } = this.#setting;
    let link: GuardedLink | undefined;
    let lost: { cause: unknown } | undefined;
    const isInUse = (): boolean => link !== undefined && this.#link === link;
    const failed = (error: unknown): void => this.#misbehaved(error);
    const told: BackplaneSink = {
      ...sink,
      lost: (cause) => {
        lost = { cause };
        if (isInUse()) this.#send({ type: 'link.lost', error: cause });
      },
    };
    try {
      const connecting = backplane.connect(nodeId, guardedSink(told, isInUse, failed), signal);
      const guarded = connecting.then((bare) => {
        const made = new GuardedLink(bare, failed);
        // It comes too late.
        if (signal.aborted) made.disconnect();
        return made;
      });
      link = await this.#within(CONNECT_TIMEOUT_MS, Promise.race([guarded, abortOf(signal)]));
    } catch (error) {
      if (!signal.aborted) this.#send({ type: 'link.failed', error });
      return;
    }
    if (signal.aborted) return;
    this.#link = link;
    if (lost === undefined) this.#send({ type: 'link.opened' });
    else this.#send({ type: 'link.failed', error: lost.cause });
  }

  abandonAttempt(): void {
    this.#attempt?.abort();
  }

  repair(): void {
    this.#hasLapsed = false;
    void this.#repair(this.#link!);
  }

  /** Never rejects. */
  async #repair(link: GuardedLink): Promise<void> {
    try {
      const repaired = await this.#within(REPAIR_TIMEOUT_MS, this.#setting.repair(link), () => link.answers);
      if (this.#link !== link) return;
      this.#repaired = repaired;
      this.#send({ type: 'repair.done' });
    } catch (error) {
      if (this.#link === link) this.#send({ type: 'repair.failed', error });
    }
  }

  reportUp(): void {
    const { events } = this.#setting;
    this.#relaying = this.#link;
    this.#lastError = undefined;
    this.#setting.resumed(this.#link!);
    const again = this.#hasBeenUp;
    this.#hasBeenUp = true;
    if (events.has('backplane.connected'))
      events.emit('backplane.connected', { engine: this.engine, again, ...this.#repaired });
  }

  reportLost({ error }: Failure): void {
    const { events } = this.#setting;
    this.#lastError = error;
    if (events.has('backplane.lost')) events.emit('backplane.lost', { engine: this.engine, error });
  }

  reportFailed({ error }: Failure): void {
    const { events } = this.#setting;
    this.#lastError = error;
    if (events.has('backplane.unreachable'))
      events.emit('backplane.unreachable', { engine: this.engine, error, attempt: this.#failures + 1 });
  }

  startBeating(): void {
    if (this.#isBeating) return;
    this.#isBeating = true;
    this.#beatLater();
  }

  stopBeating(): void {
    this.#isBeating = false;
    this.#setting.clock.clearTimeout(this.#beat);
  }

  stopRelaying(): void {
    this.#relaying = undefined;
  }

  noteLapse(): void {
    this.#hasLapsed = true;
  }

  get hasLapsed(): boolean {
    return this.#hasLapsed;
  }

  #beatLater(): void {
    this.#beat = this.#setting.clock.setTimeout(() => void this.#takeBeat(), BEAT_INTERVAL_MS);
  }

  /** Never rejects. */
  async #takeBeat(): Promise<void> {
    const link = this.#link!;
    try {
      const lease = await this.#within(BEAT_TIMEOUT_MS, link.beat());
      if (this.#link !== link || !this.#isBeating) return;
      this.#beatLater();
      if (lease === 'lapsed') return this.#send({ type: 'beat.lapsed' });
      // One that comes and goes is no success: waits get longer until a link has lasted.
      if (this.#relaying === link) this.#failures = 0;
      this.#beats = (this.#beats + 1) % BEATS_PER_AUDIT;
      if (this.#beats === 0 && this.#relaying === link) void this.#audit(link);
    } catch (error) {
      if (this.#link === link) this.#send({ type: 'beat.missed', error });
    }
  }

  /** Never rejects, and holds up no beat. */
  async #audit(link: GuardedLink): Promise<void> {
    if (this.#isAuditing) return;
    this.#isAuditing = true;
    try {
      await this.#within(REPAIR_TIMEOUT_MS, this.#setting.audit(link), () => link.answers);
    } catch (error) {
      if (this.#relaying === link) this.#send({ type: 'beat.missed', error });
    } finally {
      this.#isAuditing = false;
    }
  }

  disconnect(): void {
    const link = this.#link;
    this.#link = undefined;
    this.#relaying = undefined;
    this.#attempt?.abort();
    this.#attempt = undefined;
    link?.disconnect();
  }

  scheduleRetry(): void {
    this.#failures++;
    const wait = waitAfter(this.#failures, RETRY);
    this.#retry = this.#setting.clock.setTimeout(() => this.#send({ type: 'retry.due' }), wait);
  }

  cancelRetry(): void {
    this.#setting.clock.clearTimeout(this.#retry);
  }

  leave(): void {
    const left = (): void => this.#send({ type: 'leave.done' });
    this.#within(LEAVE_TIMEOUT_MS, this.#link!.leave()).then(left, left);
  }

  reportStopped(): void {
    this.#resolveStopped();
  }

  /** The backplane itself failed at what it must not. */
  #misbehaved(error: unknown): void {
    this.#setting.events.emit('callback.failed', { callback: `the backplane "${this.engine}"`, error });
  }

  actionFailed(error: unknown, action: string): void {
    this.#setting.events.emit('callback.failed', { callback: `action "${action}" of the backplane`, error });
  }

  /** What `promise` settles with, unless `progress` is the same for too long. */
  #within<Result>(timeoutMs: number, promise: Promise<Result>, progress = (): number => 0): Promise<Result> {
    const { clock } = this.#setting;
    return new Promise((resolve, reject) => {
      let timer: unknown;
      const wait = (before: number): void => {
        timer = clock.setTimeout(() => {
          if (progress() === before) reject(new Error(`No answer within ${timeoutMs} ms.`));
          else wait(progress());
        }, timeoutMs);
      };
      wait(progress());
      promise.then(resolve, reject).finally(() => clock.clearTimeout(timer));
    });
  }
}

/** Rejects when `signal` is aborted. */
function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

const lifeLogic = chartLogic(
  compileChart<BackplaneLife, LifeEvent>(backplaneMachine, {
    actions: {
      connect: (life) => life.connect(),
      abandonAttempt: (life) => life.abandonAttempt(),
      repair: (life) => life.repair(),
      startBeating: (life) => life.startBeating(),
      stopBeating: (life) => life.stopBeating(),
      stopRelaying: (life) => life.stopRelaying(),
      noteLapse: (life) => life.noteLapse(),
      reportUp: (life) => life.reportUp(),
      reportLost: (life, event) => life.reportLost(event as Failure),
      reportFailed: (life, event) => life.reportFailed(event as Failure),
      disconnect: (life) => life.disconnect(),
      scheduleRetry: (life) => life.scheduleRetry(),
      cancelRetry: (life) => life.cancelRetry(),
      leave: (life) => life.leave(),
      reportStopped: (life) => life.reportStopped(),
    },
    guards: { hasLapsed: (life) => life.hasLapsed },
  }),
);
