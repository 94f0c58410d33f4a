/**
 * The state of every connection, for people who watch: the service behind the
 * lights of the page.
 *
 * Each change becomes one line of JSON; the lines of a short while travel as one
 * message. Lines hold identifiers and states, never a payload or an address, and
 * are never about the watchers themselves. What is too much for people to see is
 * left out and counted: a watcher who reads "skipped" may send "list" to be told
 * where everything stands.
 */
import { isDeepStrictEqual } from 'node:util';
import { defineService, type Connection, type ConnectionInfo, type ServiceDefinition, type Troupe } from 'troupe';

export type Line =
  /** A list follows; `more` is whether there are connections that it leaves out. */
  | { change: 'listing'; more: boolean }
  | ({ change: 'listed' | 'opened' | 'changed' | 'closed' } & States)
  /** The service's own machine for that connection is in another state. */
  | { change: 'behaving'; id: string; machine: unknown }
  | { change: 'skipped'; count: number };

type States = Pick<ConnectionInfo, 'id' | 'service' | 'state' | 'outbound' | 'liveness'> & {
  /** The state of the connection's chart in full. */
  value?: unknown;
  /** The state of the service's own machine, if it is one. */
  machine?: unknown;
};

export interface Feed {
  service: ServiceDefinition;
  /** Follows the connections of those services, by name. */
  follow(troupe: Troupe, services: readonly string[]): void;
  /** Tells where the service's own machine is. */
  behaves(id: string, machine: unknown, isOver: boolean): void;
}

const group = 'showcase:watchers';
const gatherMs = 50;
const maxLinesPerMessage = 200;
const maxListed = 200;

export function createFeed(): Feed {
  let followed: readonly string[] = [];
  let troupe: Troupe | undefined;
  let watchers = 0;
  let lines: Line[] = [];
  let skipped = 0;
  /** How often something was left out; a watcher may ask for a list once for each time. */
  let gaps = 0;
  let timer: NodeJS.Timeout | undefined;
  /** What connections and pages of them do not say: the charts in full, and the services' own machines. */
  const known = new Map<string, { value?: unknown; machine?: unknown }>();

  function tell(line: Line): void {
    if (lines.length < maxLinesPerMessage) lines.push(line);
    else skipped += 1;
    // A process that has nothing else to do may end; nobody is left to read this.
    timer ??= setTimeout(flush, gatherMs).unref();
  }

  function flush(): void {
    timer = undefined;
    if (skipped > 0) {
      lines.push({ change: 'skipped', count: skipped });
      gaps += 1;
    }
    const text = write(lines);
    lines = [];
    skipped = 0;
    troupe?.pushTextToGroup(group, text);
  }

  function statesOf({ id, service, state, outbound, liveness }: ConnectionInfo): States {
    return { id, service, state, outbound, liveness, ...known.get(id) };
  }

  function list(watcher: Connection): void {
    // What has gathered so far is in the list already; told after it, it would turn the clock back.
    if (timer) {
      clearTimeout(timer);
      flush();
    }
    watcher.attributes.set('gaps', gaps);
    const listed: Line[] = [];
    let more = false;
    for (const service of followed) {
      const page = troupe?.connections(service, { limit: maxListed });
      if (!page) continue;
      more ||= page.next !== undefined || listed.length + page.items.length > maxListed;
      const room = page.items.slice(0, maxListed - listed.length);
      listed.push(...room.map((connection): Line => ({ change: 'listed', ...statesOf(connection) })));
    }
    watcher.pushText(write([{ change: 'listing', more }, ...listed]));
  }

  const service = defineService({
    basePath: '/showcase',
    webSocketUpgradePath: '/states',
    limits: { maxConnections: 100, maxPayload: 64 },
    onOpen(watcher) {
      watchers += 1;
      list(watcher);
      void watcher.addConnectionToGroup(group);
    },
    onTextMessage(watcher, text) {
      if (text === 'list' && watcher.attributes.get('gaps') !== gaps) list(watcher);
    },
    onClose() {
      watchers -= 1;
    },
  });

  return {
    service,

    follow(of, services) {
      troupe = of;
      followed = services;
      of.on('connection.opened', ({ connection }) => {
        if (watchers > 0 && services.includes(connection.service)) tell({ change: 'opened', ...statesOf(connection) });
      });
      of.on('connection.changed', ({ connection: id, service, value, state, outbound, liveness }) => {
        if (!services.includes(service)) return;
        if (state !== 'closed') known.set(id, { ...known.get(id), value });
        if (watchers > 0) tell({ change: 'changed', id, service, value, state, outbound, liveness });
      });
      of.on('connection.closed', ({ connection }) => {
        known.delete(connection.id);
        if (watchers === 0 || !services.includes(connection.service)) return;
        tell({ change: 'closed', ...statesOf(connection), state: 'closed' });
      });
    },

    behaves(id, machine, isOver) {
      const before = known.get(id);
      if (isDeepStrictEqual(before?.machine, machine)) return;
      if (!isOver) known.set(id, { ...before, machine });
      if (watchers > 0) tell({ change: 'behaving', id, machine });
    },
  };
}

function write(lines: readonly Line[]): string {
  return lines.map((line) => JSON.stringify(line)).join('\n');
}
