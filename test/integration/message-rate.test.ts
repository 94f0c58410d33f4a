import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import { defineService, type MessageRate } from 'troupe';
import { connect } from '../support/client.ts';
import { at, commander, echo, forms } from '../support/forms.ts';
import { turns } from '../support/inbox.ts';
import { frame, opcodes, rawUpgrade } from '../support/raw.ts';
import { advance, advanceUntil, serve, watch } from '../support/server.ts';

const path = '/test/websocket';
const heartbeatIntervalMs = 0;

/** So many messages as one write. */
function messages(count: number, size = 0): Buffer {
  return Buffer.concat(
    Array.from({ length: count }, (_, index) => frame({ opcode: opcodes.text, payload: `${index}`.padEnd(size, ' ') })),
  );
}

describe.each(forms)('a message rate, for a service of %s,', (form) => {
  const start = async (messageRate: MessageRate, limits = {}) => {
    const clock = new SimulatedClock();
    const server = await serve([echo(form, at(path))], {
      clock,
      limits: { heartbeatIntervalMs, messageRate, ...limits },
    });
    const client = await rawUpgrade(server.port, path);
    return { clock, server, client };
  };

  it('closes a connection that sends more, with 1008, and handles what was not too much', async () => {
    const { server, client } = await start({ perSecond: 10, burst: 3 });
    const throttled = watch(server.troupe, 'connection.throttled');

    client.write(messages(10));

    for (const text of ['0', '1', '2']) expect(await client.nextText()).toBe(text);
    expect(await client.closeCode()).toBe(1008);
    expect(await throttled.next()).toMatchObject({ excess: 'close', connection: { service: path, state: 'open' } });
    expect(throttled.all).toHaveLength(1);
  });

  it('leaves a connection alone that keeps to it', async () => {
    const { clock, client } = await start({ perSecond: 2, burst: 2 });
    for (let round = 0; round < 5; round += 1) {
      client.write(messages(2));
      for (const text of ['0', '1']) expect(await client.nextText()).toBe(text);
      await advance(clock, 1000);
    }
  });

  it('that holds handles one message after another as time goes by, and loses none', async () => {
    const { clock, server, client } = await start({ perSecond: 1, burst: 2, excess: 'hold' });
    const throttled = watch(server.troupe, 'connection.throttled');
    const changed = watch(server.troupe, 'connection.changed');

    client.write(messages(5));
    client.send({ opcode: opcodes.ping, payload: 'behind them' });

    for (const text of ['0', '1']) expect(await client.nextText()).toBe(text);
    // The ping stood behind what is held back: control frames are answered.
    expect(client.frames.all.map(({ opcode }) => opcode)).toContain(opcodes.pong);
    expect((await changed.until(({ inbound }) => inbound === 'held')).event).toBe('rate.held');
    expect(server.troupe.connections(path).items[0]?.inbound).toBe('held');
    expect(await throttled.next()).toMatchObject({ excess: 'hold' });
    for (const text of ['2', '3', '4']) {
      expect(client.frames.unread).toEqual([]);
      expect(await advanceUntil(clock, client.nextText(), { stepMs: 100 })).toBe(text);
    }
    expect((await changed.until(({ inbound }) => inbound === 'flowing')).event).toBe('rate.met');
  });

  it('that holds does not read on when too much waits, and nobody else is held up', async () => {
    const { clock, server, client } = await start(
      { perSecond: 20, burst: 1, excess: 'hold' },
      { maxWaitingMessages: 8 },
    );
    const total = 60;
    client.write(messages(total, 64 * 1024));
    client.send({ opcode: opcodes.ping, payload: 'behind them all' });
    expect((await client.nextText()).trim()).toBe('0');

    const other = await connect(server.url(path));
    for (let trip = 0; trip < 30; trip += 1) {
      await advance(clock, 50, 50);
      other.send('hello');
      expect(await other.next()).toBe('hello');
    }

    for (let index = 1; index < total; index += 1) {
      expect((await advanceUntil(clock, client.nextText(), { stepMs: 50 })).trim()).toBe(`${index}`);
    }
  });

  it('that holds lets what was sent before a close frame be handled before the end', async () => {
    const clock = new SimulatedClock();
    const { service, closes } = commander(form, at(path));
    const messageRate = { perSecond: 1, burst: 1, excess: 'hold' } as const;
    const server = await serve([service], { clock, limits: { heartbeatIntervalMs, messageRate } });
    const receiver = await connect(server.url(path));
    const client = await connect(server.url(path));
    for (const text of ['a', 'b', 'c']) client.send(JSON.stringify([0, 'broadcastText', text]));

    await client.close(4000, 'enough');

    expect(await closes.next()).toMatchObject({ code: 4000 });
    expect(await receiver.take(3)).toEqual(['a', 'b', 'c']);
  });
});

