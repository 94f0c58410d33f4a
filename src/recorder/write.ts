/** Makes the text of a recording. */
import { createRequire } from 'node:module';
import type { LiveConnection } from '../runtime/connection.ts';
import type { Recording, RecordingGap } from '../service/recorder.ts';
import type { ServiceDefinition } from '../service/definition.ts';
import { FORMAT, type ConnectionRecord, type End, type Header } from './entries.ts';
import type { Parts } from './parts.ts';
import type { Kept } from './tape.ts';

/** What is known of a connection when it is opened. */
export interface Opening {
  readonly record: ConnectionRecord;
  readonly gaps: ReadonlySet<RecordingGap>;
}

export function openingOf(connection: LiveConnection, definition: ServiceDefinition, parts: Parts): Opening {
  const { id, path, subprotocol, isSecure, openedAt, admission, remoteAddress } = connection;
  const { handshake } = definition;
  const pathParams = connection.info().params;
  const query = handshake?.query === undefined ? connection.query.toString() : admission?.query;
  const isQueried = query !== undefined && query !== '';
  const isKnown = admission?.auth !== undefined;
  // Before anything is recorded in which they might stand.
  if (isQueried && !parts.includes('query')) {
    parts.keepSecret(connection.query);
    parts.keepSecret(new URL(connection.url, 'ws://server').searchParams);
    parts.lacks('query');
  }
  if (isKnown && !parts.includes('auth')) parts.lacks('auth');
  const record: ConnectionRecord = {
    id,
    path: parts.plain(path) as string,
    pathParams: parts.of(pathParams, 'params'),
    ...(handshake?.params !== undefined && { params: parts.of(connection.params, 'params') }),
    subprotocol,
    isSecure,
    openedAt,
    ...(parts.includes('address') && { remoteAddress }),
    ...(isQueried && parts.includes('query') && { query: parts.of(query, 'query') }),
    ...(isKnown && parts.includes('auth') && { auth: parts.of(admission.auth, 'auth') }),
  };
  return { record, gaps: parts.takeGaps() };
}

export function recordingOf(
  { name: service, behaviour: { form } }: ServiceDefinition,
  reason: Recording['reason'],
  { record, gaps }: Opening,
  kept: Kept,
): Recording {
  const all = new Set([...gaps, ...kept.gaps]);
  // What an instance of a class held is not known.
  if (form === 'class' && kept.base !== undefined) all.add('beginning');
  const header: Header = {
    kind: 'recording',
    format: FORMAT,
    troupe: versionOfPackage(),
    node: process.version,
    service,
    form,
    reason,
    writtenAt: Date.now(),
    connection: record,
    gaps: [...all],
    ...(kept.base !== undefined && { base: kept.base }),
  };
  const end: End = { kind: 'end', entries: kept.lines.length };
  const text = [JSON.stringify(header), ...kept.lines, JSON.stringify(end), ''].join('\n');
  return { connection: record.id, service, reason, gaps: header.gaps, text };
}

let version: string | undefined;

/** 'unknown' where the package is bundled into a program. */
function versionOfPackage(): string {
  try {
    version ??= (createRequire(import.meta.url)('troupe/package.json') as { readonly version: string }).version;
  } catch {
    version = 'unknown';
  }
  return version;
}
