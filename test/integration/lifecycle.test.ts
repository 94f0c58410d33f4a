import { describe, expect, it } from 'vitest';
import { defineService, serviceSetup, type Connection } from 'troupe';
import { connect } from '../support/client.ts';
import { capture } from '../support/capture.ts';
import { announcer, at, commander, echo, forms, idOf, run, seen } from '../support/forms.ts';
import { createGate, Inbox, turn } from '../support/inbox.ts';
import { closeCodeOf, closeFrame, frame, opcodes, rawUpgrade } from '../support/raw.ts';
import { serve, watch } from '../support/server.ts';

const path = '/test/websocket';

describe('opening', () => {
  it('makes the connection a member of its service before onOpen runs', async () => {
    const counts: number[] = [];
    const service = defineService({
      ...at(path),
      onOpen(connection: Connection) {
        counts.push(connection.broadcastText('joined').count);
      },
    });
    const server = await serve([service]);
    const first = await connect(server.url(path));
    await first.next();
    const second = await connect(server.url(path));
    await second.next();

    expect(counts).toEqual([1, 2]);
  });

  it('takes any number of frames before onOpen has finished and handles none of them', async () => {
    const gate = createGate();
    const opened = new Inbox<Connection>();
    const handled = new Inbox<string>();
    const service = defineService({
      ...at(path),
      async onOpen(connection: Connection) {
        opened.push(connection);
        await gate.opened;
      },
      onTextMessage(_connection, text: string) {
        handled.push(text);
      },
    });
    const server = await serve([service]);
    const client = await connect(server.url(path));
    client.send('early');
    await client.ping();

    expect(handled.all).toEqual([]);
    expect(await opened.next()).toMatchObject({ isOpen: true });
    gate.open();
    expect(await handled.next()).toBe('early');
  });

  it('tells what is known about the connection', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { connection } = await pair(server, `${path}?x=1`);

    expect(connection).toMatchObject({
      service: path,
      params: {},
      subprotocol: '',
      remoteAddress: '127.0.0.1',
      isSecure: false,
      isOpen: true,
      state: 'open',
      outbound: 'flowing',
      liveness: 'alive',
    });
    expect(connection.query.get('x')).toBe('1');
    const info = connection.info();
    expect(info).toMatchObject({ id: connection.id, service: path, state: 'open' });
    expect(info.path).toContain(path);
    // Plain data: it survives a trip through JSON.
    expect(JSON.parse(JSON.stringify(info))).toMatchObject({ id: connection.id, service: path, params: {} });
  });

  it('gives every connection an id of its own and attributes of its own', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const [one, two] = [await pair(server, path), await pair(server, path)];
    one.connection.attributes.set('nick', 'ada');

    expect(one.connection.id).not.toBe(two.connection.id);
    expect(one.connection.attributes.get('nick')).toBe('ada');
    expect(two.connection.attributes.has('nick')).toBe(false);
  });

  it('makes a fresh instance of an annotated class for each connection', async () => {
    const { BasePath, WebSocketUpgradePath, OnTextMessage } = await import('troupe');
    @BasePath('/test')
    @WebSocketUpgradePath('/websocket')
    class Counter {
      #count = 0;
      @OnTextMessage()
      said(connection: Connection) {
        this.#count += 1;
        connection.pushText(String(this.#count));
      }
    }
    const server = await serve([Counter]);
    const [one, two] = [await connect(server.url(path)), await connect(server.url(path))];
    one.send('');
    one.send('');
    two.send('');

    expect(await one.take(2)).toEqual(['1', '2']);
    expect(await two.next()).toBe('1');
  });

  it('reports opened, changed and closed', async () => {
    const server = await serve([echo('handlers', at(path))]);
    const opened = watch(server.troupe, 'connection.opened');
    const changed = watch(server.troupe, 'connection.changed');
    const closed = watch(server.troupe, 'connection.closed');
    const client = await connect(server.url(path));
    client.send('x');
    await client.next();
    await client.close(4000, 'bye');

    const { connection } = await opened.next();
    expect(connection).toMatchObject({ service: path });
    expect(await closed.next()).toMatchObject({ connection: { id: connection.id }, code: 4000, reason: 'bye' });
    const states = changed.all.map(({ state }) => state);
    expect(states).toEqual(expect.arrayContaining(['message', 'closing', 'closed']));
    expect(states.indexOf('message')).toBeLessThan(states.indexOf('closing'));
    expect(states.indexOf('closing')).toBeLessThan(states.lastIndexOf('closed'));
  });
});

