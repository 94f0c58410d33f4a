import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { FastFrames } from '../../src/transport/fast-frames.ts';
import { toggleMask } from '../../src/transport/mask.ts';
import { closeFrame, frame, opcodes } from '../support/raw.ts';

const MAX_PAYLOAD = 400;

/** What a reader has found in order; text and binary told apart. */
type Fact = string;

/** A stream that a test feeds, and that swallows what is written to it. */
class Feed extends Duplex {
  override _read(): void {}
  override _write(_bytes: unknown, _encoding: string, done: () => void): void {
    done();
  }
}

/** A WebSocket of `ws` on a stream, as its own server makes it, and what it told. */
function openWs(): { stream: Feed; facts: Fact[]; webSocket: WebSocket } {
  const facts: Fact[] = [];
  const stream = new Feed();
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_PAYLOAD, perMessageDeflate: false });
  let opened: WebSocket | undefined;
  const headers = {
    upgrade: 'websocket',
    connection: 'upgrade',
    'sec-websocket-key': Buffer.alloc(16).toString('base64'),
    'sec-websocket-version': '13',
  };
  server.handleUpgrade({ method: 'GET', headers, url: '/' } as never, stream, Buffer.alloc(0), (webSocket) => {
    opened = webSocket;
  });
  const webSocket = opened!;
  webSocket.on('message', (data: Buffer, isBinary) => facts.push(`${isBinary ? 'b' : 't'}${data.toString('hex')}`));
  webSocket.on('ping', (data) => facts.push(`ping ${data.toString('hex')}`));
  webSocket.on('pong', (data) => facts.push(`pong ${data.toString('hex')}`));
  webSocket.on('error', (error: Error & { code?: string }) => facts.push(`error ${error.code}`));
  return { stream, facts, webSocket };
}

/** The same, with the fast reader before it. */
function openFast(): { stream: Feed; facts: Fact[]; fast: number[] } {
  const { stream, facts, webSocket } = openWs();
  const general = stream.listeners('data').at(-1) as (this: Duplex, bytes: Buffer) => void;
  const fast = [0];
  let found = 0;
  webSocket.on('message', () => found++);
  webSocket.on('ping', () => found++);
  webSocket.on('pong', () => found++);
  const frames = new FastFrames(
    {
      onText(text) {
        fast[0]!++;
        facts.push(`t${Buffer.from(text).toString('hex')}`);
      },
      onBinary(data) {
        fast[0]!++;
        facts.push(`b${Buffer.from(data).toString('hex')}`);
      },
      onPing() {},
      onPong() {},
      onCloseFrame() {},
      onOther(bytes) {
        found = 0;
        general.call(stream, bytes);
        return found;
      },
    },
    MAX_PAYLOAD,
  );
  const close = webSocket.close.bind(webSocket);
  webSocket.close = (...args) => {
    frames.end();
    close(...args);
  };
  stream.off('data', general);
  stream.on('data', (bytes: Buffer) => frames.read(bytes));
  return { stream, facts, fast };
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Feeds `bytes` in pieces that end at `cuts`; some of them within one tick. */
async function feed(stream: Duplex, bytes: Buffer, cuts: readonly number[], isHasty: boolean): Promise<void> {
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((a, b) => a - b);
  let start = 0;
  for (const end of [...ends, bytes.length]) {
    // A copy for each reader: both unmask in place.
    if (end > start) stream.push(Buffer.from(bytes.subarray(start, end)));
    start = end;
    if (!isHasty) await turn();
  }
  await turn();
  await turn();
}

const payload = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => Buffer.from(text)) },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) },
  fc.integer({ min: 120, max: MAX_PAYLOAD + 2 }).map((length) => Buffer.alloc(length, 'long ')),
);

