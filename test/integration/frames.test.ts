import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defineService, type Connection } from 'troupe';
import { connect } from '../support/client.ts';
import { capture } from '../support/capture.ts';
import { at, echo, forms } from '../support/forms.ts';
import { closeCodeOf, closeFrame, frame, opcodes, rawUpgrade, type RawClient } from '../support/raw.ts';
import { serve, watch, type ServeOptions, type Server } from '../support/server.ts';

const path = '/test/websocket';
const { continuation, text, binary, close, ping, pong } = opcodes;

interface Setting {
  server: Server;
  client: RawClient;
}

async function setting(options: ServeOptions = {}): Promise<Setting> {
  const server = await serve([echo('handlers', at(path))], options);
  return { server, client: await rawUpgrade(server.port, path) };
}

async function expectToServe(server: Server): Promise<void> {
  const client = await connect(server.url(path));
  client.send('still here');
  expect(await client.next()).toBe('still here');
}

/** UTF-8 that is none: cut short, overlong, a surrogate, beyond Unicode, a lone continuation. */
const invalidTexts: [string, number[]][] = [
  ['a byte that never occurs', [0xff]],
  ['a lone continuation byte', [0x80]],
  ['a sequence that is cut short', [0x61, 0xe2, 0x82]],
  ['an overlong slash', [0xc0, 0xaf]],
  ['an overlong null', [0xe0, 0x80, 0x80]],
  ['a surrogate', [0xed, 0xa0, 0x80]],
  ['a code point beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
  ['a good beginning', [0xce, 0xba, 0xe1, 0xbd, 0xb9, 0xcf, 0x83, 0xff]],
];

describe('a frame that breaks the protocol', () => {
  it.each<[string, Buffer]>([
    ['is not masked', frame({ opcode: text, payload: 'x', masked: false })],
    ['has reserved bit 1 set', frame({ opcode: text, payload: 'x', rsv: 4 })],
    ['has reserved bit 2 set', frame({ opcode: text, payload: 'x', rsv: 2 })],
    ['has reserved bit 3 set', frame({ opcode: text, payload: 'x', rsv: 1 })],
    ['has all reserved bits set', frame({ opcode: binary, payload: 'x', rsv: 7 })],
    ['has a reserved bit on a control frame', frame({ opcode: ping, payload: 'x', rsv: 4 })],
    ['has the reserved data opcode 3', frame({ opcode: 3, payload: 'x' })],
    ['has the reserved data opcode 7', frame({ opcode: 7, payload: 'x' })],
    ['has the reserved control opcode 11', frame({ opcode: 11, payload: 'x' })],
    ['has the reserved control opcode 15', frame({ opcode: 15, payload: 'x' })],
    ['continues nothing', frame({ opcode: continuation, payload: 'x' })],
    ['continues nothing and is not final', frame({ opcode: continuation, payload: 'x', fin: false })],
    ['is a fragmented ping', frame({ opcode: ping, payload: 'x', fin: false })],
    ['is a fragmented close', frame({ opcode: close, fin: false })],
    ['is a ping of 126 bytes', frame({ opcode: ping, payload: 'x'.repeat(126) })],
    ['is a close of 126 bytes', frame({ opcode: close, payload: `\u0003\u00e8${'x'.repeat(124)}` })],
    [
      'begins a message within a message',
      Buffer.concat([frame({ opcode: text, payload: 'a', fin: false }), frame({ opcode: text, payload: 'b' })]),
    ],
    ['is a close of one byte', frame({ opcode: close, payload: Uint8Array.of(3) })],
    ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].map((code): [string, Buffer] => [
      `closes with the code ${code}`,
      closeFrame(code),
    ]),
  ])('because it %s is answered 1002 and the socket ends', async (_title, broken) => {
    const { server, client } = await setting();
    const closed = watch(server.troupe, 'connection.closed');
    client.write(broken);

    expect(await client.closeCode()).toBe(1002);
    await client.ended;

    client.socket.end();
    await closed.next();
    expect(closed.all).toHaveLength(1);
    await expectToServe(server);
  });

  it.each(invalidTexts)('because its text is %s is answered 1007', async (_title, bytes) => {
    const { server, client } = await setting();
    client.send({ opcode: text, payload: Uint8Array.from(bytes) });

    expect(await client.closeCode()).toBe(1007);
    await expectToServe(server);
  });

  it.each(invalidTexts)('because a fragmented text is %s is answered 1007', async (_title, bytes) => {
    const { client } = await setting();
    client.send({ opcode: text, payload: 'begun ', fin: false });
    bytes.forEach((byte, index) =>
      client.send({ opcode: continuation, payload: Uint8Array.of(byte), fin: index === bytes.length - 1 }),
    );

    expect(await client.closeCode()).toBe(1007);
  });

  it('because the reason of its close is not UTF-8 is answered 1007', async () => {
    const { client } = await setting();
    client.write(closeFrame(1000, Uint8Array.of(0xff, 0xfe)));

    expect(await client.closeCode()).toBe(1007);
  });

  it('comes after the answers to the good frames before it', async () => {
    const { client } = await setting();
    client.write(
      Buffer.concat([frame({ opcode: text, payload: 'good' }), frame({ opcode: text, payload: 'bad', rsv: 4 })]),
    );

    expect(await client.nextFrame()).toMatchObject({ opcode: text, payload: Buffer.from('good') });
    expect(await client.closeCode()).toBe(1002);
  });

  it('never reaches the service, nor does anything after it', async () => {
    const { service, texts, closes, opened } = capture(at(path));
    const server = await serve([service]);
    const client = await rawUpgrade(server.port, path);
    await opened.next();
    client.write(
      Buffer.concat([
        frame({ opcode: text, payload: 'good' }),
        frame({ opcode: text, payload: 'bad', rsv: 4 }),
        frame({ opcode: text, payload: 'after' }),
      ]),
    );

    expect(await client.closeCode()).toBe(1002);
    client.socket.end();
    expect((await closes.next()).code).toBe(1002);
    expect(texts.all).toEqual(['good']);
    expect(closes.all).toHaveLength(1);
  });
});

