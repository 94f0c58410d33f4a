/**
 * The other side of order notifications: plain HTTP routes that push to the
 * connections which service.ts has stored. They know no connection, only names.
 *
 *     POST   /notify/{name}     the body, as text, to the connection under that name
 *     DELETE /notify/{name}     forgets the name; the connection stays open
 *     GET    /names             what is stored, paged: ?limit=&after=
 *     POST   /groups/{group}    the body, as text, to each member
 *     DELETE /groups/{group}    removes the group; its members stay connected
 *     GET    /groups            the groups and their sizes, paged
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { TroupeRangeError, type Delivery, type Outcome, type Troupe } from 'troupe';
import { readText, sendJson, Refusal } from './body.ts';
import { fromStored, isName, nameRule, toStored } from './names.ts';
import { isSameOrigin } from './origin.ts';

type Answer = { status: number; body: unknown };
type Handler = (request: IncomingMessage, name: string) => Answer | Promise<Answer>;
type Route = { pattern: RegExp; methods: Partial<Record<string, Handler>> };

/** Answers true when the request is one of the routes above and is being answered. */
export function orderRoutes(troupe: Troupe): (request: IncomingMessage, response: ServerResponse) => boolean {
  const routes: Route[] = [
    {
      pattern: /^\/notify\/([^/]*)$/,
      methods: {
        POST: async (request, name) =>
          delivered(await troupe.pushTextToConnection(name, await readText(request)), name),
        DELETE: async (_request, name) => removed(await troupe.removeStoredConnection(name), name),
      },
    },
    {
      pattern: /^\/groups\/([^/]*)$/,
      methods: {
        POST: async (request, group) => delivered(troupe.pushTextToGroup(group, await readText(request)), group),
        DELETE: async (_request, group) => removed(await troupe.removeConnectionGroup(group), group),
      },
    },
    { pattern: /^\/names$/, methods: { GET: (request) => listNames(troupe, request) } },
    { pattern: /^\/groups$/, methods: { GET: (request) => listGroups(troupe, request) } },
  ];

  return (request, response) => {
    const [pathname = '/'] = (request.url ?? '/').split('?');
    for (const { pattern, methods } of routes) {
      const found = pattern.exec(pathname);
      if (!found) continue;
      void answer(request, response, methods, found[1]);
      return true;
    }
    return false;
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  methods: Route['methods'],
  segment: string | undefined,
): Promise<void> {
  try {
    const handler = methods[request.method ?? ''];
    if (!handler) {
      const allow = Object.keys(methods).join(', ');
      response.setHeader('allow', allow);
      throw new Refusal(405, `This path takes ${allow}.`);
    }
    if (!isSameOrigin(request.headers.origin, request.headers.host)) {
      throw new Refusal(403, 'Pages of other origins may not push here.');
    }
    const { status, body } = await handler(request, segment === undefined ? '' : toStored(decodeName(segment)));
    sendJson(response, status, body);
  } catch (error) {
    if (error instanceof Refusal) sendJson(response, error.status, { error: error.message });
    // A cursor that no page has given out.
    else if (error instanceof TroupeRangeError) sendJson(response, 400, { error: error.message });
    else {
      console.error(error);
      sendJson(response, 500, { error: 'The server could not answer this.' });
    }
  }
}

function decodeName(segment: string): string {
  let name: string;
  try {
    name = decodeURIComponent(segment);
  } catch {
    throw new Refusal(400, 'The name in the path is not valid percent-encoding.');
  }
  if (!isName(name)) throw new Refusal(400, `The name in the path must be ${nameRule}.`);
  return name;
}

const statuses: Record<Delivery['status'], number> = {
  delivered: 202,
  accepted: 202,
  unknown: 404,
  closed: 410,
  congested: 503,
  overloaded: 503,
  unreachable: 503,
  down: 503,
  timeout: 504,
};

function delivered(delivery: Delivery, stored: string): Answer {
  const status = statuses[delivery.status];
  if (delivery.status !== 'unknown') return { status, body: delivery };
  return { status, body: { ...delivery, error: `Nothing is known under "${fromStored(stored)}".` } };
}

function removed(outcome: Outcome, stored: string): Answer {
  if (outcome.status === 'ok' || outcome.status === 'accepted') return { status: 200, body: outcome };
  if (outcome.status !== 'unknown') return { status: 503, body: outcome };
  return { status: 404, body: { ...outcome, error: `Nothing is known under "${fromStored(stored)}".` } };
}

function listNames(troupe: Troupe, request: IncomingMessage): Answer {
  const page = troupe.storedNames(pageOf(request));
  const items = page.items.flatMap(({ name }) => fromStored(name) ?? []);
  return { status: 200, body: { ...page, items } };
}

function listGroups(troupe: Troupe, request: IncomingMessage): Answer {
  const page = troupe.groups(pageOf(request));
  const items = page.items.flatMap(({ group, count }) => {
    const name = fromStored(group);
    return name === undefined ? [] : { group: name, count };
  });
  return { status: 200, body: { ...page, items } };
}

/** A page may hold fewer items than its limit, or none: the rest of it belongs to other services. */
function pageOf(request: IncomingMessage): { limit: number; after?: string } {
  const [, query] = (request.url ?? '/').split('?');
  const parameters = new URLSearchParams(query);
  const limit = Number(parameters.get('limit') ?? 100);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw new Refusal(400, 'limit must be a whole number from 1 to 1000.');
  }
  const after = parameters.get('after');
  return after ? { limit, after } : { limit };
}
