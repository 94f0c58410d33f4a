import { describe, expect, it } from 'vitest';
import { defineService, type Connection } from 'troupe';
import { connect, refused } from '../support/client.ts';
import { at } from '../support/forms.ts';
import { handshake, rawConnect } from '../support/raw.ts';
import { serve } from '../support/server.ts';

const path = '/test/websocket';

function speaking(subprotocols?: string[], subprotocolRequired?: boolean) {
  return defineService({
    ...at(path),
    ...(subprotocols && { subprotocols }),
    ...(subprotocolRequired !== undefined && { subprotocolRequired }),
    onOpen(connection: Connection) {
      connection.pushText(`speaks "${connection.subprotocol}"`);
    },
  });
}

describe('a subprotocol', () => {
  it.each([
    [['xml', 'json'], ['json', 'xml'], 'json'],
    [['xml', 'json'], ['yaml', 'xml', 'json'], 'xml'],
    [['xml'], ['xml'], 'xml'],
  ])("is the first of the client's that the service lists (%j, %j: %s)", async (listed, offered, chosen) => {
    const server = await serve([speaking(listed)]);
    const client = await connect(server.url(path), { protocols: offered });

    expect(client.socket.protocol).toBe(chosen);
    expect(await client.next()).toBe(`speaks "${chosen}"`);
  });

  it.each([
    ['none of the offered is listed', ['xml'], 'json, yaml'],
    ['the service lists none', undefined, 'json'],
    ['the case differs', ['xml'], 'XML'],
  ])('is left out of the answer when %s', async (_title, listed, offered) => {
    const server = await serve([speaking(listed)]);
    const client = await rawConnect(server.port);
    client.write(handshake(path, { headers: { 'Sec-WebSocket-Protocol': offered } }));

    const { status, headers } = await client.answer();

    expect(status).toBe(101);
    expect(headers).not.toHaveProperty('sec-websocket-protocol');
    expect(await client.nextText()).toBe('speaks ""');
  });

  it('is left out when the client offers none', async () => {
    const server = await serve([speaking(['xml'])]);
    const client = await connect(server.url(path));

    expect(client.socket.protocol).toBe('');
    expect(await client.next()).toBe('speaks ""');
  });

  it('that is required and not offered is a refusal with 400', async () => {
    const server = await serve([speaking(['xml'], true)]);

    expect(await refused(server.url(path), { protocols: ['json'] })).toMatchObject({ status: 400 });
    expect(await refused(server.url(path))).toMatchObject({ status: 400 });
    const client = await connect(server.url(path), { protocols: ['json', 'xml'] });
    expect(await client.next()).toBe('speaks "xml"');
  });

  it('may come in several header lines', async () => {
    const server = await serve([speaking(['xml'])]);
    const client = await rawConnect(server.port);
    client.write(handshake(path, { headers: { 'Sec-WebSocket-Protocol': ['json', 'xml'] } }));

    expect((await client.answer()).headers['sec-websocket-protocol']).toBe('xml');
  });
});