describe('a message at the limit of maxPayload', () => {
  it('is handled', async () => {
    const { client } = await setting({ limits: { maxPayload: 1_000 } });
    client.text('x'.repeat(1_000));

    expect(await client.nextText()).toBe('x'.repeat(1_000));
  });

  it('plus one byte is answered 1009', async () => {
    const { server, client } = await setting({ limits: { maxPayload: 1_000 } });
    client.text('x'.repeat(1_001));

    expect(await client.closeCode()).toBe(1009);
    await expectToServe(server);
  });

  it('is 1 MiB by default', async () => {
    const { server, client } = await setting();
    client.text('x'.repeat(1_048_576));
    expect(await client.nextText()).toHaveLength(1_048_576);

    const other = await rawUpgrade(server.port, path);
    other.text('x'.repeat(1_048_577));
    expect(await other.closeCode()).toBe(1009);
  });

  it('is refused by its header alone', async () => {
    const { client } = await setting({ limits: { maxPayload: 1_000 } });
    // Not one byte of the payload is ever sent.
    client.send({ opcode: binary, claimedLength: 1n << 40n });

    expect(await client.closeCode()).toBe(1009);
  });

  it.each([1n << 53n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n])(
    'is refused when it claims %d bytes',
    async (claimedLength) => {
      const { server, client } = await setting();
      client.send({ opcode: binary, claimedLength });

      expect([1002, 1009]).toContain(await client.closeCode());
      await expectToServe(server);
    },
  );

  it('counts the fragments together', async () => {
    const { client } = await setting({ limits: { maxPayload: 1_000 } });
    client.send({ opcode: text, payload: 'x'.repeat(500), fin: false });
    client.send({ opcode: continuation, payload: 'x'.repeat(500), fin: false });
    client.send({ opcode: continuation, payload: 'x', fin: true });

    expect(await client.closeCode()).toBe(1009);
  });

  it('belongs to its service', async () => {
    const small = defineService({
      ...at('/small/ws'),
      limits: { maxPayload: 10 },
      onTextMessage(connection: Connection, message: string) {
        connection.pushText(message);
      },
    });
    const server = await serve([small, echo('handlers', at(path))], { limits: { maxPayload: 1_000 } });
    const [one, two] = [await rawUpgrade(server.port, '/small/ws'), await rawUpgrade(server.port, path)];
    one.text('x'.repeat(11));
    two.text('x'.repeat(11));

    expect(await one.closeCode()).toBe(1009);
    expect(await two.nextText()).toHaveLength(11);
  });
});

describe('a message in endless fragments', () => {
  it.each([
    ['empty', ''],
    ['of one byte', 'x'],
  ])('that are %s is ended', async (_title, payload) => {
    const { server, client } = await setting();
    client.send({ opcode: text, payload, fin: false });
    const portion = Buffer.concat(
      Array.from({ length: 5_000 }, () => frame({ opcode: continuation, payload, fin: false })),
    );
    // Far more than any honest message has; the server ends it on the way.
    for (let sent = 0; sent < 60 && client.isUp; sent += 1) {
      await new Promise<void>((resolve) => {
        if (client.socket.write(portion)) setImmediate(resolve);
        else
          Promise.race([client.ended, new Promise((drained) => client.socket.once('drain', drained))]).then(
            () => resolve(),
            resolve,
          );
      });
    }

    expect([1008, 1009]).toContain(await client.closeCode());
    await expectToServe(server);
  });
});

