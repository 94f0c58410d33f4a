/** Connections that are recorded: what they are without that, and each tells its reel what its service does with it. */
import type { EventObject } from 'xstate';
import type { TakenTransition } from '../runtime/compiled-chart.ts';
import type { ConnectionEventOf } from '../runtime/connection-regions.ts';
import { LiveConnection } from '../runtime/connection.ts';
import { MessagingConnection } from '../runtime/messaging-connection.ts';
import type { RequestOptions } from '../service/message-connection.ts';
import type { Recording } from '../service/recorder.ts';
import type { Reel } from './reel.ts';

/** What records a connection. */
export interface Recorder {
  readonly reel: Reel;
  crashed(): void;
  recording(): Recording;
}

type Crash = ConnectionEventOf<'handler.failed' | 'farewell.failed'>;

export class RecordedConnection extends LiveConnection {
  recorder!: Recorder;

  override get isTraced(): true {
    return true;
  }

  override moved(event: EventObject, transitions: readonly TakenTransition[]): void {
    if (super.isTraced) super.moved(event, transitions);
    noteMove(this.recorder, event);
  }

  override crashed(crash: Crash): void {
    noteCrash(this.recorder, crash);
  }

  override recording(): Recording {
    return this.recorder.recording();
  }
}

export class RecordedMessagingConnection extends MessagingConnection {
  recorder!: Recorder;
  /** It is a machine that asks: the answer comes as an event. */
  #isAsking = false;

  override get isTraced(): true {
    return true;
  }

  override moved(event: EventObject, transitions: readonly TakenTransition[]): void {
    if (super.isTraced) super.moved(event, transitions);
    noteMove(this.recorder, event);
  }

  override crashed(crash: Crash): void {
    noteCrash(this.recorder, crash);
  }

  override recording(): Recording {
    return this.recorder.recording();
  }

  override request(message: object, options?: RequestOptions): Promise<never> {
    const { reel } = this.recorder;
    const answer = reel.call('request', [message], () => super.request(message, options)) as Promise<never>;
    return this.#isAsking ? answer : (reel.request(answer) as Promise<never>);
  }

  override ask(message: object, options: RequestOptions): void {
    this.#isAsking = true;
    try {
      super.ask(message, options);
    } finally {
      this.#isAsking = false;
    }
  }
}

export type AnyRecordedConnection = RecordedConnection | RecordedMessagingConnection;

function noteMove({ reel }: Recorder, event: EventObject): void {
  // What these lead to is told by what the service is given and does.
  if (/^(ws|handler|farewell|xstate)\./.test(event.type)) return;
  reel.chart(event);
}

function noteCrash(recorder: Recorder, crash: Crash): void {
  recorder.reel.crash(crash);
  recorder.crashed();
}

const functions = [
  'pushText',
  'pushBinary',
  'broadcastText',
  'broadcastBinary',
  'storeConnection',
  'addConnectionToGroup',
  'removeConnectionFromGroup',
  'isMember',
  'closeConnection',
  'refreshAuth',
  'pushTextToConnection',
  'pushBinaryToConnection',
  'removeStoredConnection',
  'closeStoredConnection',
  'pushTextToGroup',
  'pushBinaryToGroup',
  'removeConnectionGroup',
  'closeConnectionGroup',
] as const satisfies readonly (keyof LiveConnection)[];

const messageFunctions = [
  'push',
  'broadcast',
  'pushToConnection',
  'pushToGroup',
  'reply',
  'refuse',
  'reject',
  'sendError',
] as const satisfies readonly (keyof MessagingConnection)[];

noteCalls(RecordedConnection.prototype, functions);
noteCalls(RecordedMessagingConnection.prototype, [...functions, ...messageFunctions]);

/** From now on the methods `names` of `prototype` are noted when they are called. */
function noteCalls(prototype: object, names: readonly string[]): void {
  for (const name of names) {
    const original = Reflect.get(prototype, name) as (...args: unknown[]) => unknown;
    Object.defineProperty(prototype, name, {
      value(this: AnyRecordedConnection, ...args: unknown[]) {
        return this.recorder.reel.call(name, args, () => original.apply(this, args));
      },
      configurable: true,
      writable: true,
    });
  }
}
