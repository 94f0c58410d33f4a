import { describe, expect, it } from 'vitest';
import { answerList } from '../../src/inspector/lists.ts';
import { Overview } from '../../src/inspector/overview.ts';
import type { ListRequest, OverviewFrame } from '../../src/inspector/protocol.ts';
import type {
  InspectedConnection,
  InspectedGroup,
  InspectedName,
  InspectedService,
  InspectorSource,
} from '../../src/inspector/source.ts';
import { inTurns } from '../../src/inspector/walk.ts';
import { Inbox } from '../support/inbox.ts';
import { SimulatedClock } from 'xstate';

const OPEN = {};
const CLOSING = {};

function connectionOf(service: string, ordinal: number, state: 'open' | 'closing' = 'open'): InspectedConnection {
  return {
    id: `c${ordinal}`,
    ordinal,
    service,
    path: `${service}/room-${ordinal % 10}`,
    subprotocol: '',
    remoteAddress: `203.0.113.${ordinal % 250}`,
    isSecure: false,
    openedAt: 0,
    state,
    outbound: 'flowing',
    inbound: 'flowing',
    liveness: 'alive',
    authentication: 'authValid',
    auth: undefined,
    configuration: state === 'open' ? OPEN : CLOSING,
    bytesReceived: 0,
    bufferedBytes: 0,
    waitingMessages: 0,
    ignoredMessages: 0,
    droppedPushes: 0,
    info: () => ({ params: {} }),
    actor: { sessionId: `x:${1000 + ordinal}` },
    performer: undefined,
    pushText: () => ({ status: 'delivered' }),
    closeConnection: () => ({ status: 'ok' }),
  };
}

interface Service extends InspectedService {
  readonly members: Set<InspectedConnection>;
  readonly leaving: Set<InspectedConnection>;
}

function serviceOf(name: string, number: number, from: number, count: number): Service {
  const members = new Set(Array.from({ length: count }, (_, index) => connectionOf(name, from + index)));
  return {
    name,
    route: { path: name },
    actor: { sessionId: `x:${number}`, getSnapshot: () => ({ value: 'running' }) },
    members,
    leaving: new Set(),
    get connectionCount() {
      return members.size;
    },
  };
}

function sourceOf(services: readonly Service[], parts: Partial<InspectorSource> = {}): InspectorSource {
  return {
    services,
    storedNames: new Map<string, InspectedName>(),
    allGroups: new Map<string, InspectedGroup>(),
    server: { getSnapshot: () => ({ value: 'listening' }) },
    failed(error: unknown) {
      throw error;
    },
    ...parts,
  } as unknown as InspectorSource;
}

const ask = (source: InspectorSource, request: Partial<ListRequest>) =>
  answerList(source, { type: 'list', request: 1, of: 'connections', ...request }, inTurns);

/** The ids of all pages, one after the other. */
async function all(source: InspectorSource, request: Partial<ListRequest>) {
  const ids: unknown[] = [];
  let pages = 0;
  for (let after: string | undefined; ; pages++) {
    const page = await ask(source, { ...request, ...(after !== undefined && { after }) });
    ids.push(...page!.items.map((item) => ('id' in item ? item.id : item)));
    after = page!.next;
    if (after === undefined) return { ids, pages: pages + 1 };
  }
}

describe('the list of connections', () => {
  it('has all of them once, service by service, 100 at a time', async () => {
    const source = sourceOf([serviceOf('/a', 5, 0, 150), serviceOf('/b', 9, 150, 70)]);
    const { ids, pages } = await all(source, {});
    expect(ids).toEqual(Array.from({ length: 220 }, (_, index) => `c${index}`));
    expect(pages).toBe(3);
    expect((await ask(source, { limit: 2 }))!.items).toHaveLength(2);
  });

  it('has those that stay once, whoever comes and goes between two pages', async () => {
    const service = serviceOf('/a', 5, 0, 300);
    const source = sourceOf([service]);
    const first = await ask(source, {});
    for (const member of [...service.members].slice(0, 150)) service.members.delete(member);
    service.members.add(connectionOf('/a', 900));
    const { items } = (await ask(source, { after: first!.next! }))!;
    expect(items[0]).toMatchObject({ id: 'c150' });
    const { ids } = await all(source, { after: first!.next! });
    expect(ids.at(-1)).toBe('c900');
  });

  it('goes on when the service of the last page is gone', async () => {
    const [one, other] = [serviceOf('/a', 5, 0, 100), serviceOf('/b', 9, 100, 5)];
    const { next } = (await ask(sourceOf([one, other]), {}))!;
    expect((await ask(sourceOf([other]), { after: next! }))!.items).toHaveLength(5);
  });

  it('has those that are closing behind the others of their service', async () => {
    const service = serviceOf('/a', 5, 0, 2);
    service.leaving.add(connectionOf('/a', 9, 'closing')).add(connectionOf('/a', 7, 'closing'));
    const source = sourceOf([service]);
    expect((await all(source, { limit: 1 })).ids).toEqual(['c0', 'c1', 'c7', 'c9']);
    expect((await all(source, { state: 'closing' })).ids).toEqual(['c7', 'c9']);
  });

  it('is narrowed by service, group and search', async () => {
    const services = [serviceOf('/a', 5, 0, 20), serviceOf('/b', 9, 20, 20)];
    const members = new Map([...services[1]!.members].slice(3, 5).map((member, index) => [member, index]));
    const source = sourceOf(services, { allGroups: new Map([['g', { name: 'g', ordinal: 0, members }]]) });
    expect((await all(source, { service: '/b' })).ids).toHaveLength(20);
    expect((await all(source, { group: 'g' })).ids).toEqual(['c23', 'c24']);
    expect((await all(source, { search: '/A/ROOM-3' })).ids).toEqual(['c3', 'c13']);
    expect((await all(source, { search: 'c39' })).ids).toEqual(['c39']);
    expect(await ask(source, { service: '/none' })).toBeUndefined();
    expect(await ask(source, { group: 'none' })).toBeUndefined();
  });

  it('is searched a bounded number at a time, and to its end', async () => {
    const source = sourceOf([serviceOf('/a', 5, 0, 50_000)]);
    const first = await ask(source, { search: 'c49999' });
    expect(first).toMatchObject({ items: [], next: expect.any(String) });
    const { ids, pages } = await all(source, { search: 'c49999' });
    expect(ids).toEqual(['c49999']);
    expect(pages).toBe(3);
  });

  it('lets the event loop turn while it is long', async () => {
    const source = sourceOf([serviceOf('/a', 5, 0, 20_000)]);
    let turns = 0;
    const count = (): void => {
      turns++;
      if (turns < 1000) setImmediate(count);
    };
    setImmediate(count);
    await ask(source, { search: 'nothing' });
    expect(turns).toBeGreaterThanOrEqual(15);
    turns = 1000;
  });
});

