import { describe, expect, it } from 'vitest';
import { TroupeTypeError } from 'troupe';
import { bytes, connect } from '../support/client.ts';
import { capture } from '../support/capture.ts';
import { at, commander, forms, run, seen } from '../support/forms.ts';
import { serve, watch } from '../support/server.ts';

const path = '/test/websocket';

describe.each(forms)('pushing from %s', (form) => {
  it('reaches the connection being handled and no other', async () => {
    const { service } = commander(form, at(path));
    const server = await serve([service]);
    const [one, two] = [await connect(server.url(path)), await connect(server.url(path))];

    expect((await run(one, 'pushText', 'just you')).received).toEqual(['just you']);
    expect((await run(one, 'pushBinary', 'just you')).received).toEqual([bytes('just you')]);
    expect(await seen(two)).toEqual([]);
  });

  it('broadcasts text and binary to all, sender included, and can leave the sender out', async () => {
    const { service } = commander(form, at(path));
    const server = await serve([service]);
    const [one, two] = [await connect(server.url(path)), await connect(server.url(path))];

    expect((await run(one, 'broadcastText', 'a')).received).toEqual(['a']);
    expect((await run(one, 'broadcastBinary', 'b')).received).toEqual([bytes('b')]);
    expect((await run(one, 'broadcastToOthers', 'c')).received).toEqual([]);
    expect(await seen(two)).toEqual(['a', bytes('b'), 'c']);
  });

  it.each(['', ' ', 'ünïcödé 😀', '\u0000', '\uFEFFmarked', 'x'.repeat(125), 'x'.repeat(126), 'é'.repeat(40_000)])(
    'keeps the text %j as it is',
    async (text) => {
      const { service } = commander(form, at(path));
      const server = await serve([service]);
      const client = await connect(server.url(path));

      expect((await run(client, 'pushText', text)).received).toEqual([text]);
    },
  );
});

describe('a push', () => {
  it('of half a surrogate pair arrives as the replacement character, not as broken UTF-8', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { client, connection } = await pair(server, path);

    connection.pushText('a\ud800b');
    connection.pushText('whole 😀');

    expect(await client.take(2)).toEqual(['a\ufffdb', 'whole 😀']);
  });

  it('to an open connection is delivered', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { client, connection } = await pair(server, path);

    expect(connection.pushText('one')).toMatchObject({ status: 'delivered' });
    expect(connection.pushBinary(Uint8Array.of(0, 255))).toMatchObject({ status: 'delivered' });
    expect(await client.take(2)).toEqual(['one', Uint8Array.of(0, 255)]);
  });

  it('can be awaited and read at once alike', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { connection } = await pair(server, path);

    const atOnce = connection.pushText('one');

    expect(atOnce.count).toBe(1);
    expect(await atOnce).toMatchObject({ status: 'delivered', count: 1 });
  });

  it('after the close is answered `closed`, whoever closed, and becomes a dead letter', async () => {
    const { service, pair, closes } = capture(at(path));
    const server = await serve([service]);
    const deadLetters = watch(server.troupe, 'push.dead-lettered');
    const byServer = await pair(server, path);
    const byClient = await pair(server, path);

    byServer.connection.closeConnection();
    expect(byServer.connection.pushText('late')).toMatchObject({ status: 'closed', count: 0 });
    expect(await deadLetters.next()).toMatchObject({ function: 'pushText', status: 'closed' });
    await byClient.client.close();
    await closes.until(({ connection }) => connection.id === byClient.connection.id);

    expect(byClient.connection.pushText('late').status).toBe('closed');
    expect(byClient.connection.pushBinary(bytes('late')).status).toBe('closed');
    expect(byClient.connection.broadcastText('late').count).toBe(0);
  });

  it('that went nowhere is a dead letter with the bytes of its payload', async () => {
    const { service } = capture(at(path));
    const server = await serve([service]);
    const deadLetters = watch(server.troupe, 'push.dead-lettered');

    void server.troupe.pushTextToConnection('nobody', 'é'.repeat(100));
    void server.troupe.pushBinaryToConnection('nobody', new Uint8Array(70_000));

    expect(await deadLetters.next()).toMatchObject({ target: 'nobody', status: 'unknown', bytes: 200 });
    expect(await deadLetters.next()).toMatchObject({ target: 'nobody', status: 'unknown', bytes: 70_000 });
  });

  it('takes a view into a larger buffer for what it shows, and for what it shows now', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { client, connection } = await pair(server, path);
    const whole = Uint8Array.of(1, 2, 3, 4, 5);
    const view = whole.subarray(1, 4);

    connection.pushBinary(view);
    connection.broadcastBinary(view);
    // The caller may use its buffer again at once.
    whole.fill(9);

    expect(await client.take(2)).toEqual([Uint8Array.of(2, 3, 4), Uint8Array.of(2, 3, 4)]);
  });

  it('leaves an incoming binary message to its handler for as long as it keeps it', async () => {
    const { defineService } = await import('troupe');
    const kept: Uint8Array[] = [];
    const service = defineService({
      ...at(path),
      onBinaryMessage(connection, data: Uint8Array) {
        kept.push(data);
        connection.pushText('kept');
      },
    });
    const server = await serve([service]);
    const client = await connect(server.url(path));
    for (let value = 0; value < 20; value += 1) client.send(new Uint8Array(100).fill(value));
    await client.take(20);

    expect(kept.map((data) => Array.from(data))).toEqual(
      Array.from({ length: 20 }, (_, value) => Array.from({ length: 100 }, () => value)),
    );
  });

  it.each<[string, unknown]>([
    ['a number', 5],
    ['undefined', undefined],
    ['null', null],
    ['an object', { text: 'x' }],
    ['bytes', Uint8Array.of(1)],
  ])('of %s as text is a TypeError at the call', async (_title, value) => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { client, connection } = await pair(server, path);
    const text = value as string;

    const calls: (() => unknown)[] = [
      () => connection.pushText(text),
      () => connection.broadcastText(text),
      () => connection.pushTextToConnection('nobody', text),
      () => connection.pushTextToGroup('none', text),
      () => server.troupe.broadcastText(path, text),
      () => server.troupe.pushTextToConnection('nobody', text),
      () => server.troupe.pushTextToGroup('none', text),
    ];

    for (const call of calls) expect(call).toThrow(TroupeTypeError);
    expect(calls[0]).toThrow(TypeError);
    connection.pushText('marker');
    expect(await client.next()).toBe('marker');
  });

  it.each<[string, unknown]>([
    ['a text', 'x'],
    ['a list', [1, 2]],
    ['undefined', undefined],
    ['words of 16 bits', Uint16Array.of(1)],
  ])('of %s as binary is a TypeError at the call', async (_title, value) => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { connection } = await pair(server, path);
    const data = value as Uint8Array;

    for (const call of [
      () => connection.pushBinary(data),
      () => connection.broadcastBinary(data),
      () => connection.pushBinaryToConnection('nobody', data),
      () => connection.pushBinaryToGroup('none', data),
      () => server.troupe.broadcastBinary(path, data),
    ]) {
      expect(call).toThrow(TroupeTypeError);
    }
  });
});

