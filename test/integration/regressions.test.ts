/** What once broke, over real sockets. Each test opens with a line that says what it was. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect as connectTcp, type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  createMachine,
  fromCallback,
  sendParent,
  setup,
  SimulatedClock,
  type AnyActorRef,
  type EventObject,
} from 'xstate';
import { authenticated, closeOnSignals, createTroupe, defineService, type Connection } from 'troupe';
import { capture } from '../support/capture.ts';
import { connect, dial, opened, refused, type Client } from '../support/client.ts';
import { watchProcess } from '../support/escapes.ts';
import { at } from '../support/forms.ts';
import { createGate, Inbox, turns } from '../support/inbox.ts';
import { frame, handshake, opcodes, rawConnect, rawUpgrade, type RawClient } from '../support/raw.ts';
import { advance, advanceUntil, serve, watch, type Server } from '../support/server.ts';

const path = '/test/websocket';
const never = (): Promise<void> => new Promise<void>(() => undefined);

/** A service that says back what it hears. */
function echo(where: string) {
  return defineService({
    ...at(where),
    onTextMessage: (connection: Connection, text: string) => void connection.pushText(text),
  });
}

async function expectEcho(client: Client, text = 'still here'): Promise<void> {
  client.send(text);
  expect(await client.next()).toBe(text);
}

/** Resolves when the operating system has taken what was written, and the server has had time to read it. */
async function written(client: RawClient, data: Uint8Array): Promise<void> {
  await new Promise<void>((resolve) => {
    client.socket.write(data, () => resolve());
  });
  await turns(5);
}

describe('handlers of several connections', () => {
  it('that close one another in a chain of 900 leave nothing behind', async () => {
    // Each onClose ran on the stack of the one before: the stack overflowed inside an actor, whose mailbox stuck for
    // good. Connections stayed members, close() did not end, and the groups of every service were dead.
    const count = 900;
    let opening = 0;
    let closings = 0;
    const chain = defineService({
      ...at(path),
      onOpen(connection: Connection) {
        const place = opening++;
        connection.attributes.set('next', `n${place + 1}`);
        connection.storeConnection(`n${place}`);
        connection.addConnectionToGroup('lobby');
      },
      onClose(connection: Connection) {
        closings++;
        connection.closeStoredConnection(connection.attributes.get('next') as string);
      },
    });
    const { service: other, pair } = capture(at('/other/ws'));
    const server = await serve([chain, other]);
    const { client, connection } = await pair(server, '/other/ws');
    const clients: Client[] = [];
    onTestFinished(() => {
      for (const each of clients) each.socket.terminate();
    });
    for (let batch = 0; batch < 9; batch++) {
      const dialled = Array.from({ length: 100 }, () => dial(server.url(path)));
      clients.push(...dialled);
      await Promise.all(dialled.map(opened));
    }
    const closed = watch(server.troupe, 'connection.closed');

    await clients[0]!.close();

    for (let left = count; left > 0; left--) await closed.next();
    expect(closings).toBe(count);
    expect(server.troupe.connections(path).items).toEqual([]);
    expect(server.troupe.storedNames().items).toEqual([]);
    expect(server.troupe.members('lobby').items).toEqual([]);
    await Promise.all(clients.map((each) => each.closed));

    expect(connection.storeConnection('victim')).toMatchObject({ status: 'ok' });
    expect(connection.addConnectionToGroup('others')).toMatchObject({ status: 'ok' });
    expect(connection.pushTextToConnection('victim', 'by name')).toMatchObject({ status: 'delivered' });
    expect(connection.pushTextToGroup('others', 'by group')).toMatchObject({ status: 'delivered', count: 1 });
    expect(await client.take(2)).toEqual(['by name', 'by group']);
    await server.troupe.close({ drain: { timeoutMs: 1_000 } });
  }, 30_000);

  it('of two services that take a name back from one another hold nobody up', async () => {
    // Being replaced was told at once: the two went back and forth in one turn of the event loop that never ended.
    const bound = 50_000;
    let rounds = 0;
    let isFighting = true;
    const fighter = (where: string) =>
      defineService({
        ...at(where),
        onTextMessage(connection: Connection) {
          connection.storeConnection('crown');
          connection.pushText('it is mine');
        },
        onReplaced(connection: Connection, { name }: { name: string }) {
          if (isFighting && ++rounds < bound) connection.storeConnection(name);
        },
      });
    const server = await serve([fighter('/red/ws'), fighter('/blue/ws'), echo(path)]);
    const bystander = await connect(server.url(path));
    for (const where of ['/red/ws', '/blue/ws']) {
      const client = await connect(server.url(where));
      client.send('go');
      expect(await client.next()).toBe('it is mine');
    }

    for (let times = 0; times < 5; times++) await expectEcho(bystander);

    // The fight is still going on, one round a turn.
    isFighting = false;
    expect(rounds).toBeGreaterThan(0);
    expect(rounds).toBeLessThan(bound);
  });
});