describe('good frames', () => {
  it.each([0, 1, 125, 126, 127, 65_535, 65_536])('carry %i bytes', async (size) => {
    const { client } = await setting();
    client.text('x'.repeat(size));
    client.send({ opcode: binary, payload: new Uint8Array(size).fill(7) });

    expect(await client.nextText()).toBe('x'.repeat(size));
    const answer = await client.nextFrame();
    expect(answer).toMatchObject({ opcode: binary, fin: true, rsv: 0 });
    expect(answer.payload).toHaveLength(size);
  });

  it('are joined when fragmented, with control frames in between, a character cut in two', async () => {
    const { client } = await setting();
    const [first = 0, second = 0] = Buffer.from('é');
    client.send({ opcode: text, payload: 'caf', fin: false });
    client.send({ opcode: ping, payload: 'in between' });
    client.send({ opcode: continuation, payload: Uint8Array.of(first), fin: false });
    client.send({ opcode: pong, payload: 'nobody asked' });
    client.send({ opcode: continuation, payload: Uint8Array.of(second), fin: false });
    client.send({ opcode: continuation, payload: '', fin: true });

    expect(await client.nextFrame()).toMatchObject({ opcode: pong, payload: Buffer.from('in between') });
    expect(await client.nextText()).toBe('café');
  });

  it('arrive byte by byte', async () => {
    const { client } = await setting();
    for (const byte of frame({ opcode: text, payload: 'slowly ünd surely' })) client.write(Uint8Array.of(byte));

    expect(await client.nextText()).toBe('slowly ünd surely');
  });

  it('arrive many at once', async () => {
    const { client } = await setting();
    const messages = Array.from({ length: 500 }, (_, index) => `message ${index}`);
    client.write(Buffer.concat(messages.map((payload) => frame({ opcode: text, payload }))));

    const answers: string[] = [];
    for (const _ of messages) answers.push(await client.nextText());
    expect(answers).toEqual(messages);
  });

  it('that are pings get a pong with their payload, empty and of 125 bytes', async () => {
    const { client } = await setting();
    for (const payload of ['', 'x', 'x'.repeat(125)]) {
      client.send({ opcode: ping, payload });
      expect(await client.nextFrame()).toMatchObject({ opcode: pong, payload: Buffer.from(payload) });
    }
  });

  it.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999])(
    'that close with %i are answered with it and reach onClose',
    async (code) => {
      const { service, closes } = capture(at(path));
      const server = await serve([service]);
      const client = await rawUpgrade(server.port, path);
      client.write(closeFrame(code, 'réason'));

      expect(closeCodeOf(await client.nextFrame())).toBe(code);
      // The server ends the TCP connection first (RFC 6455 §7.1.1).
      await client.ended;
      client.socket.end();
      expect(await closes.next()).toMatchObject({ code, reason: 'réason' });
    },
  );

  it('are never masked, never compressed and never fragmented without need', async () => {
    const { client } = await setting();
    client.text('x'.repeat(70_000));

    expect(await client.nextFrame()).toMatchObject({ opcode: text, fin: true, rsv: 0 });
  });
});

describe.each(forms)('a stream of messages to %s', (form) => {
  it('is the same however it is cut into fragments and segments (property)', async () => {
    const server = await serve([echo(form, at(path))]);
    const message = fc.record({
      isText: fc.boolean(),
      content: fc.string({ unit: 'grapheme', maxLength: 60 }),
      fragments: fc.integer({ min: 1, max: 5 }),
      pingBetween: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { minLength: 1, maxLength: 10 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
        async (messages, cuts) => {
          const client = await rawUpgrade(server.port, path);
          const stream = Buffer.concat(
            messages.flatMap(({ isText, content, fragments, pingBetween }) => {
              const whole = Buffer.from(content);
              const size = Math.max(1, Math.ceil(whole.length / fragments));
              const parts = Array.from({ length: fragments }, (_, index) =>
                whole.subarray(index * size, index === fragments - 1 ? undefined : (index + 1) * size),
              );
              return parts.flatMap((payload, index) => [
                frame({
                  opcode: index > 0 ? continuation : isText ? text : binary,
                  payload,
                  fin: index === parts.length - 1,
                }),
                ...(pingBetween ? [frame({ opcode: ping, payload: 'p' })] : []),
              ]);
            }),
          );
          for (let from = 0; from < stream.length;) {
            const size = Number(cuts.next().value);
            client.write(stream.subarray(from, from + size));
            from += size;
          }

          for (const { isText, content } of messages) {
            const answer = await client.frames.until(({ opcode }) => opcode < close);
            expect(answer).toMatchObject({ opcode: isText ? text : binary, payload: Buffer.from(content) });
          }
          client.destroy();
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('random bytes after the handshake', () => {
  it('end their own connection at most (property)', async () => {
    const server = await serve([echo('handlers', at(path))]);
    const witness = await connect(server.url(path));
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), async (garbage) => {
        const client = await rawUpgrade(server.port, path);
        client.write(garbage);
        client.socket.end();
        await client.ended;
        client.destroy();
        witness.send('witness');
        expect(await witness.next()).toBe('witness');
      }),
      { numRuns: 60 },
    );
    expect((await server.troupe.connections(path)).items.length).toBe(1);
  });
});
