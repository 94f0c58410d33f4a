/** What a live service is made with, and what it accepts. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { AnyActorRef } from 'xstate';
import type { Admitted } from '../service/admission.ts';
import type { Compression } from '../service/compression.ts';
import type { Limits } from '../service/limits.ts';
import type { Transport, TransportOptions } from '../transport/contract.ts';
import type { AcceptedUpgrade } from './connection-functions.ts';
import type { Realm } from './realm.ts';
import type { ServiceRecorder } from './recording.ts';

/** A checked upgrade as `node:http` hands it over. */
export interface ServiceUpgrade extends Omit<AcceptedUpgrade, 'subprotocol' | 'admission'> {
  readonly request: IncomingMessage;
  readonly stream: Duplex;
  readonly head: Uint8Array;
  readonly subprotocol: string | undefined;
  readonly admitted?: Admitted;
}

/** What a live service needs beside its definition. */
export interface ServiceSetting {
  readonly realm: Realm;
  readonly limits: Limits;
  readonly allowedOrigins: '*' | readonly string[] | undefined;
  readonly compression: Compression | undefined;
  readonly parent: AnyActorRef;
  /** Records its connections; undefined: they are not. */
  readonly recorder: ServiceRecorder | undefined;
  createTransport(options: TransportOptions): Transport<IncomingMessage, Duplex>;
}