describe('the other lists', () => {
  const service = serviceOf('/a', 5, 0, 3);
  const [one, other] = [...service.members];
  const source = sourceOf([serviceOf('/b', 9, 3, 0), service], {
    storedNames: new Map([
      ['ann', { name: 'ann', ordinal: 4, connection: one! }],
      ['bob', { name: 'bob', ordinal: 6, connection: other! }],
    ]),
    allGroups: new Map([
      ['lobby', { name: 'lobby', ordinal: 1, members: new Map([[one!, 0]]) }],
      ['attic', { name: 'attic', ordinal: 3, members: new Map() }],
    ]),
  });

  it('are of names', async () => {
    expect(await ask(source, { of: 'names', limit: 1 })).toEqual({
      type: 'troupe.list',
      request: 1,
      of: 'names',
      items: [{ name: 'ann', connection: 'c0', sessionId: 'x:1000' }],
      next: '4',
    });
    expect((await ask(source, { of: 'names', after: '4' }))!.items).toMatchObject([{ name: 'bob' }]);
    expect((await ask(source, { of: 'names', search: 'C1' }))!.items).toMatchObject([{ name: 'bob' }]);
  });

  it('are of groups', async () => {
    expect((await ask(source, { of: 'groups' }))!.items).toEqual([
      { group: 'lobby', count: 1 },
      { group: 'attic', count: 0 },
    ]);
    expect((await ask(source, { of: 'groups', search: 'tt' }))!.items).toHaveLength(1);
  });

  it('are of services, in the order in which they were attached', async () => {
    expect((await ask(source, { of: 'services' }))!.items).toEqual([
      { service: '/a', sessionId: 'x:5', route: '/a', state: 'running', connections: 3 },
      { service: '/b', sessionId: 'x:9', route: '/b', state: 'running', connections: 0 },
    ]);
  });
});

describe('the overview', () => {
  function overviewOf(services: readonly Service[]) {
    const clock = new SimulatedClock();
    const told = new Inbox<OverviewFrame>();
    const overview = new Overview({
      source: sourceOf(services),
      clock,
      viewers: () => 1,
      tell: (frame) => told.push(frame),
    });
    return { clock, told, overview };
  }

  it('counts at once, and again when it has paused', async () => {
    const service = serviceOf('/a', 5, 0, 3);
    service.leaving.add(connectionOf('/a', 9, 'closing'));
    const { clock, told, overview } = overviewOf([service]);
    expect(overview.start()).toBeUndefined();
    const first = await told.next();
    expect(first.services[0]!.connections).toEqual({
      total: 4,
      state: { open: 3, restarting: 0, message: 0, closing: 1 },
      outbound: { flowing: 4, congested: 0 },
      liveness: { alive: 4, suspect: 0 },
    });
    expect(overview.start()).toBe(first);
    service.members.add(connectionOf('/a', 10));
    clock.increment(249);
    expect(told.unread).toEqual([]);
    clock.increment(60_000);
    expect((await told.next()).services[0]!.connections.total).toBe(5);
    overview.stop();
  });

  it('counts 50 000 connections in slices', async () => {
    const { told, overview } = overviewOf([serviceOf('/a', 5, 0, 50_000)]);
    let turns = 0;
    const count = (): void => {
      if (++turns < 1000) setImmediate(count);
    };
    setImmediate(count);
    overview.start();
    expect((await told.next()).services[0]!.connections.total).toBe(50_000);
    expect(turns).toBeGreaterThanOrEqual(45);
    turns = 1000;
    overview.stop();
  });

  it('counts no more when it is stopped', async () => {
    const service = serviceOf('/a', 5, 0, 1);
    const { clock, told, overview } = overviewOf([service]);
    overview.start();
    await told.next();
    overview.stop();
    service.members.clear();
    clock.increment(60_000);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    expect(told.unread).toEqual([]);
  });
});
