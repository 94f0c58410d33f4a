/** Reads what viewers ask. They are let in, and yet what they send is checked as any stranger's. */
import type { ErrorFrame, ListRequest, ViewerRequest } from './protocol.ts';
import { MAX_LIST_ITEMS } from './lists.ts';

type Fields = Readonly<Record<string, unknown>>;

const LISTS: readonly unknown[] = ['services', 'connections', 'names', 'groups'] satisfies ListRequest['of'][];
const STATES: readonly unknown[] = ['open', 'restarting', 'message', 'closing'] satisfies ListRequest['state'][];
const MAX_NAMED = 1000;
/** A cursor is one to three numbers. */
const CURSOR = /^\d{1,15}(?:\.\d{1,15}){0,2}$/;

/** The request that `text` holds, or what is wrong with it. */
export function readRequest(text: string): ViewerRequest | ErrorFrame {
  let fields: Fields;
  try {
    const read: unknown = JSON.parse(text);
    if (typeof read !== 'object' || read === null) return malformed('a request is a JSON object');
    fields = read as Fields;
  } catch {
    return malformed('a request is a JSON object');
  }
  const { request } = fields;
  if (typeof request !== 'number' || !Number.isSafeInteger(request)) return malformed('`request` is a whole number');
  const wrong = complain(fields);
  return wrong === undefined ? (fields as unknown as ViewerRequest) : malformed(wrong, request);
}

export function malformed(message: string, request?: number): ErrorFrame {
  return { type: 'troupe.error', ...(request !== undefined && { request }), code: 'malformed', message };
}

/** What is wrong with a request, if anything. */
function complain(fields: Fields): string | undefined {
  switch (fields.type) {
    case 'list':
      return complainOfList(fields);
    case 'connection':
    case 'graph':
      return isText(fields.of) ? undefined : '`of` is an id';
    case 'watch':
      return isTexts(fields.actors) ? undefined : '`actors` is a list of sessionIds';
    case 'unwatch':
      return fields.actors === undefined || isTexts(fields.actors) ? undefined : '`actors` is a list of sessionIds';
    case 'close':
      if (!isText(fields.connection)) return '`connection` is the id of a connection';
      if (fields.code !== undefined && typeof fields.code !== 'number') return '`code` is a number';
      return fields.reason === undefined || isText(fields.reason) ? undefined : '`reason` is text';
    case 'send':
      if (!isText(fields.connection)) return '`connection` is the id of a connection';
      return isText(fields.text) ? undefined : '`text` is text';
    default:
      return '`type` is one of list, connection, graph, watch, unwatch, close, send';
  }
}

function complainOfList({ of, service, group, state, search, after, limit }: Fields): string | undefined {
  if (!LISTS.includes(of)) return '`of` is one of services, connections, names, groups';
  for (const text of [service, group, search]) {
    if (text !== undefined && !isText(text)) return '`service`, `group` and `search` are texts';
  }
  if (state !== undefined && !STATES.includes(state)) return '`state` is one of open, restarting, message, closing';
  if (after !== undefined && !(isText(after) && CURSOR.test(after))) return '`after` is the `next` of the page before';
  if (limit === undefined) return undefined;
  const isCount = typeof limit === 'number' && Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIST_ITEMS;
  return isCount ? undefined : `\`limit\` is a whole number from 1 to ${MAX_LIST_ITEMS}`;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= MAX_NAMED && value.every(isText);
}
