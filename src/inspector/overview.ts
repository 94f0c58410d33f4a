/**
 * How many connections are in each state, counted now and then.
 *
 * Counted and not kept count of: keeping count would cost each connection something at each change. A count of many
 * takes several turns of the event loop, and the next one begins the later, the longer it took.
 */
import type { Clock } from '../runtime/clock.ts';
import { stateOf } from './lists.ts';
import type { ConnectionCounts, OverviewFrame, ServiceOverview } from './protocol.ts';
import { shownState, type ShownState } from './shown-state.ts';
import type { InspectedConnection, InspectedService, InspectorSource } from './source.ts';
import { walk } from './walk.ts';

const MAX_SERVICES = 100;
/** Four a second. */
const INTERVAL_MS = 250;
/** Of the time at most one part in so many goes into counting. */
const SHARE = 20;

export interface OverviewSetting {
  readonly source: InspectorSource;
  readonly clock: Clock;
  /** How many look. */
  readonly viewers: () => number;
  /** Something differs from what was told before. */
  readonly tell: (overview: OverviewFrame) => void;
}

export class Overview {
  readonly #setting: OverviewSetting;
  #isRunning = false;
  #isCounting = false;
  #timer: unknown;
  #told: string | undefined;
  #last: OverviewFrame | undefined;

  constructor(setting: OverviewSetting) {
    this.#setting = setting;
  }

  /** Counts from now on. For one that looks already, what was told last is told by the caller. */
  start(): OverviewFrame | undefined {
    if (this.#isRunning) return this.#last;
    this.#isRunning = true;
    // A count that was begun before goes on.
    if (!this.#isCounting) this.#begin();
    return undefined;
  }

  stop(): void {
    this.#isRunning = false;
    this.#setting.clock.clearTimeout(this.#timer);
    this.#told = undefined;
    this.#last = undefined;
  }

  #begin(): void {
    this.#count().catch((error: unknown) => this.#setting.source.failed(error));
  }

  async #count(): Promise<void> {
    const { source, clock } = this.#setting;
    this.#isCounting = true;
    const begun = performance.now();
    try {
      const services: ServiceOverview[] = [];
      const all = source.services;
      for (const service of all.slice(0, MAX_SERVICES)) services.push(await this.#countService(service));
      if (this.#isRunning) this.#tellOf(services, all.length);
    } finally {
      this.#isCounting = false;
      const pause = Math.max(INTERVAL_MS, (performance.now() - begun) * SHARE);
      if (this.#isRunning) this.#timer = clock.setTimeout(() => this.#begin(), pause);
    }
  }

  #tellOf(services: readonly ServiceOverview[], serviceCount: number): void {
    const { source, viewers, tell } = this.#setting;
    const facts = {
      server: stateOf(source.server),
      ...(source.backplane !== undefined && { backplane: stateOf(source.backplane) }),
      services,
      serviceCount,
      names: source.storedNames.size,
      groups: source.allGroups.size,
      viewers: viewers(),
    };
    const text = JSON.stringify(facts);
    if (text === this.#told) return;
    this.#told = text;
    this.#last = { type: 'troupe.overview', at: Date.now(), ...facts };
    tell(this.#last);
  }

  async #countService({ name, route, actor, members, leaving, shared }: InspectedService): Promise<ServiceOverview> {
    const tally = new Map<object, { readonly sample: ConnectionStates; count: number }>();
    const count = (connection: InspectedConnection): boolean => {
      const { configuration } = connection;
      const found = tally.get(configuration);
      if (found === undefined) tally.set(configuration, { sample: statesOf(connection), count: 1 });
      else found.count++;
      return !this.#isRunning;
    };
    await walk(members, count);
    await walk(leaving, count);
    return {
      sessionId: actor.sessionId,
      service: name,
      route: route.path,
      state: stateOf(actor),
      connections: sum(tally.values()),
      ...(shared !== undefined && {
        shared: { sessionId: shared.latest.sessionId, state: stateOf(shared.actor) },
      }),
    };
  }
}

type ConnectionStates = Pick<InspectedConnection, 'outbound' | 'liveness'> & { readonly state: ShownState };

function statesOf(connection: InspectedConnection): ConnectionStates {
  const { outbound, liveness } = connection;
  return { state: shownState(connection), outbound, liveness };
}

/** Connections in the same states are counted together first: there are few sets of states, and many connections. */
function sum(tally: Iterable<{ readonly sample: ConnectionStates; readonly count: number }>): ConnectionCounts {
  const state = { open: 0, restarting: 0, message: 0, closing: 0 };
  const outbound = { flowing: 0, congested: 0 };
  const liveness = { alive: 0, suspect: 0 };
  let total = 0;
  for (const { sample, count } of tally) {
    // One that has come to its end is forgotten in a moment.
    if (sample.state === 'closed') continue;
    total += count;
    state[sample.state] += count;
    outbound[sample.outbound] += count;
    liveness[sample.liveness] += count;
  }
  return { total, state, outbound, liveness };
}
