/** What all actors of one Troupe share. */
import type { Frame } from '../delivery/frame.ts';
import type { Except } from '../service/connection.ts';
import type { Delivery } from '../service/outcome.ts';
import type { Events } from '../telemetry/events.ts';
import type { AddressCounts } from './address-counts.ts';
import type { Clock } from './clock.ts';
import type { Functions } from './functions.ts';
import type { GroupsRef } from './groups.ts';
import type { LiveConnection } from './connection.ts';
import type { NamedConnectionsRef } from './named-connections.ts';
import type { Turns } from './turns.ts';
import type { TimerWheel } from './timer-wheel.ts';

/** Carries what is said to a whole service to its members on other nodes. */
export interface Relay {
  /** A service has its first member here. */
  peopled(service: string): void;
  /** Its last member has gone. */
  deserted(service: string): void;
  /** `here` is what the members here got; answers what all got. */
  broadcast(name: string, service: string, frame: Frame, options: Except | undefined, here: Delivery): Delivery;
}

export interface Realm {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly turns: Turns;
  readonly events: Events;
  readonly names: NamedConnectionsRef<LiveConnection>;
  readonly groups: GroupsRef<LiveConnection>;
  readonly functions: Functions;
  /** Undefined: there is one node. */
  readonly relay: Relay | undefined;
  /** The connections of all services by address, where they are bounded. */
  readonly addresses: AddressCounts | undefined;
}
