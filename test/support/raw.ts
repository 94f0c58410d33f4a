import { createHash, randomBytes } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { Inbox } from './inbox.ts';

/** A WebSocket client that may break every rule: it writes the bytes it is told to. */

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface FrameFields {
  opcode: number;
  payload?: string | Uint8Array;
  fin?: boolean;
  rsv?: number;
  masked?: boolean;
  /** What the header claims, whatever the payload's length is. */
  claimedLength?: bigint;
}

/** One frame as bytes (RFC 6455 §5.2); masked, as a client must, unless told otherwise. */
export function frame(fields: FrameFields): Buffer {
  const { opcode, fin = true, rsv = 0, masked = true } = fields;
  const payload = Buffer.from(fields.payload ?? '');
  const length = fields.claimedLength ?? BigInt(payload.length);
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const maskBit = masked ? 0x80 : 0;
  let header: Buffer;
  if (length < 126n) {
    header = Buffer.from([first, maskBit | Number(length)]);
  } else if (length < 65_536n) {
    header = Buffer.alloc(4);
    header.set([first, maskBit | 126]);
    header.writeUInt16BE(Number(length), 2);
  } else {
    header = Buffer.alloc(10);
    header.set([first, maskBit | 127]);
    header.writeBigUInt64BE(length, 2);
  }
  if (!masked) return Buffer.concat([header, payload]);
  const mask = randomBytes(4);
  const body = payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return Buffer.concat([header, mask, body]);
}

export function closeFrame(code: number, reason: string | Uint8Array = ''): Buffer {
  const status = Buffer.alloc(2);
  status.writeUInt16BE(code);
  return frame({ opcode: opcodes.close, payload: Buffer.concat([status, Buffer.from(reason)]) });
}

export interface Frame {
  fin: boolean;
  rsv: number;
  opcode: number;
  payload: Buffer;
}

/** The close code that a frame carries; 1005 when it carries none. */
export function closeCodeOf({ payload }: Frame): number {
  return payload.length < 2 ? 1005 : payload.readUInt16BE(0);
}

export interface HttpAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

const sampleKey = 'dGhlIHNhbXBsZSBub25jZQ==';

/** The accept header that belongs to a key (RFC 6455 §4.2.2). */
export function acceptFor(key: string = sampleKey): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

export interface HandshakeFields {
  method?: string;
  version?: string;
  /** Overrides by name; `undefined` leaves the header out, a list writes it several times. */
  headers?: Record<string, string | string[] | undefined>;
}

