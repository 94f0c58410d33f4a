import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TroupeRangeError } from 'troupe';
import { connect } from '../support/client.ts';
import { capture } from '../support/capture.ts';
import { at, commander, forms, run, seen } from '../support/forms.ts';
import { serve } from '../support/server.ts';

const path = '/test/websocket';

/** The codes that may be sent, as the specification lists them. */
function isSendable(code: number): boolean {
  if (code < 1000 || code > 4999) return false;
  if (code >= 1004 && code <= 1006) return false;
  return code !== 1015 && !(code >= 1016 && code <= 2999);
}

describe.each(forms)('closing from %s', (form) => {
  it('defaults to 1000 without a reason', async () => {
    const { service, closes } = commander(form, at(path));
    const server = await serve([service]);
    const client = await connect(server.url(path));

    client.send(JSON.stringify([0, 'closeConnection']));

    expect(await client.closed).toEqual({ code: 1000, reason: '' });
    expect(await closes.next()).toMatchObject({ code: 1000, reason: '' });
  });

  it('a stored connection releases its name and its groups', async () => {
    const { service, closes } = commander(form, at(path));
    const server = await serve([service]);
    const [stored, other] = [await connect(server.url(path)), await connect(server.url(path))];
    await run(stored, 'storeConnection', 'alice');
    await run(stored, 'addConnectionToGroup', 'g');

    await run(other, 'closeStoredConnection', 'alice');

    expect(await stored.closed).toEqual({ code: 1000, reason: '' });
    expect(await closes.next()).toMatchObject({ code: 1000 });
    expect(await server.troupe.pushTextToConnection('alice', 'x')).toMatchObject({ status: 'unknown' });
    expect(server.troupe.pushTextToGroup('g', 'x')).toMatchObject({ count: 0 });
    expect(await seen(other)).toEqual([]);
  });

  it('a group closes its members, removes the group and leaves the others', async () => {
    const { service } = commander(form, at(path));
    const server = await serve([service]);
    const url = server.url(path);
    const [one, two, outsider] = [await connect(url), await connect(url), await connect(url)];
    await run(one, 'addConnectionToGroup', 'g');
    await run(two, 'addConnectionToGroup', 'g');
    await run(two, 'addConnectionToGroup', 'h');

    await run(outsider, 'closeConnectionGroup', 'g', 4000, 'over');

    expect(await one.closed).toEqual({ code: 4000, reason: 'over' });
    expect(await two.closed).toEqual({ code: 4000, reason: 'over' });
    expect(server.troupe.pushTextToGroup('g', 'x')).toMatchObject({ status: 'unknown' });
    expect(server.troupe.pushTextToGroup('h', 'x')).toMatchObject({ count: 0 });
    expect(await seen(outsider)).toEqual([]);
  });

  it('its own group ends the caller as well', async () => {
    const { service, closes } = commander(form, at(path));
    const server = await serve([service]);
    const client = await connect(server.url(path));
    await run(client, 'addConnectionToGroup', 'g');

    client.send(JSON.stringify([0, 'closeConnectionGroup', 'g', 4000, 'over']));

    expect(await client.closed).toEqual({ code: 4000, reason: 'over' });
    expect(await closes.next()).toMatchObject({ code: 4000 });
  });
});

