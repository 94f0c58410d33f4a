/** What all actors of one Troupe share. */
import type { Events } from '../telemetry/events.ts';
import type { AddressCounts } from './address-counts.ts';
import type { Clock } from './clock.ts';
import type { Functions } from './functions.ts';
import type { GroupsRef } from './groups.ts';
import type { LiveConnection } from './connection.ts';
import type { NamedConnectionsRef } from './named-connections.ts';
import type { Turns } from './turns.ts';
import type { TimerWheel } from './timer-wheel.ts';

export interface Realm {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly turns: Turns;
  readonly events: Events;
  readonly names: NamedConnectionsRef<LiveConnection>;
  readonly groups: GroupsRef<LiveConnection>;
  readonly functions: Functions;
  /** The connections of all services by address, where they are bounded. */
  readonly addresses: AddressCounts | undefined;
}