const piece = fc.oneof(
  { weight: 12, arbitrary: payload.map((data) => frame({ opcode: opcodes.text, payload: data })) },
  { weight: 6, arbitrary: payload.map((data) => frame({ opcode: opcodes.binary, payload: data })) },
  fc.string({ maxLength: 20 }).map((data) => frame({ opcode: opcodes.ping, payload: data })),
  fc.string({ maxLength: 20 }).map((data) => frame({ opcode: opcodes.pong, payload: data })),
  // A message in fragments, with a ping between them.
  fc
    .tuple(payload, payload)
    .map(([one, two]) =>
      Buffer.concat([
        frame({ opcode: opcodes.text, payload: one, fin: false }),
        frame({ opcode: opcodes.ping, payload: 'between' }),
        frame({ opcode: opcodes.continuation, payload: two }),
      ]),
    ),
  { weight: 1, arbitrary: fc.constant(closeFrame(1000, 'bye')) },
  { weight: 1, arbitrary: fc.constant(frame({ opcode: opcodes.continuation, payload: 'of nothing' })) },
  { weight: 1, arbitrary: fc.constant(frame({ opcode: opcodes.text, payload: 'unmasked', masked: false })) },
  { weight: 1, arbitrary: fc.constant(frame({ opcode: opcodes.text, payload: 'open', fin: false })) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 20 }) },
);

describe('whatever arrives, in whatever pieces', () => {
  it('is read as ws alone reads it', { timeout: 30_000 }, async () => {
    let fastFrames = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 12 }),
        fc.array(fc.nat({ max: 3000 }), { maxLength: 8 }),
        fc.boolean(),
        async (pieces, cuts, isHasty) => {
          const bytes = Buffer.concat(pieces);
          const alone = openWs();
          const behind = openFast();
          await Promise.all([feed(alone.stream, bytes, cuts, isHasty), feed(behind.stream, bytes, cuts, isHasty)]);
          expect(behind.facts).toEqual(alone.facts);
          fastFrames += behind.fast[0]!;
          alone.stream.destroy();
          behind.stream.destroy();
        },
      ),
      { numRuns: 2000 },
    );
    // The comparison says nothing if all went past the fast reader.
    expect(fastFrames).toBeGreaterThan(1000);
  });
});

describe('a message behind an error', () => {
  it.each([
    { title: 'invalid UTF-8', bytes: frame({ opcode: opcodes.text, payload: Uint8Array.of(0xff) }) },
    {
      title: 'invalid UTF-8 in fragments',
      bytes: Buffer.concat([
        frame({ opcode: opcodes.text, payload: Uint8Array.of(0xff), fin: false }),
        frame({ opcode: opcodes.continuation, payload: 'end' }),
      ]),
    },
    {
      title: 'fragments that are too long together',
      bytes: Buffer.concat([
        frame({ opcode: opcodes.text, payload: 'x'.repeat(300), fin: false }),
        frame({ opcode: opcodes.continuation, payload: 'x'.repeat(300) }),
      ]),
    },
    { title: 'an unmasked frame', bytes: frame({ opcode: opcodes.text, payload: 'bare', masked: false }) },
  ])('is not read: $title', async ({ bytes }) => {
    const { stream, facts } = openFast();
    stream.push(Buffer.concat([bytes, frame({ opcode: opcodes.text, payload: 'behind' })]));
    stream.push(Buffer.from(frame({ opcode: opcodes.text, payload: 'far behind' })));
    await turn();
    expect(facts).toHaveLength(1);
    expect(facts[0]).toMatch(/^error /);
    stream.destroy();
  });

  it('is not read when the stream is resumed before the error is told', async () => {
    const { stream, facts } = openFast();
    await turn();
    const close = closeFrame(999);
    stream.push(close.subarray(0, 1));
    stream.push(close.subarray(1));
    stream.push(frame({ opcode: opcodes.text, payload: 'behind' }));
    stream.resume();
    await turn();
    expect(facts).toEqual(['error WS_ERR_INVALID_CLOSE_CODE']);
    stream.destroy();
  });
});

describe('masking', () => {
  it('is undone at any place, for any length, and says whether all is ASCII', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 700 }),
        fc.uint8Array({ minLength: 4, maxLength: 4 }),
        fc.nat({ max: 9 }),
        (plain, key, offset) => {
          const bytes = Buffer.concat([Buffer.alloc(offset), key, plain.map((byte, index) => byte ^ key[index % 4]!)]);
          const seen = toggleMask(bytes, offset + 4, bytes.length);
          expect(bytes.subarray(offset + 4).equals(plain)).toBe(true);
          expect(seen > 0x7f).toBe(plain.some((byte) => byte > 0x7f));
        },
      ),
    );
  });
});
