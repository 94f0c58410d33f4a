import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { Socket, SocketListener } from '../../src/transport/contract.ts';
import { createWsTransport } from '../../src/transport/ws.ts';
import { turn } from '../support/inbox.ts';
import { closeFrame, frame, opcodes } from '../support/raw.ts';
import { ScriptedStream } from '../support/scripted-stream.ts';

// A socket of the transport beside `ws` used as its documentation says: whatever the remote side and the server do, in
// whatever order and pieces, the remote side gets the same bytes and the same end, and the server is told the same.

const MAX_PAYLOAD = 400;
const CLOSE_TIMEOUT_MS = 10_000;

/** One end of a connection under test. */
interface Subject {
  readonly stream: ScriptedStream;
  readonly socket: Socket;
  /** What the server was told, in order. */
  readonly facts: string[];
}

const request = {
  method: 'GET',
  url: '/',
  headers: {
    upgrade: 'websocket',
    connection: 'upgrade',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-version': '13',
  },
} as IncomingMessage;

/** What the server does when it is told of a message that asks for it. */
function react(socket: Socket, message: string): void {
  if (message.startsWith('close')) socket.close(4001, 'asked');
  else if (message.startsWith('destroy')) socket.destroy();
  else if (message.startsWith('pause')) socket.pause();
  else if (message.startsWith('ping')) socket.ping();
  else if (message.startsWith('echo')) socket.write(serverText(message));
}

function serverText(payload: string): Buffer {
  return frame({ opcode: opcodes.text, payload, masked: false });
}

/** What the server does when it is told of a closing. */
type AtClosing = 'close' | 'pause' | 'nothing';

/** The socket of the transport. */
function openOurs(head: Buffer, atClosing: AtClosing): Subject {
  const facts: string[] = [];
  const stream = new ScriptedStream();
  let opened: Socket | undefined;
  const listener = (socket: Socket): SocketListener => ({
    onReading() {},
    onRead() {},
    onText(text) {
      facts.push(`text ${Buffer.from(text).toString('hex')}`);
      react(socket, text);
    },
    onBinary(data) {
      facts.push(`binary ${Buffer.from(data).toString('hex')}`);
      react(socket, Buffer.from(data).toString());
    },
    onSignOfLife: () => facts.push('sign of life'),
    onDrain() {},
    beforeClose() {
      socket.write(serverText('last words'));
    },
    onClosing({ code, reason }) {
      facts.push(`closing ${code} ${reason}`);
      if (atClosing === 'close') socket.close(4002, 'ours');
      if (atClosing === 'pause') socket.pause();
    },
    onViolation: (_error, { code }) => facts.push(`violation ${code}`),
    onClosed: () => facts.push('closed'),
  });
  const transport = createWsTransport({
    maxPayload: MAX_PAYLOAD,
    closeTimeoutMs: CLOSE_TIMEOUT_MS,
    compression: false,
  });
  transport.accept({ request, stream, head, subprotocol: undefined }, (socket) => {
    opened = socket;
    return listener(socket);
  });
  return { stream, socket: opened!, facts };
}

