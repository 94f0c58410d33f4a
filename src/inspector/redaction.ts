/**
 * What viewers may see of messages and of the data of users' machines: unless the embedding program says otherwise,
 * only that it is there and how large it is.
 */
import type { Redact } from './describe.ts';

/** `redact` as it was chosen: all of it, nothing, or a function of the embedding program. */
export type Redaction = 'all' | 'none' | Redact;

/** Fields of events that hold what was sent or who sent it, wherever they stand. */
const SECRET: ReadonlySet<string> = new Set(['text', 'data', 'frame', 'auth']);
/** Fields of all other events of users that say nothing of their data. */
const HARMLESS: ReadonlySet<string> = new Set(['type', 'error', 'actorId', 'id']);

/** What stands in the place of something redacted. */
export function redacted(value: unknown): unknown {
  if (value === undefined) return undefined;
  if (typeof value === 'string') return `[redacted ${value.length} characters]`;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[redacted ${value.byteLength} bytes]`;
  if (Array.isArray(value)) return `[redacted ${value.length} items]`;
  return value === null ? '[redacted null]' : `[redacted ${typeof value}]`;
}

/**
 * Redacts the event `type`; `whose` says whether an actor of the runtime is given it or one of the user's code.
 * `undefined`: nothing is redacted.
 */
export function redactEvent(redaction: Redaction, whose: 'own' | 'user', type: string): Redact | undefined {
  if (redaction === 'none') return undefined;
  if (redaction !== 'all') return redaction;
  const isKnown = whose === 'own' || type.startsWith('ws.');
  return (path, value) => {
    const [, field] = path;
    if (SECRET.has(path.at(-1)!)) return redacted(value);
    return isKnown || path.length !== 2 || HARMLESS.has(field!) ? value : redacted(value);
  };
}

/** Redacts the context or output of an actor. Of users' machines the keys stay. */
export function redactData(redaction: Redaction, whose: 'own' | 'user'): Redact | undefined {
  if (redaction === 'none') return undefined;
  if (redaction !== 'all') return redaction;
  if (whose === 'own') return (path, value) => (SECRET.has(path.at(-1)!) ? redacted(value) : value);
  return (path, value) => {
    const hasKeys = path.length === 1 && path[0] === 'context' && isRecord(value);
    return hasKeys ? value : redacted(value);
  };
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}