describe('handling', () => {
  it('is in state message while a handler runs and open again afterwards', async () => {
    const gate = createGate();
    const started = new Inbox<Connection>();
    const service = defineService({
      ...at(path),
      async onTextMessage(connection: Connection) {
        started.push(connection);
        await gate.opened;
      },
      onBinaryMessage(connection: Connection) {
        connection.pushText(connection.state);
      },
    });
    const server = await serve([service]);
    const changed = watch(server.troupe, 'connection.changed');
    const client = await connect(server.url(path));
    client.send('work');
    const connection = await started.next();
    expect(connection.state).toBe('message');
    await changed.until(({ state }) => state === 'message');

    gate.open();
    await changed.until(({ state }) => state === 'open');

    expect(connection.state).toBe('open');
  });

  it('never overlaps within one connection and does between connections', async () => {
    const gate = createGate();
    let running = 0;
    let most = 0;
    const service = defineService({
      ...at(path),
      async onTextMessage(connection: Connection, text: string) {
        if (text === 'wait') {
          connection.pushText('waiting');
          await gate.opened;
          return;
        }
        running += 1;
        most = Math.max(most, running);
        await turn();
        running -= 1;
        connection.pushText(text);
      },
      async onBinaryMessage(connection: Connection) {
        running += 1;
        most = Math.max(most, running);
        await turn();
        running -= 1;
        connection.pushText('binary');
      },
    });
    const server = await serve([service]);
    const [busy, held] = [await connect(server.url(path)), await connect(server.url(path))];
    held.send('wait');
    expect(await held.next()).toBe('waiting');
    held.send('after');

    busy.send('1');
    busy.send(Uint8Array.of(1));
    busy.send('2');

    // The held connection does not hold the other one, text and binary keep their order.
    expect(await busy.take(3)).toEqual(['1', 'binary', '2']);
    expect(most).toBe(1);
    gate.open();
    expect(await held.next()).toBe('after');
  });

  it('answers pings and delivers pushes while a handler is busy', async () => {
    const gate = createGate();
    const started = new Inbox<Connection>();
    const service = defineService({
      ...at(path),
      async onTextMessage(connection: Connection) {
        started.push(connection);
        await gate.opened;
      },
    });
    const server = await serve([service]);
    const client = await connect(server.url(path));
    client.send('work');
    const connection = await started.next();

    await client.ping();
    connection.pushText('from the busy handler');
    server.troupe.broadcastText(path, 'from outside');

    expect(await client.take(2)).toEqual(['from the busy handler', 'from outside']);
    gate.open();
  });

  it('answers a close while a handler is busy', async () => {
    const gate = createGate();
    const started = new Inbox<string>();
    const service = defineService({
      ...at(path),
      async onTextMessage(_connection, text: string) {
        started.push(text);
        await gate.opened;
      },
    });
    const server = await serve([service]);
    const client = await connect(server.url(path));
    client.send('work');
    await started.next();

    expect(await client.close(1000, 'enough')).toEqual({ code: 1000, reason: 'enough' });
    gate.open();
  });

  it.each([
    ['binary to a service for text', 'onTextMessage', Uint8Array.of(1, 2, 3), 'binary'],
    ['text to a service for binary', 'onBinaryMessage', 'text', 'text'],
  ] as const)('ignores and counts %s, and goes on', async (_title, handler, unhandled, kind) => {
    const service = defineService({
      ...at(path),
      onOpen(connection: Connection) {
        connection.pushText('open');
      },
      [handler](connection: Connection) {
        connection.pushText('handled');
      },
    });
    const server = await serve([service]);
    const ignored = watch(server.troupe, 'connection.ignored');
    const client = await connect(server.url(path));
    expect(await client.next()).toBe('open');

    client.send(unhandled);
    client.send(unhandled);
    client.send(handler === 'onTextMessage' ? 'known' : Uint8Array.of(1));

    expect(await client.next()).toBe('handled');
    expect(await ignored.next()).toMatchObject({ kind, total: 1 });
    expect(await ignored.next()).toMatchObject({ kind, total: 2 });
  });

  it.each(forms)('ignores what the %s does not handle', async (form) => {
    const server = await serve([announcer(form, at(path))]);
    const ignored = watch(server.troupe, 'connection.ignored');
    const client = await connect(server.url(path));
    await client.next();

    client.send(Uint8Array.of(1));
    client.send('text');

    expect(await client.next()).toBe('text');
    expect((await ignored.next()).kind).toContain('binary');
  });
});

