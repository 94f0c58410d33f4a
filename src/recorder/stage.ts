/**
 * Where a service is replayed: the runtime as it is, for one connection without a socket.
 *
 * Time stands still, so that no deadline and no delay of a machine comes by itself, and the actors that a machine
 * starts never begin: what they led to stands in the recording.
 */
import type { AnyActorRef, Snapshot } from 'xstate';
import type { Clock } from '../runtime/clock.ts';
import { isOwnLogic } from '../runtime/own-logic.ts';
import type { Realm } from '../runtime/realm.ts';
import type { ServiceRecorder } from '../runtime/recording.ts';
import type { ServiceDefinition } from '../service/definition.ts';
import { resolveRecorder } from '../service/recorder.ts';
import type { Socket, Transport } from '../transport/contract.ts';
import type { Header } from './entries.ts';
import { connectionOf, partsFor, reelOf } from './flight-recorder.ts';
import { recordedBehaviour, type Beginning } from './recorded-behaviour.ts';
import type { AnyRecordedConnection } from './recorded-connection.ts';
import { Reel, type Prompter } from './reel.ts';
import type { Sink } from './tape.ts';
import { decode } from './values.ts';

/** The time at which something was recorded; its timers are never due. */
export class StillClock implements Clock {
  time = 0;

  setTimeout(): undefined {
    return undefined;
  }

  clearTimeout(): void {}

  now(): number {
    return this.time;
  }
}

/** Takes everything and says nothing. */
const stillSocket: Socket = {
  bufferedBytes: 0,
  bytesReceived: 0,
  write() {},
  ping() {},
  close() {},
  destroy() {},
  pause() {},
  resume() {},
};

export const stillTransport: Transport<unknown, unknown> = {
  accept(_upgrade, onAccepted) {
    onAccepted(stillSocket);
  },
};

/** Makes the one connection, from what was recorded of it, and tells `sink` what happens to it. */
export class StageRecorder implements ServiceRecorder {
  connection: AnyRecordedConnection | undefined;
  readonly #definition: ServiceDefinition;
  readonly #header: Header;
  readonly #realm: Realm;
  readonly #sink: Sink;
  readonly #prompter: Prompter;

  constructor(definition: ServiceDefinition, realm: Realm, header: Header, sink: Sink, prompter: Prompter) {
    this.#definition = definition;
    this.#realm = realm;
    this.#header = header;
    this.#sink = sink;
    this.#prompter = prompter;
  }

  record(...[behaviour]: Parameters<ServiceRecorder['record']>): ReturnType<ServiceRecorder['record']> {
    let isFirst = true;
    return recordedBehaviour(behaviour, reelOf, () => {
      const { base } = this.#header;
      if (!isFirst || base === undefined) return undefined;
      isFirst = false;
      const machine = base.machine === undefined ? undefined : (decode(base.machine) as Snapshot<unknown>);
      return { isOpened: true, ...(machine !== undefined && { snapshot: machine }) } satisfies Beginning;
    });
  }

  connect(...[service, upgrade, socket]: Parameters<ServiceRecorder['connect']>): AnyRecordedConnection {
    const { connection: record, base } = this.#header;
    const connection = connectionOf(service, upgrade, socket);
    this.connection = connection;
    const { id, openedAt } = record;
    Object.assign(connection, { id, openedAt });
    Object.assign(connection.actor, { id });
    const settings = resolveRecorder(this.#definition.options.recorder ?? {});
    const reel = new Reel(connection, partsFor(this.#definition, settings, this.#realm), this.#sink);
    reel.prompter = this.#prompter;
    connection.recorder = {
      reel,
      crashed() {},
      recording() {
        throw new Error('what is replayed is not recorded');
      },
    };
    if (base !== undefined) {
      if ('life' in connection) connection.life = base.life;
      const attributes = decode(base.attributes);
      if (attributes instanceof Map)
        for (const [name, value] of attributes) connection.attributes.set(name as string, value);
    }
    return connection;
  }
}

/** Keeps the actors that a machine of a service starts from beginning. */
export function holdActors(system: AnyActorRef['system']): void {
  system.inspect((event) => {
    if (event.type !== '@xstate.actor') return;
    const actor = event.actorRef as AnyActorRef;
    const { _parent: parent } = actor;
    if (parent === undefined || isOwn(parent) || isOwn(actor)) return;
    Object.defineProperty(actor, 'start', { value: () => actor, configurable: true });
  });
}

function isOwn(actor: AnyActorRef): boolean {
  return isOwnLogic((actor as AnyActorRef & { readonly logic: unknown }).logic);
}