describe('a handler that recurses without end', () => {
  const recursions: Readonly<Record<string, (connection: Connection) => unknown>> = {
    pushTextToGroup: (connection) => connection.pushTextToGroup('group', 'again'),
    pushTextToConnection: (connection) => connection.pushTextToConnection('name', 'again'),
    storeConnection: (connection) => connection.storeConnection('other name'),
    broadcastText: (connection) => connection.broadcastText('again'),
  };

  it.each(Object.entries(recursions))('through %s ends its own connection, and nothing else', async (_name, again) => {
    // The stack ran out inside the mailbox of an actor that all share; whatever was asked of it later was not answered.
    const failing = defineService({
      ...at(path),
      onTextMessage(connection: Connection) {
        connection.addConnectionToGroup('group');
        connection.storeConnection('name');
        const recurse = (): void => {
          again(connection);
          recurse();
        };
        recurse();
      },
    });
    const server = await serve([failing, echo('/other/ws')]);
    watch(server.troupe, 'connection.crashed');
    const [victim, other] = [await connect(server.url(path)), await connect(server.url(path))];
    victim.send('go');
    await victim.closed;

    expect(await server.troupe.pushTextToGroup('no group', 'x')).toMatchObject({ status: 'unknown' });
    expect(await server.troupe.pushTextToConnection('no name', 'x')).toMatchObject({ status: 'unknown' });
    expect(server.troupe.connections(path).items).toHaveLength(1);
    expect(server.troupe.broadcastText(path, 'still here')).toMatchObject({ status: 'delivered', count: 1 });
    await other.messages.until((message) => message === 'still here');
    await expectEcho(await connect(server.url('/other/ws')));
  });
});

