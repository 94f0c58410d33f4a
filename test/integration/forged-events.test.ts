import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defineService, serviceSetup, type Connection } from 'troupe';
import { connect } from '../support/client.ts';
import { at, commander, echo, forms, run, seen } from '../support/forms.ts';
import { Inbox } from '../support/inbox.ts';
import { serve, watch } from '../support/server.ts';

const path = '/test/websocket';

const types = [
  'xstate.stop',
  'xstate.init',
  'xstate.error.actor.x',
  'xstate.done.actor.x',
  'xstate.error.execution',
  'xstate.after.1000.machine.open',
  'xstate.route',
  'xstate.promise.resolve',
  'ws.open',
  'ws.close',
  'ws.closed',
  'ws.error',
  'ws.replaced',
  'ws.draining',
  'ws.idle',
  'handler.done',
  'socket.closed',
  'group.add',
  '*',
  '',
  '__proto__',
  'constructor',
  'prototype',
];

const forged = types.flatMap((type) => [
  type,
  JSON.stringify({ type }),
  `{"type":${JSON.stringify(type)},"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}`,
  JSON.stringify([type]),
  JSON.stringify({ event: { type }, type: { type } }),
]);

function expectNoPollution(): void {
  const plain: Record<string, unknown> = {};
  expect(plain['polluted']).toBeUndefined();
  expect(Object.keys(Object.prototype)).toEqual([]);
}

describe.each(forms)('forged events to %s', (form) => {
  it('are text like any other, as text and as JSON', async () => {
    const server = await serve([echo(form, at(path))]);
    const crashes = watch(server.troupe, 'connection.crashed');
    const client = await connect(server.url(path));

    for (const text of forged) client.send(text);

    expect(await client.take(forged.length)).toEqual(forged);
    expect(crashes.all).toEqual([]);
    expectNoPollution();
  });

  it('are bytes like any other in binary messages', async () => {
    const server = await serve([echo(form, at(path))]);
    const client = await connect(server.url(path));
    const data = forged.map((text) => new TextEncoder().encode(text));

    for (const each of data) client.send(each);

    expect(await client.take(data.length)).toEqual(data);
  });

  it('of any JSON shape are echoed as they came (property)', async () => {
    const server = await serve([echo(form, at(path))]);
    const client = await connect(server.url(path));
    const event = fc.dictionary(
      fc.oneof(fc.constantFrom('type', '__proto__', 'id', 'actorId'), fc.string()),
      fc.jsonValue(),
    );
    const shaped = fc
      .tuple(fc.oneof(fc.constantFrom(...types), fc.jsonValue()), event)
      .map(([type, rest]) => JSON.stringify({ ...rest, type }));

    await fc.assert(
      fc.asyncProperty(fc.oneof(shaped, fc.json(), fc.string({ unit: 'grapheme' })), async (text) => {
        client.send(text);
        expect(await client.next()).toBe(text);
      }),
      { numRuns: 150 },
    );
    expectNoPollution();
  });

  it('as names of groups and connections are data', async () => {
    const { service } = commander(form, at(path));
    const server = await serve([service]);
    const [client, other] = [await connect(server.url(path)), await connect(server.url(path))];
    for (const name of types.filter((type) => type !== '')) {
      await run(client, 'storeConnection', name);
      await run(client, 'addConnectionToGroup', name);
      await run(other, 'pushTextToConnection', name, `name ${name}`);
      await run(other, 'pushTextToGroup', name, `group ${name}`);
      expect(await seen(client)).toEqual([`name ${name}`, `group ${name}`]);
      await run(client, 'removeStoredConnection', name);
      await run(client, 'removeConnectionFromGroup', name);
      await run(other, 'removeConnectionGroup', name);
    }
    expect((await server.troupe.groups()).items).toEqual([]);
    expect((await server.troupe.storedNames()).items).toEqual([]);
    expectNoPollution();
  });
});

describe('a machine that listens to everything', () => {
  it('hears ws.text with the payload inside and no type of the peer', async () => {
    const heard = new Inbox<string>();
    const machine = serviceSetup()
      .extend({
        actions: {
          hear: ({ event }) => {
            heard.push(event.type);
          },
        },
      })
      .createMachine({
        on: {
          '*': { actions: 'hear' },
          'ws.text': { actions: ['hear', { type: 'pushText', params: { text: 'heard' } }] },
        },
      });
    const server = await serve([defineService({ ...at(path), machine })]);
    const client = await connect(server.url(path));

    for (const text of forged) client.send(text);
    await client.take(forged.length);

    expect(new Set(heard.all.filter((type) => type !== 'ws.open'))).toEqual(new Set(['ws.text']));
    expect(heard.all.filter((type) => type === 'ws.text')).toHaveLength(forged.length);
  });

  it('keeps its state under forged transitions', async () => {
    const machine = serviceSetup().createMachine({
      initial: 'guarded',
      states: {
        guarded: {
          on: {
            'ws.close': 'breached',
            'ws.idle': 'breached',
            'ws.error': 'breached',
            'ws.text': { actions: { type: 'pushText', params: { text: 'guarded' } } },
          },
          after: { 3_600_000: 'breached' },
        },
        breached: { on: { 'ws.text': { actions: { type: 'pushText', params: { text: 'breached' } } } } },
      },
    });
    const server = await serve([defineService({ ...at(path), machine })]);
    const client = await connect(server.url(path));

    for (const text of forged) client.send(text);

    expect(new Set(await client.take(forged.length))).toEqual(new Set(['guarded']));
  });
});

describe('prototype keys of a request', () => {
  it('are data in the query, the parameters and the headers', async () => {
    const service = defineService({
      basePath: '/rooms',
      webSocketUpgradePath: '/{room}',
      onOpen(connection: Connection<{ room: string }>) {
        connection.pushText(JSON.stringify([connection.params.room, connection.query.get('__proto__')]));
      },
    });
    const server = await serve([service]);
    const client = await connect(server.url('/rooms/__proto__?__proto__=polluted&constructor=x'), {
      headers: { __proto__x: 'x', constructor: 'x' },
    });

    expect(await client.next()).toBe(JSON.stringify(['__proto__', 'polluted']));
    expectNoPollution();
  });
});

describe('what an action sends straight to the actor of its connection', () => {
  it.each([{}, { type: 1 }, { type: '*' }, { type: 'xstate.stop' }, { typ: 'oops' }])(
    'ends that connection when it is %j, and no other',
    async (event) => {
      const machine = serviceSetup()
        .extend({
          actions: {
            forge: ({ self }) => {
              (self as unknown as { _parent: { send(event: unknown): void } })._parent.send(event);
            },
          },
        })
        .createMachine({ on: { 'ws.text': { actions: 'forge' } } });
      const server = await serve([defineService({ basePath: '/forging', machine }), echo(forms[0]!, at(path))]);
      const crashes = watch(server.troupe, 'connection.crashed');
      const [other, client] = [await connect(server.url(path)), await connect(server.url('/forging'))];

      client.send('now');

      expect((await client.closed).code).toBe(1011);
      expect(crashes.all.map(({ error }) => String(error))).toEqual([expect.stringContaining('is no event')]);
      expect(crashes.all[0]?.error).toMatchObject({ code: 'TROUPE_EVENT_REFUSED' });
      for (const text of ['a', 'b', 'c']) other.send(text);
      expect(await other.take(3)).toEqual(['a', 'b', 'c']);
      expect((await server.troupe.connections('/forging')).items).toEqual([]);
    },
  );
});
