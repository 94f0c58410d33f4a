/**
 * What follows the work of a Troupe from within: facts tell that something has
 * happened, a tracer is there while it does, so that what user code does can be
 * attributed to it. At most one a Troupe, and none unless somebody asks for it.
 *
 * Nothing here may throw.
 */
import type { IncomingMessage } from 'node:http';
import type { ConnectionInfo } from '../service/connection.ts';
import type { ServiceEvent } from '../service/events.ts';

/** A connection as a handler has it. */
export interface TracedConnection {
  readonly id: string;
  readonly service: string;
}

/** How an upgrade was answered. */
export type UpgradeOutcome =
  | { readonly status: 101; readonly connection: TracedConnection & { info(): ConnectionInfo } }
  | { readonly status: number; readonly reason: string; readonly service: string | undefined };

export interface Tracer {
  /** Who it is, for an error that says so. */
  readonly name: string;
  /** Judges an upgrade. MUST call `judge` once, at once. */
  upgrade(request: IncomingMessage, judge: () => void): void;
  /** An upgrade was answered, or could not be (500), or nobody waited for the answer any more (499). */
  upgraded(request: IncomingMessage, outcome: UpgradeOutcome): void;
  /** A handler is about to run; the answer is told what becomes of it. Absent when that is of no interest. */
  readonly handler?: ((connection: TracedConnection, event: ServiceEvent) => HandlerTrace | undefined) | undefined;
}

export interface HandlerTrace {
  /** Runs the handler. MUST call `handle` once, at once, and return or throw what it does. */
  run<Result>(handle: () => Result): Result;
  /** The handler has settled; called once. */
  settled(failure: { readonly error: unknown } | undefined): void;
}
