import { describe, expect, it, onTestFinished } from 'vitest';
import { dial, opened, type Client } from '../support/client.ts';
import { at, commander, finish, idOf, order, run, seen, type Form } from '../support/forms.ts';
import { serve, watch, type Server } from '../support/server.ts';

const path = '/test/websocket';
const groupNames = Array.from({ length: 20 }, (_, index) => `group ${index}`);

/** A small generator with a seed, so that a failure can be repeated (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

interface Member {
  client: Client;
  id: string;
  groups: Set<string>;
}

async function join(server: Server, count: number): Promise<Member[]> {
  const members: Member[] = [];
  // In portions: the backlog of a listening socket is bounded.
  while (members.length < count) {
    const portion = Array.from({ length: Math.min(100, count - members.length) }, () => dial(server.url(path)));
    for (const client of portion) onTestFinished(() => client.socket.terminate());
    await Promise.all(portion.map(opened));
    const ids = await Promise.all(portion.map(idOf));
    portion.forEach((client, index) => members.push({ client, id: ids[index] ?? '', groups: new Set() }));
  }
  return members;
}

/** Every membership that the server knows, read through its pages. */
async function membershipsOf(server: Server): Promise<Map<string, Set<string>>> {
  const memberships = new Map<string, Set<string>>();
  for (const group of groupNames) {
    const ids = new Set<string>();
    let page = await server.troupe.members(group, { limit: 300 });
    for (;;) {
      for (const { id } of page.items) {
        expect(ids.has(id), `${id} is listed twice in ${group}`).toBe(false);
        ids.add(id);
      }
      if (page.next === undefined) break;
      page = await server.troupe.members(group, { limit: 300, after: page.next });
    }
    memberships.set(group, ids);
  }
  return memberships;
}

function modelOf(members: Member[]): Map<string, Set<string>> {
  return new Map(
    groupNames.map((group) => [group, new Set(members.filter(({ groups }) => groups.has(group)).map(({ id }) => id))]),
  );
}

async function compare(form: Form, seed: number, connections: number): Promise<void> {
  const random = randomFrom(seed);
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;
  const { service, closes } = commander(form, at(path));
  const server = await serve([service]);
  const crashes = watch(server.troupe, 'connection.crashed');
  let members = await join(server, connections);

  for (let round = 0; round < 4; round += 1) {
    // All connections act at once; within each, its own order counts.
    await Promise.all(
      members.map(async ({ client, groups }) => {
        const ids: number[] = [];
        for (let step = random(5); step > 0; step -= 1) {
          const group = pick(groupNames);
          const joins = random(3) > 0;
          if (joins) groups.add(group);
          else groups.delete(group);
          ids.push(order(client, joins ? 'addConnectionToGroup' : 'removeConnectionFromGroup', group));
        }
        for (const id of ids) await finish(client, id);
      }),
    );
    // Some are lost or leave, one group is removed, newcomers arrive.
    const leaving = new Set(Array.from({ length: connections / 20 }, () => pick(members)));
    for (const { client } of leaving) void (random(2) === 0 ? client.terminate() : client.close());
    for (const _ of leaving) await closes.next();
    members = members.filter((member) => !leaving.has(member));
    const removed = pick(groupNames);
    await run(pick(members).client, 'removeConnectionGroup', removed);
    for (const { groups } of members) groups.delete(removed);
    members.push(...(await join(server, leaving.size)));
  }

  expect(await membershipsOf(server)).toEqual(modelOf(members));
  // What the server says is what it does: a push to each group reaches just the model's members.
  for (const group of groupNames) {
    const { count } = server.troupe.pushTextToGroup(group, group);
    expect(count).toBe(members.filter(({ groups }) => groups.has(group)).length);
  }
  const received = await Promise.all(members.map(({ client }) => seen(client)));
  expect(received).toEqual(members.map(({ groups }) => groupNames.filter((group) => groups.has(group))));
  expect(server.troupe.broadcastText(path, 'all')).toMatchObject({ count: connections });
  expect(crashes.all).toEqual([]);
}

describe('groups against a model', () => {
  it('hold 1 000 connections that join and leave at random', { timeout: 60_000 }, async () => {
    await compare('handlers', 20_261_123, 1_000);
  });

  it.each(['class', 'machine'] as const)('hold 200 connections of the %s', { timeout: 60_000 }, async (form) => {
    await compare(form, 4_711, 200);
  });

  it('are empty when the last connection is gone', { timeout: 60_000 }, async () => {
    const { service, closes } = commander('handlers', at(path));
    const server = await serve([service]);
    const members = await join(server, 200);
    const random = randomFrom(1);
    await Promise.all(
      members.map(({ client }, index) => {
        const id = order(client, 'addConnectionToGroup', groupNames[random(20)] ?? '');
        order(client, 'storeConnection', `name ${index}`);
        return finish(client, id);
      }),
    );
    await Promise.all(members.map(({ client }) => seen(client)));

    for (const { client } of members) void client.terminate();
    for (const _ of members) await closes.next();

    expect(await membershipsOf(server)).toEqual(modelOf([]));
    expect((await server.troupe.connections(path)).items).toEqual([]);
    expect((await server.troupe.storedNames()).items).toEqual([]);
    expect(closes.all).toHaveLength(200);
  });
});
