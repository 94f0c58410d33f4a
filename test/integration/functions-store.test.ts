import { describe, expect, it } from 'vitest';
import { TroupeTypeError, defineService, serviceSetup, type Connection } from 'troupe';
import { bytes, connect } from '../support/client.ts';
import { capture } from '../support/capture.ts';
import { at, commander, forms, idOf, run, seen } from '../support/forms.ts';
import { Inbox } from '../support/inbox.ts';
import { serve, watch } from '../support/server.ts';

const path = '/test/websocket';

describe.each(forms)('named connections of %s', (form) => {
  it('are reached from every service, with text and binary', async () => {
    const here = commander(form, at('/here/ws'));
    const there = commander(form, at('/there/ws'));
    const server = await serve([here.service, there.service]);
    const [stored, pusher] = [await connect(server.url('/here/ws')), await connect(server.url('/there/ws'))];
    await run(stored, 'storeConnection', 'alice');

    await run(pusher, 'pushTextToConnection', 'alice', 'text');
    await run(pusher, 'pushBinaryToConnection', 'alice', 'binary');

    expect(await seen(stored)).toEqual(['text', bytes('binary')]);
  });

  it('may have several names; removing one keeps the others, the groups and the socket', async () => {
    const { service } = commander(form, at(path));
    const server = await serve([service]);
    const [stored, other] = [await connect(server.url(path)), await connect(server.url(path))];
    for (const name of ['alice', 'alicia', 'ali']) await run(stored, 'storeConnection', name);
    await run(stored, 'addConnectionToGroup', 'g');
    await run(other, 'removeStoredConnection', 'alicia');

    for (const name of ['alice', 'alicia', 'ali']) await run(other, 'pushTextToConnection', name, name);
    await run(other, 'pushTextToGroup', 'g', 'group');

    expect(await seen(stored)).toEqual(['alice', 'ali', 'group']);
  });

  it('that are replaced stay open, keep their groups and other names, and no longer hear that name', async () => {
    const { service } = commander(form, at(path));
    const server = await serve([service]);
    const replacements = watch(server.troupe, 'connection.replaced');
    const [previous, current] = [await connect(server.url(path)), await connect(server.url(path))];
    const [previousId, currentId] = [await idOf(previous), await idOf(current)];
    await run(previous, 'storeConnection', 'alice');
    await run(previous, 'storeConnection', 'second name');
    await run(previous, 'addConnectionToGroup', 'g');
    await run(current, 'storeConnection', 'alice');

    expect((await run(current, 'pushTextToConnection', 'alice', 'for alice')).received).toEqual(['for alice']);
    await run(current, 'pushTextToConnection', 'second name', 'for the second name');
    await run(current, 'pushTextToGroup', 'g', 'for the group');

    expect(await seen(previous)).toEqual(['for the second name', 'for the group']);
    const { name, connection, previous: replaced } = await replacements.next();
    expect(name).toBe('alice');
    expect(JSON.stringify(connection)).toContain(currentId);
    expect(JSON.stringify(replaced)).toContain(previousId);
  });

  it('are released when they close: the name is free, and a later owner keeps it', async () => {
    const { service, closes } = commander(form, at(path));
    const server = await serve([service]);
    const [previous, current] = [await connect(server.url(path)), await connect(server.url(path))];
    await run(previous, 'storeConnection', 'alice');
    await run(current, 'storeConnection', 'alice');

    // The end of the previous owner must not take the name away from the current one.
    await previous.close();
    await closes.next();
    expect((await run(current, 'pushTextToConnection', 'alice', 'mine')).received).toEqual(['mine']);

    await current.close();
    await closes.next();
    expect(await server.troupe.pushTextToConnection('alice', 'x')).toMatchObject({ status: 'unknown' });
  });
});

