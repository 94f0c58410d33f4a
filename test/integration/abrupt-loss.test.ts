import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SimulatedClock } from 'xstate';
import { defineService, type Connection } from 'troupe';
import { connect } from '../support/client.ts';
import { capture } from '../support/capture.ts';
import { at, commander, forms, run, seen } from '../support/forms.ts';
import { Inbox } from '../support/inbox.ts';
import { frame, opcodes, rawUpgrade, type RawClient } from '../support/raw.ts';
import { advanceUntil, serve, watch, type Server } from '../support/server.ts';

const path = '/test/websocket';

/** Nothing of the only connection with a name and a group is left, and the server goes on. */
async function expectNothingLeft(server: Server): Promise<void> {
  const { troupe } = server;
  expect(await troupe.pushTextToConnection('alice', 'x')).toMatchObject({ status: 'unknown' });
  expect(troupe.pushTextToGroup('g', 'x')).toMatchObject({ count: 0 });
  expect((await troupe.members('g')).items).toEqual([]);
  expect((await troupe.storedNames()).items).toEqual([]);
  expect((await troupe.connections(path)).items).toEqual([]);
  const newcomer = await connect(server.url(path));
  expect(await seen(newcomer)).toEqual([]);
}

/** A raw client with a name and a group. */
async function joined(server: Server): Promise<RawClient> {
  const client = await rawUpgrade(server.port, path);
  client.text(JSON.stringify([1, 'storeConnection', 'alice']));
  expect(await client.nextText()).toMatch(/^done 1 /);
  client.text(JSON.stringify([2, 'addConnectionToGroup', 'g']));
  expect(await client.nextText()).toMatch(/^done 2 /);
  return client;
}

const losses: [string, (client: RawClient) => void][] = [
  ['its socket is destroyed', (client) => client.destroy()],
  ['its socket is reset', (client) => client.reset()],
  ['it ends its side without a close frame', (client) => client.socket.end()],
  [
    'it ends in the middle of a frame',
    (client) => {
      client.write(frame({ opcode: opcodes.text, payload: 'a long message' }).subarray(0, 5));
      client.destroy();
    },
  ],
  [
    'it ends in the middle of a fragmented message',
    (client) => {
      client.send({ opcode: opcodes.text, payload: 'begun', fin: false });
      client.destroy();
    },
  ],
];