describe('a broadcast', () => {
  it('counts the connections that it reached', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const one = await pair(server, path);
    const two = await pair(server, path);
    const three = await pair(server, path);

    expect(one.connection.broadcastText('all')).toMatchObject({ status: 'delivered', count: 3 });
    expect(one.connection.broadcastText('some', { except: [one.connection, two.connection.id] })).toMatchObject({
      status: 'delivered',
      count: 1,
    });
    expect(one.connection.broadcastBinary(bytes('some'), { except: [three.connection] })).toMatchObject({ count: 2 });

    expect(await three.client.take(2)).toEqual(['all', 'some']);
    expect(await one.client.take(2)).toEqual(['all', bytes('some')]);
    expect(await two.client.take(2)).toEqual(['all', bytes('some')]);
  });

  it('that leaves out an id which is not there leaves out nobody', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { connection } = await pair(server, path);

    expect(connection.broadcastText('x', { except: ['no such id'] })).toMatchObject({ count: 1 });
  });

  it('to nobody counts 0 and is no error', async () => {
    const { service } = capture(at(path));
    const server = await serve([service]);

    expect(server.troupe.broadcastText(path, 'x')).toMatchObject({ count: 0 });
    expect(server.troupe.broadcastBinary(path, Uint8Array.of(1))).toMatchObject({ count: 0 });
  });

  it('skips the closed and reaches the others', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const one = await pair(server, path);
    const two = await pair(server, path);
    one.connection.closeConnection();

    expect(server.troupe.broadcastText(path, 'rest')).toMatchObject({ count: 1 });
    expect(await two.client.next()).toBe('rest');
    await one.client.closed;
    expect(await one.client.untilClosed()).toEqual([]);
  });

  it('from outside reaches the named service only', async () => {
    const here = capture(at('/here/ws'));
    const there = capture(at('/there/ws'));
    const server = await serve([here.service, there.service]);
    const one = await here.pair(server, '/here/ws');
    const two = await there.pair(server, '/there/ws');

    expect(server.troupe.broadcastText('/here/ws', 'here')).toMatchObject({ count: 1 });
    expect(server.troupe.broadcastText('/there/ws', 'there', { except: [two.connection.id] })).toMatchObject({
      count: 0,
    });
    server.troupe.broadcastBinary('/there/ws', bytes('marker'));

    expect(await one.client.next()).toBe('here');
    expect(await two.client.next()).toEqual(bytes('marker'));
  });

  it('from outside to a service that does not exist answers `unknown` or names what exists', async () => {
    const { service } = capture(at(path));
    const server = await serve([service]);

    expect(server.troupe.broadcastText('/no/such', 'x')).toMatchObject({ status: 'unknown', count: 0 });
  });
});