/** An upgrade request as text: right in every field that is not overridden. */
export function handshake(path: string, fields: HandshakeFields = {}): string {
  const headers: Record<string, string | string[] | undefined> = {
    Host: '127.0.0.1',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': sampleKey,
    ...fields.headers,
  };
  const lines = [`${fields.method ?? 'GET'} ${path} HTTP/${fields.version ?? '1.1'}`];
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    for (const one of [value].flat()) lines.push(`${name}: ${one}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

export class RawClient {
  readonly socket: Socket;
  /** Whole frames, from the end of the handshake on. */
  readonly frames = new Inbox<Frame>();
  /** The server ended its side, or the socket was destroyed. */
  readonly ended: Promise<void>;
  #received: Buffer = Buffer.alloc(0);
  #upgraded = false;
  #hasEnded = false;
  readonly #answers = new Inbox<HttpAnswer>();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#read();
    });
    socket.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        if (this.#hasEnded) return;
        this.#hasEnded = true;
        this.#read();
        const error = new Error('the server ended the connection');
        this.frames.end(error);
        this.#answers.end(error);
        resolve();
      };
      socket.on('end', end);
      socket.on('close', end);
    });
  }

  /** False once the server has ended its side. */
  get isUp(): boolean {
    return !this.#hasEnded;
  }

  write(data: string | Uint8Array): void {
    this.socket.write(data);
  }

  /** Writes one frame. */
  send(fields: FrameFields): void {
    this.write(frame(fields));
  }

  text(payload: string): void {
    this.send({ opcode: opcodes.text, payload });
  }

  /** The answer to the handshake (or to any HTTP request). */
  answer(): Promise<HttpAnswer> {
    return this.#answers.next();
  }

  async upgrade(path: string, fields: HandshakeFields = {}): Promise<void> {
    this.write(handshake(path, fields));
    const { status } = await this.answer();
    if (status !== 101) throw new Error(`the server answered ${status} to the handshake`);
  }

  nextFrame(): Promise<Frame> {
    return this.frames.next();
  }

  /** The text of the next data frame; control frames on the way are passed over. */
  async nextText(): Promise<string> {
    const data = await this.frames.until(({ opcode }) => opcode < opcodes.close);
    return data.payload.toString('utf8');
  }

  /** The code of the close frame that the server sends; 1006 when it ends without one. */
  async closeCode(): Promise<number> {
    try {
      return closeCodeOf(await this.frames.until(({ opcode }) => opcode === opcodes.close));
    } catch {
      return 1006;
    }
  }

  /** A ping and its pong: the server has read all that was written before. */
  async roundTrip(payload = 'round trip'): Promise<void> {
    this.send({ opcode: opcodes.ping, payload });
    await this.frames.until((each) => each.opcode === opcodes.pong && each.payload.toString('utf8') === payload);
  }

  /** Stops reading: the server's bytes pile up. */
  stall(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Ends with a reset (RST), as a crashed host's kernel does. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  #read(): void {
    if (!this.#upgraded && !this.#readHead()) return;
    for (;;) {
      const next = this.#readFrame();
      if (next === undefined) return;
      this.frames.push(next);
    }
  }

  /** Reads an HTTP answer; true once the socket speaks WebSocket. */
  #readHead(): boolean {
    const end = this.#received.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const [statusLine = '', ...lines] = this.#received.subarray(0, end).toString('latin1').split('\r\n');
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const colon = line.indexOf(':');
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    const status = Number(statusLine.split(' ')[1]);
    const rest = this.#received.subarray(end + 4);
    if (status === 101) {
      this.#upgraded = true;
      this.#received = rest;
    } else {
      // A chunked body is of no interest here; without any length it lasts to the end.
      const unknown = headers['transfer-encoding'] === undefined ? Number.POSITIVE_INFINITY : 0;
      const length = Number(headers['content-length'] ?? unknown);
      if (rest.length < length && !this.#hasEnded) return false;
      this.#received = rest.subarray(rest.length);
    }
    this.#answers.push({ status, headers, body: status === 101 ? '' : rest.toString('utf8') });
    return this.#upgraded;
  }

  #readFrame(): Frame | undefined {
    const data = this.#received;
    if (data.length < 2) return undefined;
    const [first = 0, second = 0] = data;
    let length = second & 0x7f;
    let offset = 2;
    if (length === 126) {
      if (data.length < 4) return undefined;
      length = data.readUInt16BE(2);
      offset = 4;
    } else if (length === 127) {
      if (data.length < 10) return undefined;
      length = Number(data.readBigUInt64BE(2));
      offset = 10;
    }
    if (data.length < offset + length) return undefined;
    this.#received = data.subarray(offset + length);
    return {
      fin: (first & 0x80) !== 0,
      rsv: (first >> 4) & 7,
      opcode: first & 0x0f,
      payload: Buffer.from(data.subarray(offset, offset + length)),
    };
  }
}

/** A TCP connection to a server on this machine, ended with the test. */
export async function rawConnect(port: number): Promise<RawClient> {
  // Half-open by choice: the test decides when its own side ends.
  const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  onTestFinished(() => {
    socket.destroy();
  });
  const client = new RawClient(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return client;
}

/** Connects and upgrades. */
export async function rawUpgrade(port: number, path: string, fields: HandshakeFields = {}): Promise<RawClient> {
  const client = await rawConnect(port);
  await client.upgrade(path, fields);
  return client;
}
