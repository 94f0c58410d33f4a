/** Connections that offer compression and check what they get: whether it is compressed, its text, its order. */
import { connect, type Socket } from 'node:net';
import { constants, inflateRawSync } from 'node:zlib';
import { inParallel } from '../generator/connections.ts';
import { opcodes, readFrame } from '../generator/frames.ts';
import { upgradeText } from '../crowd/wire.ts';
import { textOf } from './text.ts';

const AT_ONCE = 50;
/** A whole text message with the first reserved bit, RFC 7692 §6. */
const COMPRESSED_TEXT = 0xc0 | opcodes.text;
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
const OFFER = 'Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n';

export class Readers {
  readonly #sockets: Socket[] = [];
  /** What was inflated last and found right: most readers get the same bytes. */
  #known: Buffer = Buffer.alloc(0);
  #knownNumber = -1;
  #missing = 0;
  #finish = { resolve: (): void => {}, reject: (_error: Error): void => {} };
  checked = 0;
  bytes = 0;

  async open(port: number, count: number): Promise<void> {
    await inParallel(count, AT_ONCE, async (index) => {
      this.#sockets[index] = await this.#openOne(port);
    });
  }

  /** Settles when every reader has one more message; rejects at the first wrong one. */
  next(): Promise<void> {
    this.#missing = this.#sockets.length;
    return new Promise((resolve, reject) => {
      this.#finish = { resolve, reject };
    });
  }

  close(): void {
    this.#finish = { resolve: () => {}, reject: () => {} };
    for (const socket of this.#sockets) socket.destroy();
  }

  #openOne(port: number): Promise<Socket> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let rest: Buffer = Buffer.alloc(0);
    let isOpen = false;
    let next = 0;
    return new Promise((resolve, reject) => {
      socket.on('error', reject);
      socket.on('close', () => this.#finish.reject(new Error('the server ended a connection')));
      socket.on('data', (chunk: Buffer) => {
        rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
        if (!isOpen) {
          const end = rest.indexOf('\r\n\r\n');
          if (end === -1) return;
          const answer = rest.toString('latin1', 0, end);
          rest = rest.subarray(end + 4);
          isOpen = true;
          if (answer.includes('server_no_context_takeover')) resolve(socket);
          else reject(new Error(`no compression: ${answer}`));
        }
        for (let frame = readFrame(rest); frame !== undefined; frame = readFrame(rest)) {
          this.#check(rest[0]!, frame.payload, next++);
          this.bytes += frame.size;
          rest = rest.subarray(frame.size);
        }
      });
      socket.write(upgradeText('/').replace(/\r\n$/, OFFER));
    });
  }

  #check(firstByte: number, payload: Buffer, number: number): void {
    if (firstByte !== COMPRESSED_TEXT) this.#finish.reject(new Error('a message came that is not compressed'));
    if (number !== this.#knownNumber || !payload.equals(this.#known)) {
      const text = inflateRawSync(Buffer.concat([payload, TAIL]), { finishFlush: constants.Z_SYNC_FLUSH }).toString();
      if (text !== textOf(number))
        this.#finish.reject(new Error(`expected message ${number}, got "${text.slice(0, 40)}"`));
      this.#known = Buffer.from(payload);
      this.#knownNumber = number;
    }
    this.checked++;
    if (--this.#missing === 0) this.#finish.resolve();
  }
}