describe('the answers', () => {
  it('are ok, closed and unknown', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const [one, two] = [await pair(server, path), await pair(server, path)];
    await two.connection.storeConnection('bob');
    await two.connection.addConnectionToGroup('g');

    expect(one.connection.closeConnection()).toMatchObject({ status: 'ok' });
    expect(one.connection.closeConnection()).toMatchObject({ status: 'closed' });
    expect(one.connection.isOpen).toBe(false);
    expect(await server.troupe.closeStoredConnection('nobody')).toMatchObject({ status: 'unknown' });
    expect(await server.troupe.closeConnectionGroup('none')).toMatchObject({ status: 'unknown' });
    expect(await server.troupe.closeConnectionGroup('g')).toMatchObject({ status: 'ok', count: 1 });
    expect(await server.troupe.closeConnectionGroup('g')).toMatchObject({ status: 'unknown' });
    expect(await server.troupe.closeStoredConnection('bob')).toMatchObject({ status: 'unknown' });
    expect((await two.client.closed).code).toBe(1000);
  });

  it('purge at the call: the next push answers closed, unknown and 0', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { connection } = await pair(server, path);
    await connection.storeConnection('alice');
    await connection.addConnectionToGroup('g');

    server.troupe.closeStoredConnection('alice');

    expect(connection.pushText('x')).toMatchObject({ status: 'closed' });
    expect(await server.troupe.pushTextToConnection('alice', 'x')).toMatchObject({ status: 'unknown' });
    expect(server.troupe.pushTextToGroup('g', 'x')).toMatchObject({ count: 0 });
    expect(server.troupe.broadcastText(path, 'x')).toMatchObject({ count: 0 });
  });
});

describe('codes and reasons', () => {
  it.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])(
    'the code %i arrives with its reason',
    async (code) => {
      const { service, pair, closes } = capture(at(path));
      const server = await serve([service]);
      const { client, connection } = await pair(server, path);

      connection.closeConnection(code, `because of ${code}`);

      expect(await client.closed).toEqual({ code, reason: `because of ${code}` });
      expect(await closes.next()).toMatchObject({ code, reason: `because of ${code}` });
    },
  );

  it('that may not be sent are a RangeError at the call, and the connection goes on (property)', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { client, connection } = await pair(server, path);
    const anyCode = fc
      .oneof(
        fc.integer({ min: -10, max: 6_000 }),
        fc.constantFrom(0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65_535, 1e9),
        fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, 1000.5),
      )
      .filter((code) => !isSendable(code) || !Number.isInteger(code));

    fc.assert(
      fc.property(anyCode, (code) => {
        for (const call of [
          () => connection.closeConnection(code),
          () => connection.closeStoredConnection('nobody', code),
          () => connection.closeConnectionGroup('none', code),
          () => server.troupe.closeStoredConnection('nobody', code),
          () => server.troupe.closeConnectionGroup('none', code),
        ]) {
          expect(call).toThrow(TroupeRangeError);
          expect(call).toThrow(RangeError);
        }
      }),
    );
    expect(connection.isOpen).toBe(true);
    connection.pushText('marker');
    expect(await client.next()).toBe('marker');
  });

  it.each([
    ['124 letters', 'x'.repeat(124)],
    ['62 two-byte letters', 'é'.repeat(62)],
    ['31 four-byte signs', '😀'.repeat(31)],
  ])('a reason of %s is a RangeError at the call', async (_title, reason) => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { connection } = await pair(server, path);

    expect(() => connection.closeConnection(1000, reason)).toThrow(TroupeRangeError);
    expect(() => server.troupe.closeStoredConnection('nobody', 1000, reason)).toThrow(TroupeRangeError);
    expect(() => server.troupe.closeConnectionGroup('none', 1000, reason)).toThrow(TroupeRangeError);
    expect(connection.isOpen).toBe(true);
  });

  it.each([
    ['123 letters', 'x'.repeat(123)],
    ['61 two-byte letters and one', `${'é'.repeat(61)}x`],
  ])('a reason of %s arrives whole', async (_title, reason) => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { client, connection } = await pair(server, path);

    connection.closeConnection(4000, reason);

    expect(await client.closed).toEqual({ code: 4000, reason });
  });

  it('that are wrong in a machine end its connection with 1011, not the server', async () => {
    const { service, closes } = commander('machine', at(path));
    const server = await serve([service]);
    const [client, other] = [await connect(server.url(path)), await connect(server.url(path))];

    client.send(JSON.stringify([0, 'closeConnection', 1005]));

    expect((await client.closed).code).toBe(1011);
    expect(await seen(other)).toEqual([]);
    expect(closes.all.length).toBeLessThanOrEqual(1);
  });
});