describe('a machine', () => {
  it('that crashes leaves nothing running that it has invoked', async () => {
    // XState stops the children of a machine that ends, but not those of one that fails: their timers ran for ever.
    let running = 0;
    const ticker = fromCallback(() => {
      running++;
      return () => {
        running--;
      };
    });
    const inner = setup({ actors: { ticker } }).createMachine({ invoke: { src: 'ticker' } });
    const machine = setup({
      actors: { ticker, inner },
      actions: {
        fail: () => {
          throw new Error('on purpose');
        },
      },
    }).createMachine({ invoke: [{ src: 'ticker' }, { src: 'inner' }], on: { 'ws.text': { actions: 'fail' } } });
    const server = await serve([defineService({ ...at(path), machine })]);
    watch(server.troupe, 'connection.crashed');
    const closed = watch(server.troupe, 'connection.closed');
    const clients = await Promise.all([1, 2, 3].map(() => connect(server.url(path))));
    expect(running).toBe(6);

    for (const client of clients) {
      client.send('fail');
      expect(await client.closed).toMatchObject({ code: 1011 });
      await closed.next();
    }

    expect(running).toBe(0);
  });

  it('that invokes an actor which nobody has provided crashes like any other', async () => {
    // Its place among the children is empty; stopping it failed, and the end of the connection was never told.
    const machine = createMachine({ invoke: { src: 'missing' } });
    const server = await serve([defineService({ ...at(path), machine })]);
    watch(server.troupe, 'connection.crashed');
    const failures = watch(server.troupe, 'callback.failed');
    const closed = watch(server.troupe, 'connection.closed');
    const client = await connect(server.url(path));
    expect(await client.closed).toMatchObject({ code: 1011 });
    expect(await closed.next()).toMatchObject({ code: 1011 });
    expect(failures.all).toEqual([]);
  });

  const forged: readonly EventObject[] = [
    { type: 'socket.closed', code: 4242, reason: 'forged' } as EventObject,
    { type: 'xstate.stop' },
  ];

  /** Serves a machine that sends `event` to its parent when it hears `forge`, and says `ok` to all else. */
  async function serveForger(event: EventObject, delayMs: number | undefined): Promise<Server> {
    const forge = delayMs === undefined ? sendParent(event) : sendParent(event, { delay: delayMs });
    const machine = setup({ actions: { forge } }).createMachine({
      on: { 'ws.text': { guard: ({ event: { text } }) => text === 'forge', actions: 'forge' } },
    });
    return serve([defineService({ ...at(path), machine, limits: { closeTimeoutMs: 300 } })]);
  }

  it.each(forged)('that sends $type to its parent ends its own connection, and nothing else', async (event) => {
    // The parent of a service's machine is its connection, which took the event for one of the runtime's own: it
    // forgot its socket, or stopped and stayed a member for ever, and close() did not end.
    const { escapes } = watchProcess();
    const server = await serveForger(event, undefined);
    const crashes = watch(server.troupe, 'connection.crashed');
    const closed = watch(server.troupe, 'connection.closed');
    const [forger, other] = [await connect(server.url(path)), await connect(server.url(path))];

    forger.send('forge');

    expect((await crashes.next()).error).toMatchObject({
      code: 'TROUPE_PARENT_NOT_ADDRESSABLE',
      fields: { event: event.type },
    });
    expect((await forger.closed).code).toBe(1011);
    expect(await closed.next()).toMatchObject({ code: 1011, reason: '' });
    expect(server.troupe.connections(path).items).toHaveLength(1);
    expect(server.troupe.broadcastText(path, 'still here')).toMatchObject({ status: 'delivered', count: 1 });
    expect(await other.next()).toBe('still here');
    await server.troupe.close({ drain: { timeoutMs: 1_000 } });
    expect(await other.closed).toMatchObject({ code: 1001 });
    expect(await escapes()).toEqual([]);
  });

  it.each(forged)('that sends $type to its parent after a delay does no more harm than at once', async (event) => {
    // The same by another way: what is sent with a delay comes from the scheduler.
    const { escapes } = watchProcess();
    const server = await serveForger(event, 1);
    const crashes = watch(server.troupe, 'connection.crashed');
    const [forger, other] = [await connect(server.url(path)), await connect(server.url(path))];

    forger.send('forge');

    expect((await crashes.next()).error).toMatchObject({ code: 'TROUPE_PARENT_NOT_ADDRESSABLE' });
    expect((await forger.closed).code).toBe(1011);
    expect(server.troupe.broadcastText(path, 'still here')).toMatchObject({ status: 'delivered', count: 1 });
    expect(await other.next()).toBe('still here');
    expect(await escapes()).toEqual([]);
  });
});

