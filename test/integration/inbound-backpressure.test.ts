import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import { defineService, type Connection } from 'troupe';
import { connect } from '../support/client.ts';
import { at } from '../support/forms.ts';
import { createGate, Inbox, turn } from '../support/inbox.ts';
import { frame, opcodes, rawUpgrade } from '../support/raw.ts';
import { advance, serve, watch, type ServeOptions } from '../support/server.ts';

const path = '/test/websocket';

/** A service that handles nothing until its gate opens. */
function gated(limits: { maxWaitingMessages?: number } = {}) {
  const gate = createGate();
  const handled = new Inbox<string>();
  const service = defineService({
    ...at(path),
    limits,
    async onTextMessage(_connection: Connection, text: string) {
      await gate.opened;
      handled.push(text.slice(0, text.indexOf(':')));
    },
    onBinaryMessage(connection: Connection, data: Uint8Array) {
      connection.pushBinary(data);
    },
  });
  return { service, gate, handled };
}

/** Several hundred looks at every socket: round trips of another connection. */
async function letPass(url: string, trips = 300): Promise<void> {
  const other = await connect(url);
  for (let trip = 0; trip < trips; trip += 1) {
    other.send(Uint8Array.of(1));
    await other.next();
  }
}

async function stall(options: ServeOptions & { maxWaitingMessages?: number; total: number; size: number }) {
  const { maxWaitingMessages, total, size, ...rest } = options;
  const { service, gate, handled } = gated(maxWaitingMessages === undefined ? {} : { maxWaitingMessages });
  const server = await serve([service], rest);
  const client = await rawUpgrade(server.port, path);
  for (let index = 0; index < total; index += 1) {
    client.write(frame({ opcode: opcodes.text, payload: `${index}:`.padEnd(size, 'x') }));
  }
  client.send({ opcode: opcodes.ping, payload: 'behind them all' });
  return { server, client, gate, handled };
}

describe('messages that wait for a busy handler', () => {
  it('stop the reading of their socket at the bound, and nothing is lost', async () => {
    const total = 400;
    const { server, client, gate, handled } = await stall({ total, size: 16 * 1024 });

    // The ping stands behind 6 MiB that the server has no reason to read: no pong while others are served.
    await letPass(server.url(path));
    expect(client.frames.all).toEqual([]);
    expect(handled.all).toEqual([]);

    gate.open();
    const order: string[] = [];
    for (let index = 0; index < total; index += 1) order.push(await handled.next());
    expect(order).toEqual(Array.from({ length: total }, (_, index) => `${index}`));
    expect((await client.nextFrame()).opcode).toBe(opcodes.pong);
  });

  it('stop it earlier with a smaller bound', async () => {
    const total = 40;
    const { server, client, gate, handled } = await stall({ total, size: 256 * 1024, maxWaitingMessages: 2 });

    await letPass(server.url(path));
    expect(client.frames.all).toEqual([]);

    gate.open();
    const order: string[] = [];
    for (let index = 0; index < total; index += 1) order.push(await handled.next());
    expect(order).toEqual(Array.from({ length: total }, (_, index) => `${index}`));
  });

  it('below the bound leave control frames their way', async () => {
    const { client, gate, handled } = await stall({ total: 60, size: 100 });

    expect(await client.nextFrame()).toMatchObject({
      opcode: opcodes.pong,
      payload: Buffer.from('behind them all'),
    });
    expect(handled.all).toEqual([]);
    gate.open();
    for (let index = 0; index < 60; index += 1) await handled.next();
  });

  it('many in one segment go beyond no memory and keep their order', async () => {
    const { service, gate, handled } = gated({ maxWaitingMessages: 4 });
    const server = await serve([service]);
    const client = await rawUpgrade(server.port, path);
    const total = 2_000;
    client.write(
      Buffer.concat(Array.from({ length: total }, (_, index) => frame({ opcode: opcodes.text, payload: `${index}:` }))),
    );
    await letPass(server.url(path), 20);

    gate.open();
    const order: string[] = [];
    for (let index = 0; index < total; index += 1) order.push(await handled.next());
    expect(order).toEqual(Array.from({ length: total }, (_, index) => `${index}`));
  });

  it('do not delay the pushes to their connection', async () => {
    const { server, client, gate } = await stall({ total: 400, size: 16 * 1024 });
    await letPass(server.url(path), 50);

    server.troupe.broadcastText(path, 'news');

    expect(await client.nextText()).toBe('news');
    gate.open();
  });

  it('do not make a peer look dead that is not read by our own doing', async () => {
    const clock = new SimulatedClock();
    const { server, client, gate, handled } = await stall({ total: 400, size: 16 * 1024, clock });
    await letPass(server.url(path), 50);

    await advance(clock, 300_000, 1_000);
    gate.open();
    for (let index = 0; index < 400; index += 1) await handled.next();

    client.send({ opcode: opcodes.binary, payload: 'alive' });
    expect(await client.nextText()).toBe('alive');
  });

  it('keep no connection that is lost while it is not read: a push finds out', async () => {
    const { server, client, gate } = await stall({ total: 400, size: 16 * 1024 });
    await letPass(server.url(path), 50);
    const closed = watch(server.troupe, 'connection.closed');

    client.reset();
    // Whoever writes to it learns of the reset; the connection of the round trips remains.
    while (server.troupe.broadcastText(path, 'news').count > 1) await turn();
    gate.open();

    expect(await closed.next()).toMatchObject({ code: 1006 });
  });
});
