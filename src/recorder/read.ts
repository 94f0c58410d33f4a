/** Reads a recording, which may be anything: whatever is wrong with it is an error that says where and what. */
import { TroupeError } from '../errors.ts';
import { FORMAT, type Entry, type EntryKind, type Header } from './entries.ts';
import { decode, type Json } from './values.ts';

export interface ReadRecording {
  readonly header: Header;
  readonly entries: readonly Entry[];
}

type Fields = Readonly<Record<string, unknown>>;
/** What is wrong with a value, if anything is. */
type Check = (value: unknown) => string | undefined;

const text: Check = (value) => (typeof value === 'string' ? undefined : 'is no text');
const count: Check = (value) => (Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : 'is no count');
const number: Check = (value) => (typeof value === 'number' ? undefined : 'is no number');
const time: Check = (value) => (typeof value === 'number' && Math.abs(value) <= 8.64e15 ? undefined : 'is no time');
const truth: Check = (value) => (typeof value === 'boolean' ? undefined : 'is neither true nor false');
const list: Check = (value) => (Array.isArray(value) ? undefined : 'is no list');
const among =
  (...names: readonly string[]): Check =>
  (value) =>
    names.includes(value as string) ? undefined : `is none of ${names.join(', ')}`;
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined ? undefined : check(value);

/** What stands for a value: all of it is made once, so that no replay stops in the middle. */
const encoded: Check = (value) => {
  if (value === undefined) return 'is missing';
  try {
    decode(value as Json);
    return undefined;
  } catch {
    return 'is no value';
  }
};
const event: Check = (value) =>
  encoded(value) ?? (typeof (value as { type?: unknown } | null)?.type === 'string' ? undefined : 'is no event');

function fields(checks: Readonly<Record<string, Check>>): Check {
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'is no object';
    for (const [name, check] of Object.entries(checks)) {
      const wrong = check(Object.hasOwn(value, name) ? (value as Fields)[name] : undefined);
      if (wrong !== undefined) return `"${name}" ${wrong}`;
    }
    return undefined;
  };
}

const header = fields({
  kind: among('recording'),
  format: (value) => (value === FORMAT ? undefined : `is not ${FORMAT}`),
  troupe: text,
  node: text,
  service: text,
  form: among('handlers', 'class', 'machine'),
  reason: among('crash', 'asked'),
  writtenAt: time,
  gaps: list,
  connection: fields({
    id: text,
    path: text,
    pathParams: encoded,
    params: optional(encoded),
    subprotocol: text,
    isSecure: truth,
    openedAt: time,
    remoteAddress: optional(text),
    query: optional(encoded),
    auth: optional(encoded),
  }),
  base: optional(fields({ machine: optional(encoded), attributes: optional(encoded), life: count })),
});

const entryChecks: Readonly<Record<EntryKind, Check>> = {
  begin: fields({ from: among('start', 'snapshot') }),
  event: fields({ event, lifecycle: text }),
  step: fields({ event }),
  state: fields({ state: (value) => encoded(value) ?? fields({})(value) }),
  call: fields({
    function: text,
    arguments: encoded,
    answer: optional(encoded),
    request: optional(count),
    beside: optional(truth),
  }),
  answer: fields({ request: count, data: optional(encoded), error: optional(encoded) }),
  settled: fields({ type: text, attributes: optional(encoded) }),
  chart: fields({
    event: text,
    code: optional(number),
    reason: optional(text),
    error: optional(encoded),
    lifecycle: text,
    outbound: text,
    inbound: text,
    liveness: text,
    authentication: text,
  }),
  crash: fields({
    error: encoded,
    stack: optional(text),
    during: text,
    lifecycle: text,
    machine: optional(encoded),
  }),
};

/** @throws {TroupeError} `TROUPE_RECORDING_INVALID` */
export function readRecording(recording: string): ReadRecording {
  if (typeof recording !== 'string') throw invalid(1, 'it is no text');
  const lines = recording.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const first = parse(lines[0] ?? '', 1);
  check(header, first, 1);
  const last = lines.length;
  const end = parse(lines[last - 1]!, last);
  if (end['kind'] !== 'end') throw invalid(last, 'it ends in the middle');
  const entries = lines.slice(1, -1).map((line, index) => entryOf(parse(line, index + 2), index + 2));
  if (last < 2 || end['entries'] !== entries.length) throw invalid(last, 'entries are missing');
  return { header: first as unknown as Header, entries };
}

function entryOf(entry: Fields, line: number): Entry {
  const { kind } = entry;
  if (typeof kind !== 'string' || !Object.hasOwn(entryChecks, kind)) throw invalid(line, '"kind" is none of an entry');
  check(fields({ at: time }), entry, line);
  check(entryChecks[kind as EntryKind], entry, line);
  return entry as unknown as Entry;
}

function parse(line: string, at: number): Fields {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw invalid(at, 'it is no JSON');
  }
  check(fields({}), value, at);
  return value as Fields;
}

function check(one: Check, value: unknown, line: number): void {
  const wrong = one(value);
  if (wrong !== undefined) throw invalid(line, wrong);
}

export function invalid(line: number, reason: string): TroupeError {
  return new TroupeError('TROUPE_RECORDING_INVALID', { line, reason });
}