describe('an end in time', () => {
  it('is that of the shorter drain when a long one is under way already', async () => {
    // A service that drained was not told of the drain of the whole server: close() waited for the longer one.
    const clock = new SimulatedClock();
    const server = await serve([defineService({ ...at(path), onTextMessage: never })], { clock });
    watch(server.troupe, 'callback.failed');
    const client = await connect(server.url(path));
    client.send('keep the handler busy');
    await client.ping();
    const detached = server.troupe.detachService(path, { drain: { timeoutMs: 600_000 } });
    await turns(5);

    const closed = server.troupe.close({ drain: { timeoutMs: 2_000 } });

    await advanceUntil(clock, closed, { limitMs: 5_000 });
    await detached;
    expect((await client.closed).code).toBe(1006);
    expect(clock.now()).toBeGreaterThanOrEqual(2_000);
  });

  it('comes to a peer that was reset behind a handler that never settles', async () => {
    // Its socket was not read, as too much was waiting, so nobody noticed: the connection stayed a member for ever.
    const clock = new SimulatedClock();
    const closings = new Inbox<number>();
    const service = defineService({
      ...at(path),
      onTextMessage: never,
      onClose(_connection: Connection, { code }: { code: number }) {
        closings.push(code);
      },
    });
    const server = await serve([service], { clock });
    watch(server.troupe, 'callback.failed');
    const client = await rawUpgrade(server.port, path);
    for (let sent = 0; sent < 100; sent++) client.text('x'.repeat(2_000));
    await written(client, frame({ opcode: opcodes.ping }));
    // No pong: the server reads no more.
    expect(client.frames.all).toEqual([]);

    client.reset();

    expect(await advanceUntil(clock, closings.next(), { limitMs: 120_000 })).toBe(1006);
    expect(server.troupe.connections(path).items).toEqual([]);
  });

  it('does not come to a peer whose large message arrives slowly', async () => {
    // Silence was counted from the last whole frame: a message that took two intervals to arrive lost its connection.
    const clock = new SimulatedClock();
    const sizes = new Inbox<number>();
    const service = defineService({
      ...at(path),
      onBinaryMessage(_connection: Connection, data: Uint8Array) {
        sizes.push(data.length);
      },
    });
    const server = await serve([service], { clock });
    const changed = watch(server.troupe, 'connection.changed');
    const client = await rawUpgrade(server.port, path);
    const message = frame({ opcode: opcodes.binary, payload: new Uint8Array(100_000) });

    for (let sent = 0; sent < message.length; sent += 10_000) {
      await written(client, message.subarray(sent, sent + 10_000));
      await advance(clock, 25_000, 1_000);
    }

    expect(await sizes.next()).toBe(100_000);
    expect(changed.all.filter(({ liveness }) => liveness === 'suspect')).toEqual([]);
    await client.roundTrip();
  });
});

describe('a stranger', () => {
  it('cannot have more kept for a busy handler than one message may be large', async () => {
    // Only the number of waiting messages was bounded: 64 of 1 MiB each, for every connection.
    const gate = createGate();
    const handled = new Inbox<string>();
    const service = defineService({
      ...at(path),
      limits: { maxPayload: 64 * 1024, maxWaitingMessages: 10_000 },
      async onTextMessage(_connection: Connection, text: string) {
        await gate.opened;
        handled.push(text.slice(0, text.indexOf(':')));
      },
    });
    const server = await serve([service, echo('/other/ws')]);
    const total = 100;
    const client = await rawUpgrade(server.port, path);
    for (let index = 0; index < total; index++) client.text(`${index}:`.padEnd(32 * 1024, 'x'));
    client.send({ opcode: opcodes.ping, payload: 'behind them all' });

    // Whoever is read is answered many times over meanwhile.
    const other = await connect(server.url('/other/ws'));
    for (let trip = 0; trip < 300; trip++) await expectEcho(other, `${trip}`);
    expect(client.frames.all).toEqual([]);

    gate.open();
    const order: string[] = [];
    for (let index = 0; index < total; index++) order.push(await handled.next());
    expect(order).toEqual(Array.from({ length: total }, (_, index) => `${index}`));
    expect((await client.nextFrame()).opcode).toBe(opcodes.pong);
  });
});

