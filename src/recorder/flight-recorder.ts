/** Records the connections of one service, and hands out what it has when one of them crashes. */
import { TroupeError } from '../errors.ts';
import type { RunnableBehaviour } from '../runtime/behaviour.ts';
import type { AcceptedUpgrade } from '../runtime/connection-functions.ts';
import { LiveConnection } from '../runtime/connection.ts';
import type { Realm } from '../runtime/realm.ts';
import type { ServiceRecorder } from '../runtime/recording.ts';
import type { LiveService } from '../runtime/service.ts';
import type { Connection } from '../service/connection.ts';
import type { ServiceDefinition } from '../service/definition.ts';
import { resolveRecorder, type Recording, type RecorderOptions, type RecorderSettings } from '../service/recorder.ts';
import { onRejected } from '../thenable.ts';
import type { Socket } from '../transport/contract.ts';
import { Folder, type Written } from './folder.ts';
import { Parts } from './parts.ts';
import { recordedBehaviour } from './recorded-behaviour.ts';
import { RecordedConnection, RecordedMessagingConnection, type AnyRecordedConnection } from './recorded-connection.ts';
import { Reel } from './reel.ts';
import { Tape } from './tape.ts';
import { openingOf, recordingOf } from './write.ts';

export class FlightRecorder implements ServiceRecorder {
  readonly #definition: ServiceDefinition;
  readonly #settings: RecorderSettings;
  readonly #realm: Realm;
  readonly #folder: Folder | undefined;

  /** The recorder of a service; undefined when it has none. */
  static readonly of = (definition: ServiceDefinition, realm: Realm): FlightRecorder | undefined => {
    const { recorder } = definition.options;
    return recorder && new FlightRecorder(definition, recorder, realm);
  };

  constructor(definition: ServiceDefinition, options: RecorderOptions, realm: Realm) {
    this.#definition = definition;
    this.#settings = resolveRecorder(options);
    this.#realm = realm;
    const { onCrash } = this.#settings;
    this.#folder = typeof onCrash === 'object' ? new Folder(onCrash) : undefined;
  }

  record(behaviour: RunnableBehaviour): RunnableBehaviour {
    return recordedBehaviour(behaviour, reelOf);
  }

  connect(service: LiveService, upgrade: AcceptedUpgrade, socket: Socket): LiveConnection {
    const connection = connectionOf(service, upgrade, socket);
    const parts = partsFor(this.#definition, this.#settings, this.#realm);
    const opening = openingOf(connection, this.#definition, parts);
    const tape = new Tape(this.#settings.events, this.#settings.maxBytes);
    const recording = (reason: Recording['reason']): Recording =>
      recordingOf(this.#definition, reason, opening, tape.kept());
    connection.recorder = {
      reel: new Reel(connection, parts, tape),
      crashed: () => this.#handOut(connection, () => recording('crash')),
      recording: () => recording('asked'),
    };
    return connection;
  }

  #handOut(connection: Connection, make: () => Recording): void {
    const { onCrash } = this.#settings;
    if (onCrash === undefined) return;
    try {
      if (typeof onCrash === 'function') {
        const recording = make();
        onRejected(
          this.#realm.turns.during(() => onCrash(recording)),
          (error) => this.#failed(error, 'onCrash of the recorder'),
        );
        return;
      }
      const recording = make();
      void this.#folder?.write(recording, this.#realm.clock.now()).then((written) => this.#tell(recording, written));
    } catch (error) {
      this.#failed(error, `the recorder of connection "${connection.id}"`);
    }
  }

  #tell({ connection, gaps }: Recording, written: Written): void {
    const { events } = this.#realm;
    const { name: service } = this.#definition;
    if ('error' in written) {
      const { error: cause } = written;
      const reason = cause instanceof Error ? cause.message : String(cause);
      const folder = this.#folder?.folder ?? '';
      this.#failed(new TroupeError('TROUPE_RECORDING_UNWRITABLE', { folder, reason }, { cause }), 'the recorder');
    } else if ('refusal' in written) {
      const { refusal: reason } = written;
      if (events.has('recording.dropped')) events.emit('recording.dropped', { connection, service, reason });
    } else if (events.has('recording.written')) {
      events.emit('recording.written', { connection, service, gaps, ...written });
    }
  }

  #failed(error: unknown, callback: string): void {
    this.#realm.events.emit('callback.failed', {
      callback: `${callback} of service "${this.#definition.name}"`,
      error,
    });
  }
}

export function connectionOf(service: LiveService, upgrade: AcceptedUpgrade, socket: Socket): AnyRecordedConnection {
  const { messages } = service.definition.options;
  return messages === undefined
    ? new RecordedConnection(service, upgrade, socket)
    : new RecordedMessagingConnection(service, messages, upgrade, socket);
}

export function partsFor({ name }: ServiceDefinition, settings: RecorderSettings, { events }: Realm): Parts {
  return new Parts({
    settings,
    isConnection: (value) => value instanceof LiveConnection,
    redactFailed: (error) => events.emit('callback.failed', { callback: `redact of service "${name}"`, error }),
  });
}

export function reelOf(connection: Connection): Reel {
  return (connection as AnyRecordedConnection).recorder.reel;
}
