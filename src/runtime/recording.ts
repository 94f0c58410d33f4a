/** What the runtime knows of a flight recorder: who makes the connections of a service that has one. */
import type { Socket } from '../transport/contract.ts';
import type { RunnableBehaviour } from './behaviour.ts';
import type { AcceptedUpgrade } from './connection-functions.ts';
import type { LiveConnection } from './connection.ts';
import type { LiveService } from './service.ts';

/** Records the connections of one service. */
export interface ServiceRecorder {
  /** The same behaviour, recorded. */
  record(behaviour: RunnableBehaviour): RunnableBehaviour;
  /** Makes a connection of `service` that is recorded. */
  connect(service: LiveService, upgrade: AcceptedUpgrade, socket: Socket): LiveConnection;
}