describe('a service that drains', () => {
  it('says farewell to all of its members in onDraining', async () => {
    // It was told inside the service's own actor, where a broadcast had to wait until the members were closed.
    const service = defineService({
      ...at(path),
      onDraining(connection: Connection) {
        connection.broadcastText('going down');
      },
    });
    const server = await serve([service]);
    const clients = [await connect(server.url(path)), await connect(server.url(path))];

    await server.troupe.close();

    for (const client of clients) {
      expect(await client.untilClosed()).toEqual(['going down', 'going down']);
      expect(await client.closed).toMatchObject({ code: 1001 });
    }
  });

  it('can be broadcast to from a listener of "service.draining"', async () => {
    // Its name had been given up by then: the answer was "unknown", and the members heard nothing.
    const { service } = capture(at(path));
    const server = await serve([service]);
    const client = await connect(server.url(path));
    const statuses: string[] = [];
    server.troupe.on('service.draining', (event) => {
      statuses.push(server.troupe.broadcastText(event.service, 'going down').status);
    });

    await server.troupe.close();

    expect(await client.untilClosed()).toEqual(['going down']);
    expect(statuses).not.toContain('unknown');
  });

  it('can be replaced from a listener of "service.detached"', async () => {
    // attachService threw TROUPE_CLOSED there, although the service was attached a moment later.
    const { service } = capture(at(path));
    const server = await serve([service]);
    const failures = watch(server.troupe, 'callback.failed');
    const stopListening = server.troupe.on('service.detached', () => {
      stopListening();
      server.troupe.attachService(echo('/fallback/ws'));
    });

    await server.troupe.detachService(path);

    expect(failures.all).toEqual([]);
    expect(server.troupe.services()).toEqual(['/fallback/ws']);
    await expectEcho(await connect(server.url('/fallback/ws')));
  });
});