describe('a message rate', () => {
  it('is off by default', async () => {
    const server = await serve([echo('handlers', at(path))]);
    const client = await connect(server.url(path));
    for (let index = 0; index < 5000; index += 1) client.send(`${index}`);
    expect((await client.take(5000)).at(-1)).toBe('4999');
  });

  it('of the server may be taken back for a service', async () => {
    const free = defineService({
      ...at(path),
      limits: { messageRate: false },
      onTextMessage: (connection, text) => connection.pushText(text),
    });
    const server = await serve([free], { limits: { messageRate: { perSecond: 1 } } });
    const client = await connect(server.url(path));
    for (let index = 0; index < 50; index += 1) client.send(`${index}`);
    expect((await client.take(50)).at(-1)).toBe('49');
  });

  it('counts messages of a kind that the service does not handle', async () => {
    const server = await serve([defineService({ ...at(path), onOpen: () => undefined })], {
      limits: { messageRate: { perSecond: 1, burst: 5 } },
    });
    const client = await rawUpgrade(server.port, path);
    client.write(messages(6));
    expect(await client.closeCode()).toBe(1008);
  });

  it('that holds is no silence: neither heartbeat nor idle time-out takes the connection for gone', async () => {
    const clock = new SimulatedClock();
    const idle: string[] = [];
    const service = defineService({
      ...at(path),
      limits: { idleTimeoutMs: 3000, messageRate: { perSecond: 0.1, burst: 1, excess: 'hold' }, maxWaitingMessages: 2 },
      onTextMessage: (connection, text) => connection.pushText(text),
      onIdle: (connection) => idle.push(connection.id),
    });
    const server = await serve([service], { clock, limits: { heartbeatIntervalMs: 1000 } });
    const client = await connect(server.url(path));
    for (const text of ['0', '1', '2', '3']) client.send(text);
    expect(await client.next()).toBe('0');

    for (const text of ['1', '2', '3']) expect(await advanceUntil(clock, client.next(), { stepMs: 250 })).toBe(text);

    expect(idle).toEqual([]);
    expect(server.troupe.connections(path).items).toHaveLength(1);
  });

  it('lets a draining server handle what has arrived', async () => {
    const clock = new SimulatedClock();
    const messageRate = { perSecond: 1, burst: 1, excess: 'hold' } as const;
    const server = await serve([echo('handlers', at(path))], { clock, limits: { heartbeatIntervalMs, messageRate } });
    const client = await rawUpgrade(server.port, path);
    client.write(messages(4));
    await client.roundTrip();
    const closed = server.troupe.close({ drain: { timeoutMs: 1000 } });

    await advanceUntil(
      clock,
      client.frames.until(({ opcode }) => opcode === opcodes.close),
    );
    const texts = client.frames.all.filter(({ opcode }) => opcode === opcodes.text);
    expect(texts.map(({ payload }) => payload.toString())).toEqual(['0', '1', '2', '3']);
    client.socket.end();
    await advanceUntil(clock, closed);
  });

  it('forgets what it holds when its service closes the connection', async () => {
    const clock = new SimulatedClock();
    const messageRate = { perSecond: 1, burst: 1, excess: 'hold' } as const;
    const { service, closes } = commander('handlers', at(path));
    const server = await serve([service], { clock, limits: { heartbeatIntervalMs, messageRate } });
    const client = await connect(server.url(path));
    client.send(JSON.stringify([0, 'storeConnection', 'flood']));
    expect(await client.next()).toContain('done');
    for (let index = 0; index < 5; index += 1) client.send(JSON.stringify([index, 'nothing']));
    await client.ping();

    void server.troupe.closeStoredConnection('flood', 4001, '');

    expect(await client.closed).toMatchObject({ code: 4001 });
    expect(await closes.next()).toMatchObject({ code: 4001 });
    expect(client.messages.unread).toEqual([]);
    await turns(2);
  });
});