describe.each(forms)('%s', (form) => {
  it.each(losses)('sees 1006 once, with everything purged, when %s', async (_title, lose) => {
    const { service, closes } = commander(form, at(path));
    const server = await serve([service]);
    const ended = watch(server.troupe, 'connection.closed');
    const client = await joined(server);

    lose(client);

    expect(await closes.next()).toMatchObject({ code: 1006, reason: '' });
    expect(await ended.next()).toMatchObject({ code: 1006 });
    await expectNothingLeft(server);
    expect(closes.all).toHaveLength(1);
    expect(ended.all).toHaveLength(1);
  });

  it('sees 1006 once when the process of its peer is killed', async () => {
    const { service, closes } = commander(form, at(path));
    const server = await serve([service]);
    const ws = createRequire(import.meta.url).resolve('ws');
    const script = `
      const { WebSocket } = require(process.argv[1]);
      const socket = new WebSocket(process.argv[2]);
      socket.on('open', () => {
        socket.send(JSON.stringify([1, 'storeConnection', 'alice']));
        socket.send(JSON.stringify([2, 'addConnectionToGroup', 'g']));
      });
      socket.on('message', (data) => { if (String(data).startsWith('done 2')) process.stdout.write('joined'); });
    `;
    const child = spawn(process.execPath, ['-e', script, ws, server.url(path)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    await once(child.stdout, 'data');
    expect(await server.troupe.pushTextToConnection('alice', 'x')).toMatchObject({ status: 'delivered' });

    child.kill('SIGKILL');

    expect(await closes.next()).toMatchObject({ code: 1006 });
    await expectNothingLeft(server);
    expect(closes.all).toHaveLength(1);
  });

  it('sees 1006 once when its peer falls silent', async () => {
    const clock = new SimulatedClock();
    const { service, closes } = commander(form, at(path));
    const server = await serve([service], { clock });
    const client = await joined(server);

    // The peer answers no ping: its host is gone, or the cable.
    expect(await advanceUntil(clock, closes.next(), { limitMs: 200_000 })).toMatchObject({ code: 1006 });

    await client.ended;
    await expectNothingLeft(server);
    expect(closes.all).toHaveLength(1);
  });
});

describe('a lost connection', () => {
  it('is lost in the middle of a broadcast to it, and the others get it', async () => {
    const { service, pair, closes } = capture(at(path));
    const server = await serve([service]);
    const lost = await pair(server, path);
    const kept = await pair(server, path);
    const raw = lost.client;

    void raw.terminate();
    for (let index = 0; index < 50; index += 1) server.troupe.broadcastText(path, `${index}`);

    expect(await kept.client.take(50)).toEqual(Array.from({ length: 50 }, (_, index) => `${index}`));
    expect(await closes.next()).toMatchObject({ code: 1006 });
    expect(server.troupe.broadcastText(path, 'rest')).toMatchObject({ count: 1 });
  });

  it('is lost while its handler is busy: onClose still runs once', async () => {
    const started = new Inbox<Connection>();
    const closes = new Inbox<number>();
    const release = new Inbox<void>();
    const service = defineService({
      ...at(path),
      async onTextMessage(connection: Connection) {
        started.push(connection);
        await release.next();
      },
      onClose(_connection, { code }: { code: number }) {
        closes.push(code);
      },
    });
    const server = await serve([service]);
    const ended = watch(server.troupe, 'connection.closed');
    const client = await connect(server.url(path));
    client.send('work');
    const connection = await started.next();

    void client.terminate();
    // The push to a socket that is gone is answered, not thrown.
    while (connection.pushText('still there?').status !== 'closed') await new Promise(setImmediate);
    release.push();

    expect(await closes.next()).toBe(1006);
    await ended.next();
    expect(closes.all).toEqual([1006]);
  });

  it('is lost before onOpen has finished: onClose follows onOpen and runs once', async () => {
    const log = new Inbox<string>();
    const release = new Inbox<void>();
    const service = defineService({
      ...at(path),
      async onOpen() {
        log.push('open begins');
        await release.next();
        log.push('open ends');
      },
      onClose(_connection, { code }: { code: number }) {
        log.push(`close ${code}`);
      },
    });
    const server = await serve([service]);
    const client = await rawUpgrade(server.port, path);
    expect(await log.next()).toBe('open begins');

    client.reset();
    release.push();

    const rest = [await log.next(), await log.next()];
    expect(rest.toSorted()).toEqual(['close 1006', 'open ends']);
    expect(log.all).toHaveLength(3);
  });

  it('that loses its socket during the close handshake ends once, and everything is released', async () => {
    const { service, pair, closes, opened } = capture(at(path));
    const server = await serve([service]);
    const client = await rawUpgrade(server.port, path);
    const connection = await opened.next();
    connection.closeConnection(4000, 'bye');
    await client.closeCode();

    client.reset();

    const { code } = await closes.next();
    expect([4000, 1006]).toContain(code);
    await pair(server, path);
    expect(closes.all).toHaveLength(1);
    expect(server.troupe.broadcastText(path, 'x')).toMatchObject({ count: 1 });
  });

  it('leaves nothing behind, 200 times over', async () => {
    const { service, closes } = commander('handlers', at(path));
    const server = await serve([service]);
    for (let round = 0; round < 20; round += 1) {
      const clients = await Promise.all(Array.from({ length: 10 }, () => connect(server.url(path))));
      for (const [index, client] of clients.entries()) {
        await run(client, 'storeConnection', `name ${index}`);
        await run(client, 'addConnectionToGroup', 'g');
        void client.terminate();
      }
      for (const _ of clients) await closes.next();
    }

    await expectNothingLeft(server);
    expect(closes.all).toHaveLength(200);
  });
});

describe('the close handshake', () => {
  it('is bounded: a peer that never answers is destroyed after the time-out', async () => {
    const clock = new SimulatedClock();
    const { service, opened, closes } = capture(at(path));
    const server = await serve([service], { clock, limits: { heartbeatIntervalMs: 0 } });
    const client = await rawUpgrade(server.port, path);
    const connection = await opened.next();

    connection.closeConnection(4000, 'bye');
    expect(await client.closeCode()).toBe(4000);
    for (let passed = 0; passed < 9_000; passed += 500) {
      clock.increment(500);
      await new Promise(setImmediate);
    }
    expect(client.isUp).toBe(true);

    await advanceUntil(clock, client.ended, { limitMs: 5_000 });
    const { code } = await closes.next();
    expect([4000, 1006]).toContain(code);
    expect(closes.all).toHaveLength(1);
    expect((await server.troupe.connections(path)).items).toEqual([]);
  });

  it('of a service has a time-out of its own', async () => {
    const clock = new SimulatedClock();
    const opened = new Inbox<Connection>();
    const service = defineService({
      ...at(path),
      limits: { closeTimeoutMs: 1_000 },
      onOpen(connection: Connection) {
        opened.push(connection);
      },
    });
    const server = await serve([service], { clock });
    const client = await rawUpgrade(server.port, path);

    (await opened.next()).closeConnection();

    await advanceUntil(clock, client.ended, { limitMs: 2_500, stepMs: 100 });
    expect(client.isUp).toBe(false);
  });
});
