import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defineService, type Connection } from 'troupe';
import { bytes, connect, type Message } from '../support/client.ts';
import { capture } from '../support/capture.ts';
import { at, echo, finish, commander, forms, order } from '../support/forms.ts';
import { turn } from '../support/inbox.ts';
import { serve } from '../support/server.ts';

const path = '/test/websocket';

const ways = [
  'pushText',
  'pushBinary',
  'broadcastText',
  'broadcastBinary',
  'pushTextToConnection',
  'pushBinaryToConnection',
  'pushTextToGroup',
  'pushBinaryToGroup',
] as const;
type Way = (typeof ways)[number];

interface Push {
  way: Way;
  size: number;
  /** Lets the event loop turn before this push. */
  pause: boolean;
}

const anyPush: fc.Arbitrary<Push> = fc.record({
  way: fc.constantFrom(...ways),
  // The frame header changes its length at 126 and at 65 536.
  size: fc.constantFrom(0, 1, 10, 125, 126, 127, 1_000, 65_535, 65_536, 100_000),
  pause: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
});

/** The n-th message: its number, then padding. */
function content(index: number, size: number): string {
  return `${index}:`.padEnd(size, 'x');
}

/** Messages as short texts: large arrays are slow to compare. */
function brief(messages: Message[]): string[] {
  return messages.map((message) => {
    const isText = typeof message === 'string';
    const text = isText ? message : Buffer.from(message).toString('latin1');
    return `${isText ? 'text' : 'binary'} ${text.slice(0, text.indexOf(':'))} of ${text.length}`;
  });
}

function expected(pushes: Push[]): string[] {
  return brief(
    pushes.map(({ way, size }, index) => (way.includes('Binary') ? bytes(content(index, size)) : content(index, size))),
  );
}

function push(connection: Connection, way: Way, text: string): void {
  switch (way) {
    case 'pushText':
      connection.pushText(text);
      return;
    case 'pushBinary':
      connection.pushBinary(bytes(text));
      return;
    case 'broadcastText':
      connection.broadcastText(text);
      return;
    case 'broadcastBinary':
      connection.broadcastBinary(bytes(text));
      return;
    case 'pushTextToConnection':
      void connection.pushTextToConnection('self', text);
      return;
    case 'pushBinaryToConnection':
      void connection.pushBinaryToConnection('self', bytes(text));
      return;
    case 'pushTextToGroup':
      connection.pushTextToGroup('g', text);
      return;
    case 'pushBinaryToGroup':
      connection.pushBinaryToGroup('g', bytes(text));
  }
}

describe('pushes from one sender to one target', () => {
  it('arrive in the order made, whatever the mixture (property)', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service], { limits: { highWaterMarkBytes: 16_777_216 } });
    const { client, connection } = await pair(server, path);
    await connection.storeConnection('self');
    await connection.addConnectionToGroup('g');

    await fc.assert(
      fc.asyncProperty(fc.array(anyPush, { maxLength: 60 }), async (pushes) => {
        for (const [index, { way, size, pause }] of pushes.entries()) {
          if (pause) await turn();
          push(connection, way, content(index, size));
        }
        expect(brief(await client.take(pushes.length))).toEqual(expected(pushes));
      }),
      { numRuns: 40 },
    );
  });

  it('arrive in the order made at another connection of the same service, with the same frames', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service], { limits: { highWaterMarkBytes: 16_777_216 } });
    const [sender, target] = [await pair(server, path), await pair(server, path)];
    await target.connection.storeConnection('self');
    await target.connection.addConnectionToGroup('g');
    const toSelf: readonly Way[] = ['pushText', 'pushBinary'];

    await fc.assert(
      fc.asyncProperty(
        fc.array(anyPush, { maxLength: 60 }).map((pushes) => pushes.filter(({ way }) => !toSelf.includes(way))),
        async (pushes) => {
          for (const [index, { way, size, pause }] of pushes.entries()) {
            if (pause) await turn();
            push(sender.connection, way, content(index, size));
          }
          expect(brief(await target.client.take(pushes.length))).toEqual(expected(pushes));
        },
      ),
      { numRuns: 25 },
    );
  });

  it('arrive in the order made when they come from outside', async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    const { client, connection } = await pair(server, path);
    await connection.storeConnection('self');
    await connection.addConnectionToGroup('g');
    const { troupe } = server;

    for (let round = 0; round < 200; round += 1) {
      void troupe.pushTextToConnection('self', `${round}a`);
      troupe.pushTextToGroup('g', `${round}b`);
      troupe.broadcastText(path, `${round}c`);
      troupe.broadcastBinary(path, bytes(`${round}d`));
    }

    expect(await client.take(800)).toEqual(
      Array.from({ length: 200 }, (_, round) => [`${round}a`, `${round}b`, `${round}c`, bytes(`${round}d`)]).flat(),
    );
  });

  it('arrive in the order made from concurrent handlers of many senders, each for itself', async () => {
    const { service } = commander('handlers', at(path));
    const server = await serve([service]);
    const target = await connect(server.url(path));
    await finish(target, order(target, 'addConnectionToGroup', 'g'));
    await finish(target, order(target, 'storeConnection', 'target'));
    const senders = await Promise.all(Array.from({ length: 5 }, () => connect(server.url(path))));

    await Promise.all(
      senders.map(async (sender, who) => {
        const ids: number[] = [];
        for (let index = 0; index < 60; index += 1) {
          const verb = ['pushTextToGroup', 'pushTextToConnection'][index % 2] ?? '';
          ids.push(order(sender, verb, index % 2 === 0 ? 'g' : 'target', `${who}/${index}`));
        }
        for (const id of ids) await finish(sender, id);
      }),
    );

    const received = await target.take(300);
    for (const [who] of senders.entries()) {
      const mine = received.filter((message) => String(message).startsWith(`${who}/`));
      expect(mine).toEqual(Array.from({ length: 60 }, (_, index) => `${who}/${index}`));
    }
  });
});

describe.each(forms)('messages to %s', (form) => {
  it('are answered in the order sent, text and binary alike (property)', async () => {
    const server = await serve([echo(form, at(path))]);
    const client = await connect(server.url(path));
    const message = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 300 }), fc.uint8Array({ maxLength: 300 }));

    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 50 }), async (messages) => {
        for (const each of messages) client.send(each);
        expect(await client.take(messages.length)).toEqual(messages);
      }),
      { numRuns: 30 },
    );
  });
});

describe('a mixture of synchronous and asynchronous handlers', () => {
  it('keeps the order of the messages of one connection', async () => {
    const service = defineService({
      ...at(path),
      async onTextMessage(connection: Connection, text: string) {
        for (let wait = text.length % 4; wait > 0; wait -= 1) await turn();
        connection.pushText(text);
      },
      onBinaryMessage(connection: Connection, data: Uint8Array) {
        connection.pushBinary(data);
      },
    });
    const server = await serve([service]);
    const client = await connect(server.url(path));
    const messages = Array.from({ length: 120 }, (_, index): Message => {
      const text = `${index}`.padEnd(index % 11, '.');
      return index % 3 === 0 ? bytes(text) : text;
    });

    for (const each of messages) client.send(each);

    expect(await client.take(messages.length)).toEqual(messages);
  });
});
