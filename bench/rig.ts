/** A server with its clients, ready to be measured as often as one likes. */
import type { ServerName } from './contract.ts';

/** What a number of operations came to: messages, deliveries or connections, whatever the workload counts. */
export interface Counted {
  /** The server's processor time for all of them. */
  readonly cpuUs: number;
  readonly wallMs: number;
  /** How many there were, all of them checked; it may be a few more than were asked for. */
  readonly checked: number;
}

export interface Rig {
  /** What is not counted, so that the code is compiled; a shorter run may do with half of it. */
  warmUp(share?: 0.5 | 1): Promise<void>;
  run(count: number): Promise<Counted>;
}

/** Starts a server with its clients, lets `use` have them, and ends both. */
export type WithRig = <T>(server: ServerName, use: (rig: Rig) => Promise<T>) => Promise<T>;
