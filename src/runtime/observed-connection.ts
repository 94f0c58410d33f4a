/** A connection as its observers know it: the states it shows them, and what they are told of its chart while they listen. */
import type { EventObject } from 'xstate';
import type { Recording } from '../service/recorder.ts';
import type { Events } from '../telemetry/events.ts';
import type { TakenTransition } from './compiled-chart.ts';
import { ConnectionFunctions } from './connection-functions.ts';
import {
  regionsOf,
  type ConnectionConfiguration,
  type ConnectionEventOf,
  type ConnectionRegions,
} from './connection-regions.ts';
import type { Vigil } from './vigil.ts';
import { reportChanged, reportMoved, reportTooLate } from './connection-reports.ts';

export abstract class ObservedConnection extends ConnectionFunctions {
  abstract readonly events: Events;
  protected abstract readonly vigil: Vigil;
  /** The turn of the wheel in which the vigil was last told of a message. */
  #turnOfMessage = -1;
  /** The active states of its chart. */
  abstract readonly configuration: ConnectionConfiguration;

  protected get regions(): ConnectionRegions {
    return regionsOf(this.configuration);
  }

  get isWatched(): boolean {
    return this.events.topics['connection.changed'].isHeard;
  }

  changed(event: EventObject): void {
    reportChanged(this.connection, event);
  }

  get isTraced(): boolean {
    return this.events.topics['connection.transitioned'].isHeard;
  }

  moved(event: EventObject, transitions: readonly TakenTransition[]): void {
    reportMoved(this.connection, event, transitions);
  }

  /** Tells the vigil once of all messages in a `turn` of the wheel: its time does not move on within one. */
  protected noteMessage(turn: number): void {
    if (turn === this.#turnOfMessage) return;
    this.#turnOfMessage = turn;
    this.vigil.messaged();
  }

  /** Only those have it that are recorded, and a field of none. */
  crashed?(crash: ConnectionEventOf<'handler.failed' | 'farewell.failed'>): void;
  recording?(): Recording;

  predecessorFailed(error: unknown, during: string): void {
    reportTooLate(this.connection, error, `${during}, before its service began anew,`);
  }

  errorHandlerFailed(error: unknown): void {
    reportTooLate(this.connection, error, 'onError');
  }
}