/** `ws` alone. It tells of a closing by calling its own `close()`: with the code alone for an error. */
function openWs(head: Buffer, atClosing: AtClosing): Subject {
  const facts: string[] = [];
  const stream = new ScriptedStream();
  let hasBegun = false;
  class Told extends WebSocket {
    override close(...[code, reason]: [code?: number, reason?: string | Buffer]): void {
      if (!hasBegun) {
        hasBegun = true;
        socket.write(serverText('last words'));
        if (code === undefined || reason !== undefined) {
          facts.push(`closing ${code ?? 1005} ${reason?.toString() ?? ''}`);
          if (atClosing === 'close') super.close(4002, 'ours');
          if (atClosing === 'pause') super.pause();
        } else {
          violation = code;
        }
      }
      super.close(code, reason);
    }
  }
  let violation = 0;
  let opened: WebSocket | undefined;
  const options = { noServer: true, maxPayload: MAX_PAYLOAD, closeTimeout: CLOSE_TIMEOUT_MS, WebSocket: Told };
  new WebSocketServer(options).handleUpgrade(request, stream as Duplex, head, (webSocket) => {
    opened = webSocket;
  });
  const webSocket = opened!;
  const socket: Socket = {
    bufferedBytes: 0,
    bytesReceived: 0,
    write: (bytes) => webSocket.readyState === WebSocket.OPEN && stream.write(bytes),
    ping: () => webSocket.readyState === WebSocket.OPEN && webSocket.ping(),
    close(code, reason) {
      hasBegun = true;
      WebSocket.prototype.close.call(webSocket, code, reason);
    },
    destroy: () => webSocket.terminate(),
    pause: () => webSocket.pause(),
    resume: () => webSocket.resume(),
  };
  webSocket.on('message', (data: Buffer, isBinary) => {
    facts.push(`${isBinary ? 'binary' : 'text'} ${data.toString('hex')}`);
    react(socket, data.toString());
  });
  webSocket.on('ping', () => facts.push('sign of life'));
  webSocket.on('pong', () => facts.push('sign of life'));
  webSocket.on('error', () => violation > 0 && facts.push(`violation ${violation}`));
  webSocket.on('close', () => facts.push('closed'));
  return { stream, socket, facts };
}

/** Something that happens to a connection. */
interface Step {
  readonly title: string;
  /** Whether what follows happens in the same turn of the event loop. */
  readonly isHasty: boolean;
  readonly run: (subject: Subject) => void;
}

function step(title: string, run: (subject: Subject) => void): fc.Arbitrary<Step> {
  return fc.boolean().map((isHasty) => ({ title: `${title}${isHasty ? '' : '; a turn'}`, isHasty, run }));
}

const word = fc.constantFrom('a word', '', 'grüße', 'echo', 'ping', 'pause', 'close', 'destroy', 'x'.repeat(130));
const anyBytes = fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes));
const code = fc.oneof(
  fc.constantFrom(0, 999, 1000, 1001, 1003, 1004, 1005, 1006, 1007, 1014, 1015, 2999, 3000, 4999, 5000),
  fc.nat(65_535),
);
const reason = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => Buffer.from(text)),
  fc.constantFrom(Buffer.alloc(0), Buffer.from('\uFEFFbye'), Buffer.alloc(123, 'x'), Buffer.alloc(124, 'x')),
  anyBytes,
);

const arriving = fc.oneof(
  { weight: 8, arbitrary: word.map((payload) => frame({ opcode: opcodes.text, payload })) },
  { weight: 3, arbitrary: word.map((payload) => frame({ opcode: opcodes.binary, payload })) },
  { weight: 4, arbitrary: anyBytes.map((payload) => frame({ opcode: opcodes.ping, payload })) },
  { weight: 2, arbitrary: anyBytes.map((payload) => frame({ opcode: opcodes.pong, payload })) },
  { weight: 4, arbitrary: fc.tuple(code, reason).map(([number, text]) => closeFrame(number, text)) },
  { weight: 2, arbitrary: fc.constantFrom(frame({ opcode: opcodes.close }), closeFrame(1000, 'bye')) },
  fc.constantFrom(
    Buffer.concat([
      frame({ opcode: opcodes.binary, payload: 'a part', fin: false }),
      frame({ opcode: opcodes.continuation, payload: ' and the rest' }),
      closeFrame(1000, 'behind'),
      frame({ opcode: opcodes.text, payload: 'far behind' }),
    ]),
    Buffer.concat(Array.from({ length: 70 }, () => frame({ opcode: opcodes.ping, payload: 'many' }))),
    frame({ opcode: opcodes.close, payload: Uint8Array.of(3) }),
    frame({ opcode: opcodes.ping, payload: 'x'.repeat(125) }),
    frame({ opcode: opcodes.ping, payload: 'x'.repeat(126) }),
    frame({ opcode: opcodes.ping, payload: 'bare', masked: false }),
    frame({ opcode: opcodes.pong, rsv: 4 }),
    frame({ opcode: opcodes.close, fin: false }),
    frame({ opcode: opcodes.text, payload: 'a part', fin: false }),
    frame({ opcode: opcodes.continuation, payload: 'the rest' }),
    frame({ opcode: opcodes.text, payload: 'x'.repeat(MAX_PAYLOAD + 1) }),
    frame({ opcode: opcodes.text, payload: Uint8Array.of(0xc3, 0x28) }),
  ),
  anyBytes,
);

