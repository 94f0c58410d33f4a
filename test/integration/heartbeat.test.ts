import { describe, expect, it } from 'vitest';
import { SimulatedClock } from 'xstate';
import { defineService, type Connection } from 'troupe';
import { connect } from '../support/client.ts';
import { capture } from '../support/capture.ts';
import { at } from '../support/forms.ts';
import { opcodes, rawUpgrade } from '../support/raw.ts';
import { advance, advanceUntil, serve, watch } from '../support/server.ts';

const path = '/test/websocket';

function isPing({ opcode }: { opcode: number }): boolean {
  return opcode === opcodes.ping;
}

describe('the heartbeat', () => {
  it('pings after 30 s of silence and not before', async () => {
    const clock = new SimulatedClock();
    const { service, opened } = capture(at(path));
    const server = await serve([service], { clock });
    const client = await rawUpgrade(server.port, path);
    await opened.next();

    await advance(clock, 29_000);
    await client.roundTrip();
    expect(client.frames.all.filter(isPing)).toEqual([]);

    await advanceUntil(clock, client.frames.until(isPing), { limitMs: 62_000 });
  });

  it('makes a connection suspect after one missed ping and ends it with 1006 after the next', async () => {
    const clock = new SimulatedClock();
    const { service, opened, closes } = capture(at(path));
    const server = await serve([service], { clock });
    const changed = watch(server.troupe, 'connection.changed');
    const client = await rawUpgrade(server.port, path);
    const connection = await opened.next();
    expect(connection.liveness).toBe('alive');

    await advanceUntil(clock, client.frames.until(isPing), { limitMs: 62_000 });
    expect(connection.liveness).toBe('alive');
    await advanceUntil(
      clock,
      changed.until(({ liveness }) => liveness === 'suspect'),
      { limitMs: 35_000 },
    );
    expect(connection.liveness).toBe('suspect');
    expect(connection.isOpen).toBe(true);
    expect(connection.info().liveness).toBe('suspect');
    // A suspect still gets what is pushed to it.
    expect(connection.pushText('are you there?').status).toBe('delivered');

    const { code } = await advanceUntil(clock, closes.next(), { limitMs: 35_000 });

    expect(code).toBe(1006);
    await client.ended;
    expect(closes.all).toHaveLength(1);
    expect(server.troupe.broadcastText(path, 'x')).toMatchObject({ count: 0 });
  });

  it('makes a suspect alive again when it answers', async () => {
    const clock = new SimulatedClock();
    const { service, opened, closes } = capture(at(path));
    const server = await serve([service], { clock });
    const changed = watch(server.troupe, 'connection.changed');
    const client = await rawUpgrade(server.port, path);
    const connection = await opened.next();

    for (let round = 0; round < 3; round += 1) {
      await advanceUntil(
        clock,
        changed.until(({ liveness }) => liveness === 'suspect'),
        { limitMs: 130_000 },
      );
      client.send({ opcode: opcodes.pong });
      await changed.until(({ liveness }) => liveness === 'alive');
      expect(connection.liveness).toBe('alive');
    }
    expect(closes.all).toEqual([]);
  });

  it('makes a suspect alive again when it says anything', async () => {
    const clock = new SimulatedClock();
    const { service, opened, texts } = capture(at(path));
    const server = await serve([service], { clock });
    const changed = watch(server.troupe, 'connection.changed');
    const client = await rawUpgrade(server.port, path);
    const connection = await opened.next();
    await advanceUntil(
      clock,
      changed.until(({ liveness }) => liveness === 'suspect'),
      { limitMs: 130_000 },
    );

    await advance(clock, 1_000);
    client.text('I am here');

    expect(await texts.next()).toBe('I am here');
    // The state may follow at the next round, but nobody ends the connection.
    await advanceUntil(
      clock,
      changed.until(({ liveness }) => liveness === 'alive'),
      { limitMs: 31_000 },
    );
    expect(connection.isOpen).toBe(true);
    expect(connection.liveness).toBe('alive');
  });

  it('keeps a connection that answers for as long as it likes', async () => {
    const clock = new SimulatedClock();
    const { service, pair, closes } = capture(at(path));
    const server = await serve([service], { clock });
    const { client, connection } = await pair(server, path);

    for (let round = 0; round < 5; round += 1) {
      await advanceUntil(clock, client.pings.next(), { limitMs: 62_000 });
      // The client's pong goes ahead of this round trip.
      await client.ping();
    }

    expect(connection.liveness).toBe('alive');
    expect(closes.all).toEqual([]);
  });

  it('leaves a connection alone that is not silent', async () => {
    const clock = new SimulatedClock();
    const { service, pair, texts } = capture(at(path));
    const server = await serve([service], { clock });
    const { client } = await pair(server, path);

    for (let passed = 0; passed < 120_000; passed += 10_000) {
      await advance(clock, 10_000);
      client.send('busy');
      await texts.next();
    }
    await client.ping();

    expect(client.pings.all).toEqual([]);
  });

  it('goes on while a handler is busy', async () => {
    const clock = new SimulatedClock();
    const started: Connection[] = [];
    const service = defineService({
      ...at(path),
      async onTextMessage(connection: Connection) {
        started.push(connection);
        await new Promise<void>(() => undefined);
      },
    });
    const server = await serve([service], { clock });
    const client = await connect(server.url(path));
    client.send('work');
    await client.ping();

    for (let round = 0; round < 4; round += 1) {
      await advanceUntil(clock, client.pings.next(), { limitMs: 62_000 });
      await client.ping();
    }

    expect(started).toHaveLength(1);
    expect(started[0]?.liveness).toBe('alive');
  });

  it('is off with an interval of 0, for one service or for all', async () => {
    const clock = new SimulatedClock();
    const quiet = defineService({ ...at('/quiet/ws'), limits: { heartbeatIntervalMs: 0 }, onOpen: () => undefined });
    const { service, opened, closes } = capture(at(path));
    const server = await serve([quiet, service], { clock });
    const silent = await rawUpgrade(server.port, '/quiet/ws');
    await rawUpgrade(server.port, path);
    await opened.next();

    await advanceUntil(clock, closes.next(), { limitMs: 200_000 });
    await advance(clock, 100_000, 1_000);
    await silent.roundTrip();

    expect(silent.frames.all.filter(isPing)).toEqual([]);
    expect((await server.troupe.connections('/quiet/ws')).items).toHaveLength(1);
  });

  it('has the interval of its service', async () => {
    const clock = new SimulatedClock();
    const service = defineService({ ...at(path), limits: { heartbeatIntervalMs: 2_000 }, onOpen: () => undefined });
    const server = await serve([service], { clock });
    const client = await connect(server.url(path));
    await client.ping();

    await advanceUntil(clock, client.pings.next(), { limitMs: 6_000, stepMs: 100 });
  });
});
