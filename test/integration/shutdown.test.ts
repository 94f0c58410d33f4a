import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SimulatedClock } from 'xstate';
import { createTroupe, defineService, serviceSetup, type Connection } from 'troupe';
import { connect, refused } from '../support/client.ts';
import { capture } from '../support/capture.ts';
import { at, commander, echo, forms, run } from '../support/forms.ts';
import { createGate, Inbox } from '../support/inbox.ts';
import { rawUpgrade } from '../support/raw.ts';
import { advanceUntil, serve, watch } from '../support/server.ts';

const path = '/test/websocket';

/** A service whose handler for text runs until the gate opens. */
function working() {
  const gate = createGate();
  const started = new Inbox<Connection>();
  const draining = new Inbox<string>();
  const finished = new Inbox<string>();
  const service = defineService({
    ...at(path),
    async onTextMessage(connection: Connection, text: string) {
      started.push(connection);
      await gate.opened;
      connection.pushText(`finished ${text}`);
      finished.push(text);
    },
    onDraining(connection: Connection) {
      draining.push(connection.id);
    },
  });
  return { service, gate, started, draining, finished };
}

// The path of a service whose last connection had ended answered 404 until the port was closed. A proxy that asks
// another server at 503 handed that on.
describe.each([true, false])('an upgrade while the server closes, with an inspector: %s', (inspector) => {
  it('is refused with 503 also at the path of a service that is gone already', async () => {
    const gone = at('/gone/already');
    const { service, gate, started } = working();
    const server = await serve([service, echo('handlers', gone)], { inspector });
    const detached = watch(server.troupe, 'service.detached');
    const client = await connect(server.url(path));
    client.send('work');
    await started.next();

    const closed = server.troupe.close({ drain: { timeoutMs: 5000 } });
    await detached.until((fact) => fact.service === '/gone/already');

    expect(await refused(server.url('/gone/already'))).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
    gate.open();
    await closed;
  });
});

