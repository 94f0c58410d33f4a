/** Joins a replay with the runtime in which it takes place. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { checkCount, MAX_DELAY_MS } from './arguments.ts';
import { TroupeError } from './errors.ts';
import type { ServiceSource } from './options.ts';
import type { ConnectionRecord } from './recorder/entries.ts';
import { readRecording } from './recorder/read.ts';
import { Produced, RecordedAnswers, Replay, type Difference, type ReplayStep } from './recorder/replay.ts';
import { holdActors, StageRecorder, StillClock, stillTransport } from './recorder/stage.ts';
import { decode } from './recorder/values.ts';
import type { ServiceUpgrade } from './runtime/service-setting.ts';
import { definitionOf } from './service/annotations.ts';
import type { ServiceDefinition } from './service/definition.ts';
import type { RecordingGap } from './service/recorder.ts';
import type { Transport } from './transport/contract.ts';
import { assembleTroupe } from './troupe.ts';

export type { Difference, ReplayStep };

export interface ReplayOptions {
  /** How long something that a handler awaits is waited for, in ms, 1 to 2 147 483 647. @defaultValue 5000 */
  readonly timeoutMs?: number;
}

/** How a replay went. */
export interface ReplayReport {
  readonly service: string;
  readonly connection: string;
  /** Whether all that was compared was the same. */
  readonly isSame: boolean;
  readonly steps: readonly ReplayStep[];
  /** The first difference, at which the replay has ended. */
  readonly difference: Difference | undefined;
  /** What the recording lacks; see {@link RecordingGap}. */
  readonly gaps: readonly RecordingGap[];
}

/**
 * Replays a recording against the service that it is of, and says whether it does the same again.
 *
 * The code of the service runs, on a connection without a socket: what it does elsewhere, it does again. Time stands
 * still for the runtime, not for `Date`; actors that a machine starts do not run. See `docs/flight-recorder.md` for what
 * is compared.
 *
 * @throws {TroupeError} `TROUPE_RECORDING_INVALID`, `TROUPE_SERVICE_UNKNOWN` when none of `services` has the name
 * @throws {TroupeRangeError} `TROUPE_ARGUMENT_INVALID` for a time-out that is none
 *
 * @example
 * ```ts
 * import { readFile } from 'node:fs/promises';
 * import { defineService, replayRecording } from 'troupe';
 *
 * const echo = defineService({ basePath: '/echo', onTextMessage: (connection, text) => connection.pushText(text) });
 * const { isSame, difference } = await replayRecording(await readFile('crash.recording.jsonl', 'utf8'), [echo]);
 * if (!isSame) process.stdout.write(`${difference?.words.recorded}, but now ${difference?.words.replayed}\n`);
 * ```
 */
export async function replayRecording(
  recording: string,
  services: readonly ServiceSource[],
  { timeoutMs = 5000 }: ReplayOptions = {},
): Promise<ReplayReport> {
  checkCount('timeoutMs', timeoutMs, 1, MAX_DELAY_MS);
  const read = readRecording(recording);
  const { header, entries } = read;
  const definition = find(header.service, services);
  const clock = new StillClock();
  clock.time = entries[0]?.at ?? header.writtenAt;
  const produced = new Produced();
  const answers = new RecordedAnswers(entries);
  let stage: StageRecorder | undefined;
  const { troupe, supervisor } = assembleTroupe(
    { clock, services: [definition] },
    {
      createTransport: () => stillTransport as Transport<IncomingMessage, Duplex>,
      createRecorder: (service, realm) => (stage = new StageRecorder(service, realm, header, produced, answers)),
    },
  );
  // What goes wrong is part of what is compared.
  troupe.on('connection.crashed', () => {});
  holdActors(supervisor.actor.system);
  supervisor.expect(definition.name).accept(upgradeFor(definition, header.connection));
  const connection = stage!.connection!;
  const { steps, difference } = await new Replay(read, produced, answers, {
    connection,
    actor: () => connection.performer?.actor,
    setTime: (at) => void (clock.time = at),
    timeoutMs,
  }).run();
  const { service, gaps } = header;
  return { service, connection: header.connection.id, isSame: difference === undefined, steps, difference, gaps };
}

function find(name: string, services: readonly ServiceSource[]): ServiceDefinition {
  const definitions = services.map(definitionOf);
  const found = definitions.find((definition) => definition.name === name);
  if (found !== undefined) return found;
  throw new TroupeError('TROUPE_SERVICE_UNKNOWN', { service: name, registered: definitions.map((one) => one.name) });
}

/** The upgrade as it was accepted; it is not judged again. */
function upgradeFor({ handshake }: ServiceDefinition, record: ConnectionRecord): ServiceUpgrade {
  const { path, isSecure, subprotocol, remoteAddress = '' } = record;
  const params = textsIn(decode(record.pathParams));
  const query = decode(record.query);
  const admitted = handshake && {
    subprotocol,
    params: record.params === undefined ? params : decode(record.params),
    query: handshake.query === undefined ? undefined : query,
    auth: decode(record.auth),
    expiresAt: undefined,
    headers: [],
  };
  return {
    request: {} as IncomingMessage,
    stream: {} as Duplex,
    head: new Uint8Array(),
    url: typeof query === 'string' ? `${path}?${query}` : path,
    params,
    remoteAddress,
    isSecure,
    subprotocol,
    ...(admitted !== undefined && { admitted }),
  };
}

function textsIn(value: unknown): Record<string, string> {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value as Record<string, unknown>) : [];
  return Object.fromEntries(entries.map(([name, one]) => [name, String(one)]));
}
