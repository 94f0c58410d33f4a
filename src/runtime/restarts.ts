/**
 * Restarts what handles the events of a connection, for the same socket.
 *
 * `machines/connection.ts` decides when; here is whether one may be restarted once more, how long it waits, and where
 * it begins. Only connections that have failed take any room here.
 */
import type { Supervision } from '../service/supervision.ts';
import { Lately, waitAfter } from './back-off.ts';
import { OPEN, RESTART_DUE } from './connection-events.ts';
import { reportRestarted } from './connection-reports.ts';
import type { LiveConnection } from './connection.ts';
import type { Handling } from './handling.ts';
import { Due, type TimerWheel } from './timer-wheel.ts';

/** What the restarts of a service's connections need of it. */
export interface RestartsSetting extends Pick<Supervision, 'restartFrom' | 'restartLimit' | 'backoff'> {
  readonly wheel: TimerWheel;
  readonly handling: Handling;
  now(): number;
}

/** What a service failed in: a message, its opening, or what its machine did of its own accord, after a delay for example. */
type Occasion = 'message' | 'opening' | 'itself';

/** The restarts of one connection. */
class Restarts extends Due {
  readonly latest: Lately;
  readonly #connection: LiveConnection;
  /** Whether the next one begins at the start, whatever could be gone on from. */
  isFresh = false;
  occasion: Occasion | undefined;
  total = 0;

  constructor(connection: LiveConnection, { wheel, restartLimit }: RestartsSetting) {
    super(wheel);
    this.#connection = connection;
    this.latest = new Lately(restartLimit.restarts, restartLimit.withinMs);
  }

  override meet(): void {
    this.#connection.actor.deliver(RESTART_DUE);
  }
}

export class ConnectionRestarts {
  readonly #setting: RestartsSetting;
  readonly #restarts = new WeakMap<LiveConnection, Restarts>();

  constructor(setting: RestartsSetting) {
    this.#setting = setting;
  }

  /** Whether `connection` has a restart left. */
  isLeftFor(connection: LiveConnection): boolean {
    return !this.#of(connection).latest.isFullAt(this.#setting.now());
  }

  /** Stops what has failed; it begins anew when its wait is over. */
  schedule(connection: LiveConnection, occasion: Occasion): void {
    const { restartFrom, backoff } = this.#setting;
    const restarts = this.#of(connection);
    const now = this.#setting.now();
    // What a machine does of its own accord it does again from the same snapshot: once more, but not for ever.
    const isRepeated = occasion === 'itself' && restarts.occasion === 'itself' && !restarts.isFresh;
    restarts.isFresh = restartFrom === 'start' || occasion === 'opening' || isRepeated;
    restarts.occasion = occasion;
    restarts.total++;
    restarts.latest.note(now);
    restarts.set(waitAfter(restarts.latest.countAt(now), backoff));
    connection.performer?.halt?.({ isKept: !restarts.isFresh });
    // What a machine had subscribed would tell one that is no more.
    if (restarts.isFresh || connection.performer?.actor !== undefined) connection.releaseShared();
  }

  cancel(connection: LiveConnection): void {
    this.#of(connection).cancel();
  }

  begin(connection: LiveConnection): void {
    const { handling } = this.#setting;
    const { isFresh, total } = this.#of(connection);
    if (!isFresh && connection.performer?.isKept !== false) {
      reportRestarted(connection, 'snapshot', total);
      handling.resume(connection);
    } else {
      connection.forget();
      reportRestarted(connection, 'start', total);
      handling.open(connection, OPEN);
    }
  }

  #of(connection: LiveConnection): Restarts {
    let restarts = this.#restarts.get(connection);
    if (restarts === undefined) this.#restarts.set(connection, (restarts = new Restarts(connection, this.#setting)));
    return restarts;
  }
}