describe('the answers', () => {
  it('are ok, delivered and unknown', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { client, connection } = await pair(server, path);

    expect(await connection.storeConnection('alice')).toMatchObject({ status: 'ok' });
    expect(await connection.pushTextToConnection('alice', 'x')).toMatchObject({ status: 'delivered', count: 1 });
    expect(await server.troupe.pushBinaryToConnection('alice', Uint8Array.of(1))).toMatchObject({
      status: 'delivered',
    });
    expect(await client.take(2)).toEqual(['x', Uint8Array.of(1)]);
    expect(await connection.removeStoredConnection('alice')).toMatchObject({ status: 'ok' });
    expect(await connection.removeStoredConnection('alice')).toMatchObject({ status: 'unknown' });
    expect(await connection.pushTextToConnection('alice', 'x')).toMatchObject({ status: 'unknown', count: 0 });
    expect(await server.troupe.removeStoredConnection('alice')).toMatchObject({ status: 'unknown' });
    expect(connection.closeStoredConnection('alice')).toMatchObject({ status: 'unknown' });
  });

  it('come at once on one node', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { connection } = await pair(server, path);

    expect(connection.storeConnection('alice')).toMatchObject({ status: 'ok' });
    expect(connection.pushTextToConnection('alice', 'x')).toMatchObject({ status: 'delivered' });
  });

  it('to a name stored again by its own connection are ok, and nobody is told of a replacement', async () => {
    const { service, pair, replaced } = capture(at(path));
    const server = await serve([service]);
    const replacements = watch(server.troupe, 'connection.replaced');
    const { client, connection } = await pair(server, path);
    await connection.storeConnection('alice');

    expect(await connection.storeConnection('alice')).toMatchObject({ status: 'ok' });

    await connection.pushTextToConnection('alice', 'marker');
    expect(await client.next()).toBe('marker');
    expect(replaced.all).toEqual([]);
    expect(replacements.all).toEqual([]);
  });

  it('to a connection that is closed are `closed` and leave no name', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { connection } = await pair(server, path);
    connection.closeConnection();

    expect(await connection.storeConnection('alice')).toMatchObject({ status: 'closed' });
    expect(await server.troupe.pushTextToConnection('alice', 'x')).toMatchObject({ status: 'unknown' });
  });

  it('hold for names that look like properties of objects', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { client, connection } = await pair(server, path);
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'xstate.stop', ' ']) {
      expect(await server.troupe.pushTextToConnection(name, 'x')).toMatchObject({ status: 'unknown' });
      expect(await connection.storeConnection(name)).toMatchObject({ status: 'ok' });
      expect(await server.troupe.pushTextToConnection(name, name)).toMatchObject({ status: 'delivered' });
      expect(await client.next()).toBe(name);
      expect(await connection.removeStoredConnection(name)).toMatchObject({ status: 'ok' });
    }
  });

  it.each<[string, unknown]>([
    ['empty', ''],
    ['of 513 bytes', 'x'.repeat(513)],
    ['of 257 two-byte characters', 'é'.repeat(257)],
    ['a number', 7],
    ['undefined', undefined],
    ['an object', {}],
  ])('to a name that is %s are a TypeError at the call', async (_title, value) => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { connection } = await pair(server, path);
    const name = value as string;

    for (const call of [
      () => connection.storeConnection(name),
      () => connection.pushTextToConnection(name, 'x'),
      () => connection.pushBinaryToConnection(name, Uint8Array.of(1)),
      () => connection.removeStoredConnection(name),
      () => connection.closeStoredConnection(name),
      () => server.troupe.pushTextToConnection(name, 'x'),
      () => server.troupe.removeStoredConnection(name),
      () => server.troupe.closeStoredConnection(name),
    ]) {
      expect(call).toThrow(TroupeTypeError);
    }
    expect(connection.isOpen).toBe(true);
  });

  it('to a name of exactly 512 bytes are ok', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { connection } = await pair(server, path);

    expect(await connection.storeConnection('é'.repeat(256))).toMatchObject({ status: 'ok' });
  });
});

describe('a replaced connection', () => {
  it('is told with the name, as handler', async () => {
    const { service, pair, replaced } = capture(at(path));
    const server = await serve([service]);
    const previous = await pair(server, path);
    const current = await pair(server, path);
    await previous.connection.storeConnection('alice');
    await current.connection.storeConnection('alice');

    const told = await replaced.next();

    expect(told.name).toBe('alice');
    expect(told.connection.id).toBe(previous.connection.id);
    expect(previous.connection.isOpen).toBe(true);
  });

  it('is told with the name, as annotated class', async () => {
    const { BasePath, WebSocketUpgradePath, OnTextMessage, OnReplaced } = await import('troupe');
    @BasePath('/test')
    @WebSocketUpgradePath('/websocket')
    class Named {
      @OnTextMessage()
      async said(connection: Connection, name: string) {
        await connection.storeConnection(name);
        connection.pushText('stored');
      }
      @OnReplaced()
      lost(connection: Connection, { name }: { name: string }) {
        connection.pushText(`lost ${name}`);
      }
    }
    const server = await serve([Named]);
    const [previous, current] = [await connect(server.url(path)), await connect(server.url(path))];
    for (const client of [previous, current]) {
      client.send('alice');
      expect(await client.next()).toBe('stored');
    }

    expect(await previous.next()).toBe('lost alice');
  });

  it('is told with the name, as machine', async () => {
    const names = new Inbox<string>();
    const machine = serviceSetup()
      .extend({
        actions: {
          note: ({ event }) => {
            if (event.type === 'ws.replaced') names.push(event.name);
          },
        },
      })
      .createMachine({
        id: 'named',
        on: {
          'ws.text': {
            actions: [
              { type: 'storeConnection', params: { name: 'alice' } },
              { type: 'pushText', params: { text: 'stored' } },
            ],
          },
          'ws.replaced': { actions: 'note' },
        },
      });
    const server = await serve([defineService({ ...at(path), machine })]);
    const [previous, current] = [await connect(server.url(path)), await connect(server.url(path))];
    for (const client of [previous, current]) {
      client.send('go');
      await client.next();
    }

    expect(await names.next()).toBe('alice');
    expect(names.all).toHaveLength(1);
  });
});
