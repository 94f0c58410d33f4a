import { describe, expect, it } from 'vitest';
import { TroupeTypeError } from 'troupe';
import { bytes, connect } from '../support/client.ts';
import { capture } from '../support/capture.ts';
import { at, commander, forms, run, seen } from '../support/forms.ts';
import { serve, watch } from '../support/server.ts';

const path = '/test/websocket';

describe.each(forms)('groups of %s', (form) => {
  it('reach across services, with text and binary', async () => {
    const here = commander(form, at('/here/ws'));
    const there = commander(form, at('/there/ws'));
    const server = await serve([here.service, there.service]);
    const [one, two] = [await connect(server.url('/here/ws')), await connect(server.url('/there/ws'))];
    await run(one, 'addConnectionToGroup', 'g');
    await run(two, 'addConnectionToGroup', 'g');

    expect((await run(one, 'pushTextToGroup', 'g', 'text')).received).toEqual(['text']);
    expect((await run(one, 'pushBinaryToGroup', 'g', 'binary')).received).toEqual([bytes('binary')]);
    expect(await seen(two)).toEqual(['text', bytes('binary')]);
  });

  it('that are removed leave their members connected and in their other groups', async () => {
    const { service } = commander(form, at(path));
    const server = await serve([service]);
    const [member, other] = [await connect(server.url(path)), await connect(server.url(path))];
    await run(member, 'addConnectionToGroup', 'gone');
    await run(member, 'addConnectionToGroup', 'kept');
    await run(other, 'removeConnectionGroup', 'gone');

    await run(other, 'pushTextToGroup', 'gone', 'lost');
    await run(other, 'pushTextToGroup', 'kept', 'kept');

    expect(await seen(member)).toEqual(['kept']);
  });

  it('that are retired refuse their name from then on', async () => {
    const { service } = commander(form, at(path));
    const server = await serve([service]);
    const [member, other] = [await connect(server.url(path)), await connect(server.url(path))];
    await run(member, 'addConnectionToGroup', 'g');
    await run(other, 'retireConnectionGroup', 'g');
    await run(other, 'addConnectionToGroup', 'g');

    expect((await run(other, 'pushTextToGroup', 'g', 'lost')).received).toEqual([]);
    expect(await seen(member)).toEqual([]);
    expect(server.troupe.isMember('g', 'whoever')).toBe(false);
  });

  it('are left by one connection without the others noticing', async () => {
    const { service } = commander(form, at(path));
    const server = await serve([service]);
    const [leaver, member] = [await connect(server.url(path)), await connect(server.url(path))];
    await run(leaver, 'addConnectionToGroup', 'g');
    await run(member, 'addConnectionToGroup', 'g');
    await run(leaver, 'removeConnectionFromGroup', 'g');

    expect((await run(leaver, 'pushTextToGroup', 'g', 'still heard')).received).toEqual([]);
    expect(await seen(member)).toEqual(['still heard']);
  });
});