describe('closing', () => {
  it.each(forms)('hands the code and reason of the peer to the %s once', async (form) => {
    const { service, closes } = commander(form, at(path));
    const server = await serve([service]);
    const ended = watch(server.troupe, 'connection.closed');
    for (const [code, reason] of [
      [1000, ''],
      [1001, 'going away'],
      [3000, 'registered'],
      [4999, 'private ✓'],
    ] as const) {
      const client = await connect(server.url(path));
      const id = await idOf(client);
      expect(await client.close(code, reason)).toEqual({ code, reason });
      expect(await closes.next()).toEqual({ id, code, reason });
      expect(await ended.next()).toMatchObject({ connection: { id }, code, reason });
    }
    expect(closes.all).toHaveLength(4);
  });

  it.each(forms)('without a code is 1005 for the %s', async (form) => {
    const { service, closes } = commander(form, at(path));
    const server = await serve([service]);
    const client = await connect(server.url(path));

    expect(await client.close()).toEqual({ code: 1005, reason: '' });

    expect(await closes.next()).toMatchObject({ code: 1005, reason: '' });
  });

  it.each(forms)('by the server gives its own code to the %s', async (form) => {
    const { service, closes } = commander(form, at(path));
    const server = await serve([service]);
    const client = await connect(server.url(path));

    client.send(JSON.stringify([0, 'closeConnection', 4321, 'go away']));

    expect(await client.closed).toEqual({ code: 4321, reason: 'go away' });
    expect(await closes.next()).toMatchObject({ code: 4321, reason: 'go away' });
  });

  it('purges the connection from its service, groups and names before onClose runs', async () => {
    const statuses = new Inbox<Record<string, unknown>>();
    const service = defineService({
      ...at(path),
      async onTextMessage(connection: Connection) {
        await connection.storeConnection('alice');
        await connection.addConnectionToGroup('g');
        connection.pushText('ready');
      },
      async onClose(connection: Connection) {
        statuses.push({
          state: connection.state,
          isOpen: connection.isOpen,
          isMember: connection.isMember('g'),
          push: connection.pushText('x').status,
          binary: connection.pushBinary(Uint8Array.of(1)).status,
          broadcast: connection.broadcastText('left').count,
          named: (await connection.pushTextToConnection('alice', 'x')).status,
          group: connection.pushTextToGroup('g', 'x').count,
          store: (await connection.storeConnection('again')).status,
          add: (await connection.addConnectionToGroup('again')).status,
          leave: (await connection.removeConnectionFromGroup('g')).status,
          close: connection.closeConnection().status,
        });
      },
    });
    const server = await serve([service]);
    const [leaver, witness] = [await connect(server.url(path)), await connect(server.url(path))];
    leaver.send('store and join');
    await leaver.next();

    await leaver.close();

    expect(await statuses.next()).toEqual({
      state: 'closing',
      isOpen: false,
      isMember: false,
      push: 'closed',
      binary: 'closed',
      broadcast: 1,
      named: 'unknown',
      group: 0,
      store: 'closed',
      add: 'closed',
      leave: 'closed',
      close: 'closed',
    });
    expect(await leaver.untilClosed()).toEqual([]);
    expect(await witness.next()).toBe('left');
    // What onClose tried to store and join left no trace.
    expect(server.troupe.pushTextToGroup('again', 'x')).toMatchObject({ status: 'unknown' });
    expect(await server.troupe.pushTextToConnection('again', 'x')).toMatchObject({ status: 'unknown' });
  });

  it('ends in state closed', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const changed = watch(server.troupe, 'connection.changed');
    const { client, connection } = await pair(server, path);
    await client.close();
    await changed.until(({ state }) => state === 'closed');

    expect(connection.state).toBe('closed');
    expect(connection.isOpen).toBe(false);
  });

  it('handles what was sent before the close and drops what comes after it', async () => {
    const { service, texts, closes } = capture(at(path));
    const server = await serve([service]);
    const client = await rawUpgrade(server.port, path);
    client.write(
      Buffer.concat([
        frame({ opcode: opcodes.text, payload: 'before' }),
        closeFrame(1000),
        frame({ opcode: opcodes.text, payload: 'after' }),
      ]),
    );

    expect(await client.closeCode()).toBe(1000);
    expect(await closes.next()).toMatchObject({ code: 1000 });
    expect(texts.all).toEqual(['before']);
  });

  it('of the peer follows what it had sent: the waiting messages are handled before onClose', async () => {
    const gate = createGate();
    const log = new Inbox<string>();
    const service = defineService({
      ...at(path),
      async onTextMessage(_connection, text: string) {
        await gate.opened;
        log.push(text);
      },
      onClose(_connection, { code }: { code: number }) {
        log.push(`close ${code}`);
      },
    });
    const server = await serve([service]);
    const client = await connect(server.url(path));
    for (const text of ['1', '2', '3']) client.send(text);
    await client.close(1000);
    gate.open();

    expect([await log.next(), await log.next(), await log.next(), await log.next()]).toEqual([
      '1',
      '2',
      '3',
      'close 1000',
    ]);
  });

  it('of the peer gets the answers to what it had sent, then the close frame and nothing after it', async () => {
    const server = await serve([echo('handlers', at(path))]);
    const client = await rawUpgrade(server.port, path);
    client.write(
      Buffer.concat([
        frame({ opcode: opcodes.text, payload: 'one' }),
        frame({ opcode: opcodes.text, payload: 'two' }),
        closeFrame(1000),
      ]),
    );
    await client.ended;

    expect(
      client.frames.all.map(({ opcode, payload }) => (opcode === opcodes.text ? String(payload) : opcode)),
    ).toEqual(['one', 'two', opcodes.close]);
  });

  it('delivers what was pushed before closeConnection, in order', async () => {
    const service = defineService({
      ...at(path),
      onTextMessage(connection: Connection) {
        connection.pushText('last words');
        connection.pushBinary(Uint8Array.of(7));
        connection.closeConnection(1000, 'done');
        connection.pushText('too late');
      },
    });
    const server = await serve([service]);
    const client = await connect(server.url(path));
    client.send('go');

    expect(await client.closed).toEqual({ code: 1000, reason: 'done' });
    expect(await client.untilClosed()).toEqual(['last words', Uint8Array.of(7)]);
  });

  it('crosses with a close of the peer: each side ends, onClose runs once', async () => {
    const { service, closes, opened } = capture(at(path));
    const server = await serve([service]);
    const client = await rawUpgrade(server.port, path);
    const connection = await opened.next();

    connection.closeConnection(4000, 'ours');
    client.write(closeFrame(4001, 'theirs'));

    const answer = await client.nextFrame();
    expect(answer.opcode).toBe(opcodes.close);
    expect(closeCodeOf(answer)).toBe(4000);
    const { code } = await closes.next();
    expect([4000, 4001]).toContain(code);
    await client.ended;
    expect(closes.all).toHaveLength(1);
  });

  it('runs an async onClose to its end', async () => {
    const log = new Inbox<string>();
    const service = defineService({
      ...at(path),
      async onClose() {
        log.push('begins');
        await turn();
        log.push('ends');
      },
    });
    const server = await serve([service]);
    const client = await connect(server.url(path));
    await client.close();

    expect([await log.next(), await log.next()]).toEqual(['begins', 'ends']);
  });
});

