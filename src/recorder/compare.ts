/** What is compared of an entry, and how it is told to people. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { Entry } from './entries.ts';
import type { Json } from './values.ts';

/** Whether a replay led to the same. */
export function isSameEntry(recorded: Entry, replayed: Entry): boolean {
  return isDeepStrictEqual(essenceOf(recorded), essenceOf(replayed));
}

/** What is compared: not when it was, nor what is told of the parts of the world that are not replayed. */
export function essenceOf(entry: Entry): Json {
  switch (entry.kind) {
    case 'begin':
      return { kind: entry.kind, from: entry.from };
    case 'event':
      return { kind: entry.kind, event: named(entry.event), lifecycle: entry.lifecycle };
    case 'step':
      return { kind: entry.kind, event: named(entry.event) };
    case 'state':
      return { kind: entry.kind, state: stateOf(entry.state) };
    case 'call':
      return { kind: entry.kind, function: entry.function, arguments: named(entry.arguments) };
    case 'answer':
      return { kind: entry.kind, request: entry.request };
    case 'settled': {
      const { kind, type, attributes = null } = entry;
      return { kind, type, attributes: named(attributes) };
    }
    case 'chart':
      return { kind: entry.kind, event: entry.event, lifecycle: entry.lifecycle };
    case 'crash': {
      const { kind, error, during, lifecycle, machine = null } = entry;
      return { kind, error: named(error), during, lifecycle, machine };
    }
  }
}

/** A snapshot without what its actors did: they do not run. */
export function stateOf(state: Json): Json {
  const { children, historyValue, ...rest } = state as { readonly [key: string]: Json };
  const actors = Object.keys((children ?? {}) as object).map((id) => named(id));
  // An empty one XState does not restore.
  const history = Object.entries((historyValue ?? {}) as object).filter(([, states]) => String(states) !== '');
  return { ...(named(rest) as object), historyValue: Object.fromEntries(history), actors };
}

/** Without the names that XState makes up for actors that have none. */
function named(json: Json): Json {
  if (typeof json === 'string') return /^x:\d+$/.test(json) ? 'x:' : json;
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) return (json as readonly Json[]).map(named);
  return Object.fromEntries(
    Object.entries(json as { readonly [key: string]: Json }).map(([key, one]) => [key, named(one)]),
  );
}

const WIDTH = 100;

/** One line for people. */
export function describeEntry(entry: Entry): string {
  switch (entry.kind) {
    case 'begin':
      return entry.from === 'start' ? 'the service begins' : 'the service goes on from its last good snapshot';
    case 'event':
      return describeEvent(entry.event);
    case 'step':
      return `machine: ${describeEvent(entry.event)}`;
    case 'state': {
      const { status, value, context } = entry.state as { readonly [key: string]: Json };
      const end = status === 'active' ? '' : ` (${short(status)})`;
      return `state ${short(value)}${end} ${short(context)}`;
    }
    case 'call':
      return `${entry.function}(${short(entry.arguments).slice(1, -1)})${entry.beside === true ? ', beside' : ''}`;
    case 'answer':
      return `request ${entry.request} is answered: ${short(entry.error ?? entry.data)}`;
    case 'settled':
      return `settled${entry.attributes === undefined ? '' : `, attributes ${short(entry.attributes)}`}`;
    case 'chart':
      return `connection: ${entry.event}, ${entry.lifecycle}`;
    case 'crash':
      return `crash during ${entry.during}: ${describeError(entry.error)}`;
  }
}

export function describeError(error: Json): string {
  const { name, message } =
    typeof error === 'object' && error !== null && !Array.isArray(error) ? (error as Record<string, Json>) : {};
  return typeof name === 'string' && typeof message === 'string' ? `${bare(name)}: ${bare(message)}` : short(error);
}

/** A text without its quotes. */
function bare(text: string): string {
  return short(text).replace(/^"/, '').replace(/"$/, '');
}

function describeEvent(event: Json): string {
  const { type, ...rest } = event as { readonly [key: string]: Json };
  return Object.keys(rest).length === 0 ? short(type).slice(1, -1) : `${short(type).slice(1, -1)} ${short(rest)}`;
}

/** As JSON, in which no control character of a terminal is left. */
function short(json: Json | undefined): string {
  const text = json === undefined ? '' : JSON.stringify(json).replaceAll(/[\u007f-\u009f]/g, '?');
  return text.length > WIDTH ? `${text.slice(0, WIDTH)}...` : text;
}