describe.each(forms)('closing the server of %s', (form) => {
  it('ends every connection with 1001, runs onClose once and releases names, groups and the port', async () => {
    const { service, closes } = commander(form, at(path));
    const server = await serve([service]);
    const url = server.url(path);
    const clients = [await connect(url), await connect(url), await connect(url)];
    for (const [index, client] of clients.entries()) {
      await run(client, 'storeConnection', `name ${index}`);
      await run(client, 'addConnectionToGroup', 'g');
    }

    await server.troupe.close({ drain: { timeoutMs: 200 } });

    for (const client of clients) expect((await client.closed).code).toBe(1001);
    expect(closes.all.map(({ code }) => code)).toEqual([1001, 1001, 1001]);
    expect((await server.troupe.storedNames()).items).toEqual([]);
    expect((await server.troupe.members('g')).items).toEqual([]);
    expect((await server.troupe.groups()).items).toEqual([]);
    expect(await server.troupe.pushTextToConnection('name 0', 'x')).toMatchObject({ count: 0 });
    const probe = connectTcp({ port: server.port, host: '127.0.0.1' });
    const [error] = (await once(probe, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
  });

  it('uses 1012 when it restarts', async () => {
    const { service, closes } = commander(form, at(path));
    const server = await serve([service]);
    const client = await connect(server.url(path));

    await server.troupe.close({ drain: { timeoutMs: 100 }, restarting: true });

    expect((await client.closed).code).toBe(1012);
    expect(await closes.next()).toMatchObject({ code: 1012 });
  });
});

describe('close()', () => {
  it('tells the services that they drain, as handler and as machine', async () => {
    const machine = serviceSetup().createMachine({
      on: { 'ws.draining': { actions: { type: 'pushText', params: { text: 'draining' } } } },
    });
    const handlers = defineService({
      ...at('/handlers/ws'),
      onDraining(connection: Connection) {
        connection.pushText('draining');
      },
    });
    const server = await serve([defineService({ ...at(path), machine }), handlers]);
    const events = watch(server.troupe, 'server.draining');
    const [one, two] = [await connect(server.url(path)), await connect(server.url('/handlers/ws'))];

    await server.troupe.close({ drain: { timeoutMs: 100 } });

    expect(await one.untilClosed()).toEqual(['draining']);
    expect(await two.untilClosed()).toEqual(['draining']);
    expect(events.all).toHaveLength(1);
  });

  it('answers 503 to newcomers while it lets handlers finish', async () => {
    const { service, gate, started, draining } = working();
    const server = await serve([service]);
    const serverDrains = watch(server.troupe, 'server.draining');
    const client = await connect(server.url(path));
    client.send('the order');
    await started.next();

    const closed = server.troupe.close({ drain: { timeoutMs: 10_000 } });
    await serverDrains.next();
    const refusal = await refused(server.url(path));
    expect(refusal.status).toBe(503);
    expect(refusal.headers['retry-after']).toMatch(/^\d+$/);
    gate.open();
    await closed;

    expect(await client.untilClosed()).toEqual(['finished the order']);
    expect(draining.all).toHaveLength(1);
    expect((await client.closed).code).toBe(1001);
  });

  it('destroys at the deadline what does not end by itself', async () => {
    const clock = new SimulatedClock();
    const { service, started } = working();
    const server = await serve([service], { clock });
    const busy = await connect(server.url(path));
    busy.send('for ever');
    await started.next();
    const deaf = await rawUpgrade(server.port, path);
    const from = clock.now();

    await advanceUntil(clock, server.troupe.close({ drain: { timeoutMs: 3_000 } }), { limitMs: 60_000 });

    await deaf.ended;
    expect([1001, 1006]).toContain((await busy.closed).code);
    // The deadline is the drain's, not the close handshake's ten seconds.
    expect(clock.now() - from).toBeLessThanOrEqual(5_000);
  });

  it('spreads the closes over the window in batches', async () => {
    const clock = new SimulatedClock();
    const { service } = capture(at(path));
    const server = await serve([service], { clock });
    const ends: number[] = [];
    const clients = await Promise.all(Array.from({ length: 10 }, () => connect(server.url(path))));
    for (const client of clients) void client.closed.then(() => ends.push(clock.now()));

    await advanceUntil(clock, server.troupe.close({ drain: { timeoutMs: 10_000, batchSize: 2 } }), { stepMs: 100 });
    const closures = await Promise.all(clients.map(({ closed }) => closed));

    expect(new Set(closures.map(({ code }) => code))).toEqual(new Set([1001]));
    expect(new Set(ends).size).toBeGreaterThanOrEqual(4);
    expect(Math.max(...ends) - Math.min(...ends)).toBeGreaterThanOrEqual(3_000);
  });

  it('may be called twice and without ever having listened', async () => {
    const server = await serve([echo('handlers', at(path))]);
    const closed = watch(server.troupe, 'server.closed');
    await Promise.all([server.troupe.close(), server.troupe.close()]);
    await server.troupe.close();
    expect(closed.all).toHaveLength(1);

    await createTroupe({ services: [echo('handlers', at(path))] }).close();
  });

  it('takes no time without connections', async () => {
    const clock = new SimulatedClock();
    const server = await serve([echo('handlers', at(path))], { clock });

    // The clock stands still: nothing may wait for it.
    await server.troupe.close();
  });

  it('waits for onClose handlers within the window', async () => {
    const log: string[] = [];
    const service = defineService({
      ...at(path),
      async onClose() {
        await new Promise(setImmediate);
        await new Promise(setImmediate);
        log.push('saved');
      },
    });
    const server = await serve([service]);
    await connect(server.url(path));

    await server.troupe.close({ drain: { timeoutMs: 5_000 } });

    expect(log).toEqual(['saved']);
  });

  it('leaves pushes afterwards answered, not thrown', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { connection } = await pair(server, path);
    await server.troupe.close({ drain: { timeoutMs: 100 } });

    expect(connection.pushText('x')).toMatchObject({ status: 'closed' });
    expect(server.troupe.broadcastText(path, 'x').count).toBe(0);
    expect(server.troupe.pushTextToGroup('g', 'x').count).toBe(0);
    expect((await server.troupe.pushTextToConnection('alice', 'x')).count).toBe(0);
    expect(connection.closeConnection()).toMatchObject({ status: 'closed' });
  });

  it('ends keep-alive connections of plain HTTP too', async () => {
    const server = await serve([echo('handlers', at(path))], {
      http: (_request, response) => {
        response.end('ok');
      },
    });
    const socket = connectTcp({ port: server.port, host: '127.0.0.1' });
    onTestFinished(() => {
      socket.destroy();
    });
    socket.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n');
    await once(socket, 'data');
    const ended = once(socket, 'close');

    await server.troupe.close({ drain: { timeoutMs: 100 } });

    await ended;
  });
});

/** Runs one of the small programs beside this file as a process of its own. */
function start(program: string): { child: ChildProcess; lines: Inbox<string>; exit: Promise<unknown[]> } {
  const file = fileURLToPath(new URL(`programs/${program}.ts`, import.meta.url));
  const child = spawn(process.execPath, ['--conditions=troupe-source', '--import', 'tsx', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const lines = new Inbox<string>();
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.split('\n')) if (line !== '') lines.push(line);
  });
  return { child, lines, exit: once(child, 'exit') };
}

describe('a process', () => {
  it('ends by itself after close() has resolved: no handle is left', { timeout: 20_000 }, async () => {
    const { lines, exit } = start('serve-and-close');

    expect(await lines.next()).toBe('closed');
    expect(await exit).toEqual([0, null]);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'that closes on signals says 1001 and exits with 0 on %s',
    { timeout: 20_000 },
    async (signal) => {
      const { child, lines, exit } = start('serve-until-signal');
      const port = await lines.next();
      const client = await connect(`ws://127.0.0.1:${port}${path}`);
      client.send('hello');
      expect(await client.next()).toBe('hello');

      child.kill(signal);

      expect((await client.closed).code).toBe(1001);
      expect(await exit).toEqual([0, null]);
    },
  );
});