/** Frames in one piece, or cut somewhere. */
const received = fc
  .tuple(fc.array(arriving, { minLength: 1, maxLength: 4 }), fc.option(fc.nat(300)))
  .chain(([frames, cut]) => {
    const bytes = Buffer.concat(frames);
    const at = cut === null ? bytes.length : cut % (bytes.length + 1);
    return step(
      `receives ${bytes.subarray(0, at).toString('hex')} | ${bytes.subarray(at).toString('hex')}`,
      ({ stream }) => {
        for (const part of [bytes.subarray(0, at), bytes.subarray(at)]) {
          // A copy for each subject, as both unmask in place; nothing comes behind the end.
          if (part.length > 0 && !stream.readableEnded && !hasEnded.has(stream)) stream.push(Buffer.from(part));
        }
      },
    );
  });

const hasEnded = new WeakSet<Duplex>();

const anyStep = fc.oneof(
  { weight: 10, arbitrary: received },
  step('the remote side ends its half', ({ stream }) => {
    hasEnded.add(stream);
    stream.push(null);
  }),
  step('the network fails', ({ stream }) => void stream.destroy(new Error('reset'))),
  step('the remote side takes nothing', ({ stream }) => stream.stall()),
  step('the remote side takes everything', ({ stream }) => stream.flow()),
  step('the time to close passes', () => void vi.advanceTimersByTime(CLOSE_TIMEOUT_MS)),
  step('the server writes', ({ socket }) => socket.write(serverText('pushed'))),
  step('the server pings', ({ socket }) => socket.ping()),
  step('the server closes', ({ socket }) => socket.close(1000, 'done')),
  step('the server destroys', ({ socket }) => socket.destroy()),
  step('the server pauses', ({ socket }) => socket.pause()),
  step('the server resumes', ({ socket }) => socket.resume()),
);

/** What the remote side and the server have seen. A connection that is given up ends TCP as well. */
function seen({ stream, facts }: Subject) {
  const { sent, hasFin, destroyed } = stream;
  return { sent: sent.toString('latin1'), hasFin: hasFin || destroyed, destroyed, facts: [...facts] };
}

async function settle(): Promise<void> {
  for (let turns = 0; turns < 3; turns++) await turn();
}

describe('a socket of the transport', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('does what ws does', { timeout: 120_000 }, async () => {
    const ends = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyStep, { minLength: 1, maxLength: 9 }),
        fc.oneof({ weight: 3, arbitrary: fc.constant(Buffer.alloc(0)) }, arriving),
        fc.constantFrom<AtClosing>('nothing', 'nothing', 'close', 'pause'),
        async (steps, head, atClosing) => {
          const subjects = [openOurs(Buffer.from(head), atClosing), openWs(Buffer.from(head), atClosing)] as const;
          const [ours, reference] = subjects;
          for (const { isHasty, run } of steps) {
            for (const subject of subjects) run(subject);
            if (isHasty) continue;
            await settle();
            expect(seen(ours)).toEqual(seen(reference));
          }
          await settle();
          vi.advanceTimersByTime(CLOSE_TIMEOUT_MS);
          await settle();
          expect(seen(ours)).toEqual(seen(reference));
          const end = reference.facts.find((fact) => /^(?:closing|violation)/.test(fact))?.split(' ')[0] ?? 'none';
          ends.set(end, (ends.get(end) ?? 0) + 1);
          for (const { stream } of subjects) stream.destroy();
          await settle();
          expect(seen(ours)).toEqual(seen(reference));
        },
      ),
      { numRuns: Number(process.env['RUNS'] ?? 2000) },
    );
    // The comparison says nothing if it always ends in the same way.
    for (const end of ['closing', 'violation', 'none']) expect(ends.get(end)).toBeGreaterThan(100);
  });
});
