/**
 * The configuration of a machine as text, as `@statelyai/inspect` tells of it.
 *
 * It holds more than a chart: a static context, `meta`, what invoked actors and actions are given. By default that is
 * redacted as any other data, while everything stays that a chart can be made of. A state may be called `input`, so
 * what a value is is told by the way to it, and what is not known counts as data.
 */
import type { AnyActorRef } from 'xstate';
import { cut, defaultBounds, describeWhole, type Redact } from './describe.ts';
import { read } from './reading.ts';
import { isRecord, redacted, type Redaction } from './redaction.ts';

const MAX_DEFINITION = 24_000;
const MAX_ID = 200;
const BOUNDS = { ...defaultBounds, depth: 30, total: MAX_DEFINITION };
const PATH = ['definition'];

/** What a part of a configuration is. */
type Role =
  | 'state'
  | 'states'
  | 'transition'
  | 'transitions'
  | 'invoke'
  | 'action'
  | 'source'
  | 'text'
  | 'data'
  | 'inner';

const fields: Readonly<Partial<Record<Role, Readonly<Record<string, Role>>>>> = {
  state: {
    id: 'text',
    key: 'text',
    type: 'text',
    version: 'text',
    description: 'text',
    tags: 'text',
    history: 'text',
    target: 'text',
    initial: 'transition',
    states: 'states',
    on: 'transitions',
    after: 'transitions',
    always: 'transition',
    onDone: 'transition',
    invoke: 'invoke',
    entry: 'action',
    exit: 'action',
  },
  transition: { target: 'text', description: 'text', reenter: 'text', guard: 'action', actions: 'action' },
  invoke: {
    id: 'text',
    src: 'source',
    systemId: 'text',
    onDone: 'transition',
    onError: 'transition',
    onSnapshot: 'transition',
  },
  action: { type: 'text' },
  source: { type: 'text' },
};

export class Definitions {
  readonly #redact: Redact;
  readonly #known = new WeakMap<object, string>();

  constructor(redaction: Redaction) {
    if (redaction === 'all') this.#redact = byRole;
    else this.#redact = redaction === 'none' ? byName : (path, value) => redaction(path, byName(path, value));
  }

  /**
   * What is too large would be cut in the middle: then only its id, as for an actor that runs no machine. The charts of
   * the runtime itself, its `own`, hold nothing of anybody.
   */
  of(actor: AnyActorRef, isOwn: boolean): string {
    const config = read(read(actor, 'logic'), 'config');
    if (typeof config !== 'object' || config === null) return JSON.stringify({ id: idOf(actor) });
    let definition = this.#known.get(config);
    if (definition === undefined) {
      const whole = describeWhole(config, PATH, isOwn ? byName : this.#redact, BOUNDS);
      const isWhole = typeof whole === 'object' && whole !== null && !Array.isArray(whole);
      definition = JSON.stringify(isWhole ? whole : { id: idOf(config) ?? idOf(actor) });
      this.#known.set(config, definition);
    }
    return definition;
  }
}

/** The id of an actor or a machine, if it has one. */
export function idOf(named: object): string | undefined {
  const id = read(named, 'id');
  return typeof id === 'string' ? cut(id, MAX_ID) : undefined;
}

/** Functions as `@statelyai/inspect` shows them. */
function byName(_path: readonly string[], value: unknown): unknown {
  return typeof value === 'function' ? { type: value.name } : value;
}

function byRole(path: readonly string[], value: unknown): unknown {
  const role = roleOf(path);
  switch (role) {
    case 'inner':
      return redacted(value);
    case 'data':
      return isRecord(value) ? value : redacted(value);
    case 'source':
      // The logic itself may stand there.
      return typeof value === 'object' && value !== null ? { type: idOf(value) ?? 'inline' } : byName(path, value);
    default:
      return byName(path, value);
  }
}

function roleOf([, ...keys]: readonly string[]): Role {
  let role: Role = 'state';
  for (const key of keys) role = within(role, key);
  return role;
}

function within(role: Role, key: string): Role {
  if (role === 'states') return 'state';
  if (role === 'transitions') return 'transition';
  if (role === 'data' || role === 'inner') return 'inner';
  const known = fields[role];
  if (known !== undefined && Object.hasOwn(known, key)) return known[key]!;
  // One of several.
  if (/^\d+$/.test(key) && role !== 'state') return role;
  return role === 'text' ? 'inner' : 'data';
}
