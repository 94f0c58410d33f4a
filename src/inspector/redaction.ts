/**
 * What viewers may see of messages and of the data of users' machines: unless the embedding program says otherwise,
 * only that it is there and how large it is.
 */
import { types } from 'node:util';
import type { Redact } from './describe.ts';

/** `redact` as it was chosen: all of it, nothing, or a function of the embedding program. */
export type Redaction = 'all' | 'none' | Redact;

/** Fields of the runtime's own events and contexts that hold what users sent, made or threw, wherever they stand. */
const SECRET: ReadonlySet<string> = new Set(['text', 'data', 'frame', 'auth', 'error', 'output']);
/** Fields of what a service is told that hold no payload. Other events are the user's, whatever they are called. */
const HARMLESS: Readonly<Record<string, readonly string[]>> = {
  'ws.close': ['code', 'reason'],
  'ws.replaced': ['name'],
};
/** What is shown of the name of an error: no more than classes are called. */
const CLASS = /^[A-Za-z_$][\w$]{0,99}$/;

/** What stands in the place of something redacted. */
export function redacted(value: unknown): unknown {
  if (value === undefined) return undefined;
  if (typeof value === 'string') return `[redacted ${value.length} characters]`;
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return `[redacted ${value.byteLength} bytes]`;
  if (Array.isArray(value)) return `[redacted ${value.length} items]`;
  if (value instanceof Error) return `[redacted ${classOf(value.name)}, ${value.message.length} characters]`;
  return value === null ? '[redacted null]' : `[redacted ${typeof value}]`;
}

/**
 * Redacts the event `type`; `whose` says whether an actor of the runtime is given it or one of the user's code.
 * `undefined`: nothing is redacted.
 */
export function redactEvent(redaction: Redaction, whose: 'own' | 'user', type: string): Redact | undefined {
  if (redaction === 'none') return undefined;
  if (redaction !== 'all') return redaction;
  if (whose === 'own') return redactSecrets;
  const harmless = Object.hasOwn(HARMLESS, type) ? HARMLESS[type]! : [];
  return (path, value) => {
    if (path.length === 1) return isRecord(value) ? value : redacted(value);
    const [, field] = path;
    const isShown =
      path.length === 2 &&
      (typeof value !== 'object' || value === null) &&
      (field === 'type' || harmless.includes(field!) || isInType(type, field!, value));
    return isShown ? value : redacted(value);
  };
}

/** XState's own events of an actor name it in their type as well. */
function isInType(type: string, field: string, value: unknown): boolean {
  if (field !== 'actorId' || typeof value !== 'string') return false;
  return type === `xstate.done.actor.${value}` || type === `xstate.error.actor.${value}`;
}

/** Redacts the context, output or any other data of an actor. Of the context of users' machines the keys stay. */
export function redactData(redaction: Redaction, whose: 'own' | 'user'): Redact | undefined {
  if (redaction === 'none') return undefined;
  if (redaction !== 'all') return redaction;
  if (whose === 'own') return redactSecrets;
  return (path, value) => {
    const hasKeys = path.length === 1 && path[0] === 'context' && isRecord(value);
    return hasKeys ? value : redacted(value);
  };
}

/** Redacts what was thrown: of an error its class stays. Its stack begins with its message. */
export function redactError(redaction: Redaction): Redact | undefined {
  if (redaction === 'none') return undefined;
  if (redaction !== 'all') return redaction;
  return (path, value) => {
    if (path.length === 1) return value instanceof Error ? value : redacted(value);
    if (path[1] === 'name') return classOf(value);
    return path[1] === 'message' ? redacted(value) : undefined;
  };
}

const redactSecrets: Redact = (path, value) => (SECRET.has(path.at(-1)!) ? redacted(value) : value);

function classOf(name: unknown): string {
  return typeof name === 'string' && CLASS.test(name) ? name : 'Error';
}

/** Whether a value has keys that its program has chosen. Those of a Map are data. */
export function isRecord(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const isOther =
    ArrayBuffer.isView(value) ||
    types.isAnyArrayBuffer(value) ||
    types.isMap(value) ||
    types.isSet(value) ||
    types.isRegExp(value) ||
    value instanceof Error;
  return !isOther;
}
