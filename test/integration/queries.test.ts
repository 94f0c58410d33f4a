import { describe, expect, it } from 'vitest';
import { capture } from '../support/capture.ts';
import { at } from '../support/forms.ts';
import { serve } from '../support/server.ts';

const path = '/test/websocket';

interface PageOf<T> {
  readonly items: readonly T[];
  readonly next?: string | undefined;
}

/** Follows a paged query to its end. */
async function allOf<T>(
  query: (page: { limit: number; after?: string }) => PageOf<T> | PromiseLike<PageOf<T>>,
  limit: number,
): Promise<T[]> {
  const items: T[] = [];
  let page = await query({ limit });
  for (;;) {
    expect(page.items.length).toBeLessThanOrEqual(limit);
    items.push(...page.items);
    if (page.next === undefined) return items;
    page = await query({ limit, after: page.next });
  }
}

describe('connections(service)', () => {
  it('lists the open connections of that service as plain data', async () => {
    const here = capture(at('/here/ws'));
    const there = capture(at('/there/ws'));
    const server = await serve([here.service, there.service]);
    const one = await here.pair(server, '/here/ws');
    const two = await here.pair(server, '/here/ws');
    await there.pair(server, '/there/ws');

    const { items, next } = await server.troupe.connections('/here/ws');

    expect(items.map(({ id }) => id).toSorted()).toEqual([one.connection.id, two.connection.id].toSorted());
    expect(items[0]).toMatchObject({ service: '/here/ws', state: 'open', outbound: 'flowing', liveness: 'alive' });
    expect(next).toBeUndefined();
    expect(() => structuredClone(items)).not.toThrow();
  });

  it('leaves out what is closing or closed', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const one = await pair(server, path);
    const two = await pair(server, path);
    one.connection.closeConnection();

    expect((await server.troupe.connections(path)).items.map(({ id }) => id)).toEqual([two.connection.id]);
  });

  it('is empty for a service without connections', async () => {
    const { service } = capture(at(path));
    const server = await serve([service]);

    expect((await server.troupe.connections(path)).items).toEqual([]);
  });

  it('comes in pages that hold every connection once', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const ids: string[] = [];
    for (let index = 0; index < 23; index += 1) ids.push((await pair(server, path)).connection.id);

    for (const limit of [1, 5, 22, 23, 24]) {
      const items = await allOf((page) => server.troupe.connections(path, page), limit);
      expect(items.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    }
  });

  it('goes on after a connection that has left in the meantime', async () => {
    const { service, pair, closes } = capture(at(path));
    const server = await serve([service]);
    const pairs = [];
    for (let index = 0; index < 6; index += 1) pairs.push(await pair(server, path));
    const first = await server.troupe.connections(path, { limit: 3 });
    const listed = new Set(first.items.map(({ id }) => id));
    // The cursor's own connection and all others of the first page go away.
    for (const { client, connection } of pairs) {
      if (!listed.has(connection.id)) continue;
      await client.close();
      await closes.next();
    }

    const rest = await server.troupe.connections(path, { limit: 10, after: first.next ?? '' });

    expect(rest.items.map(({ id }) => id).toSorted()).toEqual(
      pairs
        .map(({ connection }) => connection.id)
        .filter((id) => !listed.has(id))
        .toSorted(),
    );
  });
});

describe('groups(), members(group) and isMember', () => {
  it('tell who is where', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const [one, two] = [await pair(server, path), await pair(server, path)];
    await one.connection.addConnectionToGroup('a');
    await two.connection.addConnectionToGroup('a');
    await two.connection.addConnectionToGroup('b');

    const groups = await allOf((page) => server.troupe.groups(page), 1);
    expect(groups.toSorted((x, y) => x.group.localeCompare(y.group))).toEqual([
      { group: 'a', count: 2 },
      { group: 'b', count: 1 },
    ]);
    const members = await allOf((page) => server.troupe.members('a', page), 1);
    expect(members.map(({ id }) => id).toSorted()).toEqual([one.connection.id, two.connection.id].toSorted());
    expect(await server.troupe.isMember('b', two.connection.id)).toBe(true);
    expect(await server.troupe.isMember('b', one.connection.id)).toBe(false);
    expect(await server.troupe.isMember('none', one.connection.id)).toBe(false);
    expect((await server.troupe.members('none')).items).toEqual([]);
  });

  it('keep the order of joining, also when a member is added again between two pages', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const pairs = [await pair(server, path), await pair(server, path), await pair(server, path)];
    const ids = pairs.map(({ connection }) => connection.id);
    for (const { connection } of pairs) await connection.addConnectionToGroup('a');

    const first = await server.troupe.members('a', { limit: 1 });
    await pairs[0]?.connection.addConnectionToGroup('a');
    const rest = await server.troupe.members('a', { limit: 10, after: first.next ?? '' });

    expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(ids);
  });

  it('forget a removed group and every closed member', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const [one, two] = [await pair(server, path), await pair(server, path)];
    await one.connection.addConnectionToGroup('a');
    await two.connection.addConnectionToGroup('a');
    await two.connection.addConnectionToGroup('b');
    one.connection.closeConnection();
    await server.troupe.removeConnectionGroup('b');

    expect((await server.troupe.members('a')).items.map(({ id }) => id)).toEqual([two.connection.id]);
    expect(await server.troupe.isMember('a', one.connection.id)).toBe(false);
    expect((await server.troupe.groups()).items).toEqual([{ group: 'a', count: 1 }]);
  });
});

describe('storedNames()', () => {
  it('lists each name with its connection', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const [one, two] = [await pair(server, path), await pair(server, path)];
    await one.connection.storeConnection('alice');
    await one.connection.storeConnection('ali');
    await two.connection.storeConnection('bob');
    await two.connection.storeConnection('alice');

    const names = await allOf((page) => server.troupe.storedNames(page), 2);
    expect(names.toSorted((x, y) => x.name.localeCompare(y.name))).toEqual([
      { name: 'ali', connection: one.connection.id },
      { name: 'alice', connection: two.connection.id },
      { name: 'bob', connection: two.connection.id },
    ]);

    two.connection.closeConnection();
    expect((await server.troupe.storedNames()).items).toEqual([{ name: 'ali', connection: one.connection.id }]);
  });
});

describe('a page', () => {
  it('has 100 items unless asked for more, and never over 1 000', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { connection } = await pair(server, path);
    for (let index = 0; index < 1_200; index += 1) await connection.addConnectionToGroup(`g${index}`);

    expect((await server.troupe.groups()).items).toHaveLength(100);
    expect((await server.troupe.groups({ limit: 1_000 })).items).toHaveLength(1_000);
    expect(await allOf((page) => server.troupe.groups(page), 500)).toHaveLength(1_200);
    let items = 0;
    try {
      items = (await server.troupe.groups({ limit: 5_000 })).items.length;
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError);
    }
    expect(items).toBeLessThanOrEqual(1_000);
  });
});