describe('the answers', () => {
  it('count the members reached', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const [one, two, three] = [await pair(server, path), await pair(server, path), await pair(server, path)];
    await one.connection.addConnectionToGroup('g');
    await two.connection.addConnectionToGroup('g');

    expect(one.connection.pushTextToGroup('g', 'all')).toMatchObject({ status: 'delivered', count: 2 });
    expect(three.connection.pushTextToGroup('g', 'from outside')).toMatchObject({ count: 2 });
    expect(server.troupe.pushTextToGroup('g', 'some', { except: [one.connection.id] })).toMatchObject({ count: 1 });
    expect(one.connection.pushBinaryToGroup('g', bytes('b'), { except: [two.connection] })).toMatchObject({
      count: 1,
    });
    expect(await one.client.take(3)).toEqual(['all', 'from outside', bytes('b')]);
    expect(await two.client.take(3)).toEqual(['all', 'from outside', 'some']);
  });

  it('tell a group that never existed from one that is empty', async () => {
    const { service, pair, closes } = capture(at(path));
    const server = await serve([service]);
    const [one, two] = [await pair(server, path), await pair(server, path)];
    expect(one.connection.pushTextToGroup('g', 'x')).toMatchObject({ status: 'unknown', count: 0 });

    await one.connection.addConnectionToGroup('g');
    await one.connection.removeConnectionFromGroup('g');
    const emptied = two.connection.pushTextToGroup('g', 'x');
    expect(emptied.count).toBe(0);
    expect(emptied.status).not.toBe('unknown');

    // A group that is emptied by the end of its last member is empty too.
    await one.connection.addConnectionToGroup('h');
    await one.client.close();
    await closes.next();
    const lost = two.connection.pushTextToGroup('h', 'x');
    expect(lost.count).toBe(0);
    expect(lost.status).not.toBe('unknown');
  });

  it('to adding and leaving are ok, not-a-member and unknown', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const [one, two] = [await pair(server, path), await pair(server, path)];

    expect(await one.connection.addConnectionToGroup('g')).toMatchObject({ status: 'ok' });
    expect(await one.connection.addConnectionToGroup('g')).toMatchObject({ status: 'ok' });
    expect(one.connection.isMember('g')).toBe(true);
    expect(two.connection.isMember('g')).toBe(false);
    expect(await two.connection.removeConnectionFromGroup('g')).toMatchObject({ status: 'not-a-member' });
    expect(await two.connection.removeConnectionFromGroup('none')).toMatchObject({ status: 'unknown' });
    expect(await one.connection.removeConnectionFromGroup('g')).toMatchObject({ status: 'ok' });
    expect(await one.connection.removeConnectionFromGroup('g')).toMatchObject({ status: 'not-a-member' });
    expect(one.connection.isMember('g')).toBe(false);
  });

  it('to removing a group are ok once and unknown afterwards, and the next add begins an empty group', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const [one, two] = [await pair(server, path), await pair(server, path)];
    await one.connection.addConnectionToGroup('g');
    await two.connection.addConnectionToGroup('g');

    expect(await server.troupe.removeConnectionGroup('g')).toMatchObject({ status: 'ok' });
    expect(one.connection.isMember('g')).toBe(false);
    expect(server.troupe.pushTextToGroup('g', 'x')).toMatchObject({ status: 'unknown' });
    expect(await one.connection.removeConnectionFromGroup('g')).toMatchObject({ status: 'unknown' });
    expect(await server.troupe.removeConnectionGroup('g')).toMatchObject({ status: 'unknown' });

    expect(await two.connection.addConnectionToGroup('g')).toMatchObject({ status: 'ok' });
    expect(server.troupe.pushTextToGroup('g', 'anew')).toMatchObject({ count: 1 });
    expect(await two.client.next()).toBe('anew');
    expect(one.connection.isOpen).toBe(true);
  });

  it('to a retired name are `retired` for an add and `unknown` for a push', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { connection } = await pair(server, path);
    await connection.addConnectionToGroup('g');

    expect(await connection.removeConnectionGroup('g', { retire: true })).toMatchObject({ status: 'ok' });

    expect(await connection.addConnectionToGroup('g')).toMatchObject({ status: 'retired' });
    expect(connection.isMember('g')).toBe(false);
    expect(connection.pushTextToGroup('g', 'x')).toMatchObject({ status: 'unknown', count: 0 });
    expect(await connection.addConnectionToGroup('other')).toMatchObject({ status: 'ok' });
  });

  it('are `closed` for a connection that is closed', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { connection } = await pair(server, path);
    await connection.addConnectionToGroup('g');
    connection.closeConnection();

    expect(await connection.addConnectionToGroup('h')).toMatchObject({ status: 'closed' });
    expect(await connection.removeConnectionFromGroup('g')).toMatchObject({ status: 'closed' });
    expect(server.troupe.pushTextToGroup('h', 'x')).toMatchObject({ status: 'unknown' });
    expect(server.troupe.pushTextToGroup('g', 'x')).toMatchObject({ count: 0 });
  });

  it('that went nowhere become dead letters', async () => {
    const { service } = capture(at(path));
    const server = await serve([service]);
    const deadLetters = watch(server.troupe, 'push.dead-lettered');

    server.troupe.pushBinaryToGroup('none', Uint8Array.of(1, 2, 3));

    expect(await deadLetters.next()).toMatchObject({ target: 'none', status: 'unknown' });
  });

  it('hold for names that look like properties of objects', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { client, connection } = await pair(server, path);
    for (const group of ['__proto__', 'constructor', 'toString', 'size', 'xstate.stop']) {
      expect(connection.isMember(group)).toBe(false);
      expect(connection.pushTextToGroup(group, 'x')).toMatchObject({ status: 'unknown' });
      expect(await connection.addConnectionToGroup(group)).toMatchObject({ status: 'ok' });
      expect(connection.pushTextToGroup(group, group)).toMatchObject({ count: 1 });
      expect(await client.next()).toBe(group);
    }
  });

  it.each<[string, unknown]>([
    ['empty', ''],
    ['of 513 bytes', 'x'.repeat(513)],
    ['a number', 7],
    ['undefined', undefined],
  ])('to a group name that is %s are a TypeError at the call', async (_title, value) => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { connection } = await pair(server, path);
    const group = value as string;

    for (const call of [
      () => connection.addConnectionToGroup(group),
      () => connection.removeConnectionFromGroup(group),
      () => connection.removeConnectionGroup(group),
      () => connection.pushTextToGroup(group, 'x'),
      () => connection.pushBinaryToGroup(group, Uint8Array.of(1)),
      () => connection.closeConnectionGroup(group),
      () => server.troupe.pushTextToGroup(group, 'x'),
      () => server.troupe.removeConnectionGroup(group),
      () => server.troupe.closeConnectionGroup(group),
    ]) {
      expect(call).toThrow(TroupeTypeError);
    }
  });

  it('let one connection be in very many groups', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { client, connection } = await pair(server, path);
    for (let index = 0; index < 2_000; index += 1) await connection.addConnectionToGroup(`g${index}`);

    expect(connection.pushTextToGroup('g0', 'first')).toMatchObject({ count: 1 });
    expect(connection.pushTextToGroup('g1999', 'last')).toMatchObject({ count: 1 });
    expect(await client.take(2)).toEqual(['first', 'last']);
  });
});