describe('an offer to upgrade to HTTP/2', () => {
  // Clients make it with ordinary requests; it was taken for a WebSocket handshake and answered with 426.
  const offer = (where: string) =>
    handshake(where, {
      headers: {
        Connection: 'close, Upgrade, HTTP2-Settings',
        Upgrade: 'h2c',
        'HTTP2-Settings': 'AAMAAABkAAQCAAAAAAIAAAAA',
        'Sec-WebSocket-Version': undefined,
        'Sec-WebSocket-Key': undefined,
      },
    });

  async function expectOrdinaryAnswer(port: number): Promise<void> {
    const client = await rawConnect(port);
    client.write(offer('/orders?page=2'));
    expect(await client.answer()).toMatchObject({ status: 200, body: 'GET /orders?page=2' });
    await client.ended;
  }

  it("gets the application's ordinary answer from its own server", async () => {
    const application = createServer((request, response) => response.end(`${request.method} ${request.url}`));
    const troupe = createTroupe({ services: [echo(path)] });
    const detach = troupe.attach(application);
    application.listen(0, '127.0.0.1');
    await once(application, 'listening');
    onTestFinished(async () => {
      await troupe.close();
      application.close();
    });
    const { port } = application.address() as AddressInfo;

    await expectOrdinaryAnswer(port);
    await expectEcho(await connect(`ws://127.0.0.1:${port}${path}`));
    detach();
    const client = await rawConnect(port);
    client.write(offer('/orders?page=2'));
    expect(await client.answer()).toMatchObject({ status: 200, body: 'GET /orders?page=2' });
  });

  it('gets the ordinary answer from a server that listens by itself', async () => {
    const server = await serve([echo(path)], {
      http: (request, response) => response.end(`${request.method} ${request.url}`),
    });

    await expectOrdinaryAnswer(server.port);
    await expectEcho(await connect(server.url(path)));
  });

  it('keeps its body, and the requests behind it on the same connection', async () => {
    // The request was answered with 405, as if every request with a body that offers something were a handshake.
    const server = await serve([echo(path)], {
      http(request, response) {
        let body = '';
        request.on('data', (chunk: Buffer) => (body += chunk.toString()));
        request.on('end', () => response.end(`${request.method} ${request.url} ${body}`));
      },
    });
    const socket = connectTcp(server.port, '127.0.0.1');
    onTestFinished(() => {
      socket.destroy();
    });
    const received = new Inbox<string>();
    socket.on('data', (chunk) => received.push(chunk.toString()));
    const offered = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n';
    socket.write(`POST /orders HTTP/1.1\r\nHost: x\r\n${offered}Content-Length: 7\r\n\r\n{"a":1}`);
    expect(await received.next()).toContain('POST /orders {"a":1}');
    socket.write(`GET /again HTTP/1.1\r\nHost: x\r\n${offered}\r\n`);
    expect(await received.next()).toContain('GET /again');
    socket.write('GET /plain HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await received.next()).toContain('GET /plain');
  });

  it('gets 404 where nobody answers ordinary requests', async () => {
    const server = await serve([echo(path)]);
    const client = await rawConnect(server.port);
    client.write(offer('/orders'));
    expect((await client.answer()).status).toBe(404);
  });
});

describe('a handshake whose service answers later what it has to answer at once', () => {
  it.each(['responseHeaders', 'selectSubprotocol'])('gets 500 for an async %s, which harms nobody', async (name) => {
    // Its rejection was nobody's, and ended the process for each stranger who knocked. Headers that came later were
    // left out in silence.
    const { escapes } = watchProcess();
    for (const later of [() => Promise.reject(new Error('later')), () => Promise.resolve({ 'Set-Cookie': 'a=1' })]) {
      const service = defineService({ ...at(path), onOpen: () => {}, ...({ [name]: later } as object) });
      const server = await serve([service]);
      const failures = watch(server.troupe, 'callback.failed');

      expect((await refused(server.url(path), { protocols: ['v1'] })).status).toBe(500);
      expect(await failures.next()).toMatchObject({
        callback: `${name} of service "${path}"`,
        error: { code: 'TROUPE_ARGUMENT_INVALID' },
      });
    }
    expect(await escapes()).toEqual([]);
  });
});

describe('reauthenticate', () => {
  it('may answer later what cannot even be looked at: that is a failure of it, and of nothing else', async () => {
    // Looking at the answer threw where nobody took it, and ended the process.
    const { escapes } = watchProcess();
    const trap = new Proxy(
      {},
      {
        get: () => undefined,
        has() {
          throw new Error('not to be looked at');
        },
      },
    );
    const clock = new SimulatedClock();
    const service = defineService({
      ...at(path),
      authenticate: () => authenticated('ada', { expiresAt: Date.now() + 60_000 }),
      reauthenticate: async () => trap as never,
      onAuthExpiring: (connection) => void connection.pushText('expiring'),
    });
    const server = await serve([service], { clock });
    const failures = watch(server.troupe, 'callback.failed');
    const client = await connect(server.url(path));

    expect(await advanceUntil(clock, client.next())).toBe('expiring');
    expect((await failures.next()).callback).toContain('reauthenticate');
    expect(await escapes()).toEqual([]);
  });
});

describe('closing on signals', () => {
  it.each([{ timeoutMs: -1 }, { timeoutMs: Number.NaN }, { batchSize: 0 }])(
    'refuses wrong options at once: %j',
    (drain) => {
      // They were looked at when the signal came: the error then ended the process without any drain.
      const troupe = createTroupe({ services: [] });
      onTestFinished(() => troupe.close());
      const before = ['SIGTERM', 'SIGINT'].map((signal) => process.listenerCount(signal));
      expect(() => closeOnSignals(troupe, { drain })).toThrow(RangeError);
      expect(['SIGTERM', 'SIGINT'].map((signal) => process.listenerCount(signal))).toEqual(before);
    },
  );
});

describe('an inspector', () => {
  it('that serialises an actor when it is announced gets no error and misses nothing', async () => {
    // The connection did not know its actor yet, and describing itself threw, for each connection.
    const server = await serve([echo(path)]);
    const failures = watch(server.troupe, 'callback.failed');
    const announced: string[] = [];
    onTestFinished(
      server.troupe.inspect((event) => {
        if (event.type !== '@xstate.actor') return;
        const { id, getSnapshot } = event.actorRef as AnyActorRef;
        JSON.stringify(getSnapshot.call(event.actorRef));
        announced.push(id);
      }),
    );
    const client = await connect(server.url(path));
    await expectEcho(client);
    expect(announced).toEqual(server.troupe.connections(path).items.map(({ id }) => id));
    expect(failures.all).toEqual([]);
  });
});