describe('a machine', () => {
  it('that reaches its final state closes its connection with 1000', async () => {
    const machine = serviceSetup().createMachine({
      id: 'once',
      initial: 'listening',
      states: {
        listening: {
          on: { 'ws.text': { target: 'done', actions: { type: 'pushText', params: { text: 'thanks' } } } },
        },
        done: { type: 'final' },
      },
    });
    const server = await serve([defineService({ ...at(path), machine })]);
    const client = await connect(server.url(path));
    client.send('one');

    expect(await client.next()).toBe('thanks');
    expect((await client.closed).code).toBe(1000);
  });

  it('that is final from the beginning closes its connection with 1000', async () => {
    const machine = serviceSetup().createMachine({
      initial: 'done',
      states: { done: { type: 'final' } },
      on: { 'ws.text': {} },
    });
    const server = await serve([defineService({ ...at(path), machine })]);
    const client = await connect(server.url(path));

    expect((await client.closed).code).toBe(1000);
    expect((await server.troupe.connections(path)).items).toEqual([]);
  });

  it('gets plain data of its connection as input', async () => {
    const machine = serviceSetup<{ path: string }>().createMachine({
      id: 'informed',
      context: ({ input }) => ({ path: input.connection.path }),
      on: {
        'ws.open': { actions: { type: 'pushText', params: ({ context }) => ({ text: context.path }) } },
      },
    });
    const server = await serve([defineService({ ...at(path), machine })]);
    const client = await connect(server.url(path));

    expect(await client.next()).toContain(path);
  });

  it('keeps a state of its own for each connection', async () => {
    const machine = serviceSetup().createMachine({
      id: 'turnstile',
      initial: 'locked',
      states: {
        locked: {
          on: { 'ws.text': { target: 'unlocked', actions: { type: 'pushText', params: { text: 'unlocked' } } } },
        },
        unlocked: {
          on: { 'ws.text': { target: 'locked', actions: { type: 'pushText', params: { text: 'locked' } } } },
        },
      },
    });
    const server = await serve([defineService({ ...at(path), machine })]);
    const [one, two] = [await connect(server.url(path)), await connect(server.url(path))];
    one.send('');
    expect(await one.next()).toBe('unlocked');
    two.send('');
    one.send('');

    expect(await two.next()).toBe('unlocked');
    expect(await one.next()).toBe('locked');
  });

  it('that was made with the plain setup of XState works as well', async () => {
    const { setup } = await import('xstate');
    const heard = new Inbox<string>();
    const machine = setup({
      types: {} as { events: import('troupe').WsEvent },
      actions: {
        hear: ({ event }) => {
          heard.push(event.type === 'ws.text' ? event.text : event.type);
        },
      },
    }).createMachine({ id: 'plain', on: { 'ws.*': { actions: 'hear' } } });
    const server = await serve([defineService({ ...at(path), machine })]);
    const client = await connect(server.url(path));
    client.send('hello');
    client.send(Uint8Array.of(1));

    expect([await heard.next(), await heard.next(), await heard.next()]).toEqual(['ws.open', 'hello', 'ws.binary']);
    await client.close();
    expect(await heard.next()).toBe('ws.close');
  });

  it('mixes its commands with those of handlers on other services', async () => {
    const machine = commander('machine', at('/machine/ws'));
    const handlers = commander('handlers', at('/handlers/ws'));
    const server = await serve([machine.service, handlers.service]);
    const [one, two] = [await connect(server.url('/machine/ws')), await connect(server.url('/handlers/ws'))];
    await run(one, 'addConnectionToGroup', 'both');
    await run(two, 'addConnectionToGroup', 'both');

    expect((await run(one, 'pushTextToGroup', 'both', 'hi')).received).toEqual(['hi']);
    expect(await seen(two)).toEqual(['hi']);
  });
});
