/**
 * What follows from the crashes of one service, beyond the end of a connection.
 *
 * `machines/connection.ts` decides whether a connection ends or is restarted, see `restarts.ts`.
 * `machines/service.ts` decides whether the service fails and when it recovers; this counts the crashes and the time.
 */
import { resolveSupervision, type Supervision, type SupervisionOptions } from '../service/supervision.ts';
import { Lately, waitAfter } from './back-off.ts';
import type { LiveConnection } from './connection.ts';
import { ConnectionRestarts } from './restarts.ts';
import type { LiveService } from './service.ts';
import { Deadline } from './timer-wheel.ts';

export class ServiceSupervision {
  readonly #service: LiveService;
  readonly #settings: Supervision;
  /** The latest crashes; undefined when no number of them is too many. */
  readonly #crashes: Lately | undefined;
  /** Undefined when a crash closes its connection. */
  readonly restarts: ConnectionRestarts | undefined;
  #deadline: Deadline | undefined;
  /** How often the service has failed without having recovered. */
  #failures = 0;
  /** When it accepts again, while it has failed. */
  #recoversAt: number | undefined;

  constructor(service: LiveService, options: SupervisionOptions) {
    this.#service = service;
    this.#settings = resolveSupervision(options);
    const { intensity } = this.#settings;
    this.#crashes = intensity && new Lately(intensity.crashes, intensity.withinMs);
    const { handling, realm } = service;
    const now = (): number => this.#now;
    if (this.#settings.onCrash === 'restart')
      this.restarts = new ConnectionRestarts({ ...this.#settings, handling, wheel: realm.wheel, now });
  }

  /** Whether the service begins anew for `connection`, which it has just failed for. */
  mayRestart(connection: LiveConnection): boolean {
    if (this.restarts === undefined || !connection.isOpen) return false;
    const { actor } = this.#service;
    // The crash is counted next; one that makes the service fail is the first that is not restarted.
    if (!actor.getSnapshot().hasTag('accepting') || this.#crashes?.isFilledAt(this.#now) === true) return false;
    return this.restarts.isLeftFor(connection);
  }

  /** Code of the service has failed. */
  crashed(): void {
    if (this.#crashes === undefined) return;
    this.#crashes.note(this.#now);
    this.#service.actor.deliver({ type: 'member.crashed' });
  }

  get recoversInMs(): number | undefined {
    return this.#recoversAt === undefined ? undefined : this.#recoversAt - this.#now;
  }

  // What the chart of the service needs.

  get hasFailed(): boolean {
    return this.#crashes?.isFullAt(this.#now) ?? false;
  }

  beginRecovery(): void {
    const { recovery } = this.#settings;
    const { events } = this.#service.realm;
    const now = this.#now;
    const retryMs = Math.ceil(waitAfter(++this.#failures, recovery));
    this.#recoversAt = now + retryMs;
    this.#in(retryMs, 'recovery.due');
    if (events.has('service.failed'))
      events.emit('service.failed', {
        service: this.#service.name,
        crashes: this.#crashesAt(now),
        retryMs,
      });
  }

  beginProbation(): void {
    const { events } = this.#service.realm;
    this.#crashes?.clear();
    const { intensity, restartLimit } = this.#settings;
    this.#in((intensity ?? restartLimit).withinMs, 'recovery.passed');
    this.#service.shared?.recover();
    if (events.has('service.recovering')) events.emit('service.recovering', { service: this.#service.name });
  }

  recovered(): void {
    const { events } = this.#service.realm;
    this.#failures = 0;
    if (events.has('service.recovered')) events.emit('service.recovered', { service: this.#service.name });
  }

  cancelRecovery(): void {
    this.#deadline?.cancel();
    this.#recoversAt = undefined;
  }

  /** Of its connections; or of its shared state, if it is that which makes it fail. */
  #crashesAt(now: number): number {
    const { shared } = this.#service;
    if (shared?.actor.getSnapshot().value === 'failed') return shared.crashesLately;
    return this.#crashes?.countAt(now) ?? 0;
  }

  #in(delayMs: number, type: 'recovery.due' | 'recovery.passed'): void {
    this.#deadline = new Deadline(this.#service.realm.wheel, () => this.#service.actor.deliver({ type }));
    this.#deadline.set(delayMs);
  }

  get #now(): number {
    return this.#service.realm.clock.now();
  }
}
