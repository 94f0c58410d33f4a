/** A raw `net` socket with just enough of RFC 6455: what is left when everything else is taken away. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { Role, ServerUnderTest } from './contract.ts';

const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const opcodes = { text: 0x1, close: 0x8 };

function frameOf(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const header = length < 126 ? [0x80 | opcode, length] : [0x80 | opcode, 126, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(header), payload]);
}

/** The masked frames in `bytes`, answered as one buffer; `rest` is the start of a frame that is not all there. */
function answerTo(bytes: Buffer): { answer: Buffer; rest: Buffer; closes: boolean } {
  const answers: Buffer[] = [];
  let at = 0;
  let closes = false;
  while (bytes.length - at >= 6) {
    const opcode = (bytes[at] ?? 0) & 0xf;
    const short = (bytes[at + 1] ?? 0) & 0x7f;
    const maskAt = at + (short === 126 ? 4 : 2);
    if (bytes.length < maskAt + 4) break;
    const length = short === 126 ? bytes.readUInt16BE(at + 2) : short;
    const payload = bytes.subarray(maskAt + 4, maskAt + 4 + length);
    if (payload.length < length) break;
    for (let index = 0; index < length; index++) {
      payload[index] = (payload[index] ?? 0) ^ (bytes[maskAt + (index & 3)] ?? 0);
    }
    if (opcode === opcodes.text || opcode === opcodes.close) answers.push(frameOf(opcode, payload));
    closes ||= opcode === opcodes.close;
    at = maskAt + 4 + length;
  }
  return { answer: Buffer.concat(answers), rest: bytes.subarray(at), closes };
}

function upgrade(head: string): string {
  const key = /^sec-websocket-key: *(\S+)/im.exec(head)?.[1] ?? '';
  const accept = createHash('sha1')
    .update(key + guid)
    .digest('base64');
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}

export async function start(role: Role): Promise<ServerUnderTest> {
  const open = new Set<Socket>();
  const stored = new Map<string, Socket>();

  const server = createServer({ noDelay: true }, (socket) => {
    let rest: Buffer | undefined;
    socket.on('error', () => socket.destroy());
    socket.on('close', () => open.delete(socket));
    socket.on('data', (bytes: Buffer) => {
      if (rest === undefined) {
        const head = bytes.toString('latin1');
        socket.write(upgrade(head));
        open.add(socket);
        if (role === 'stored') stored.set(/^GET \/(\S*)/.exec(head)?.[1] ?? '', socket);
        rest = Buffer.alloc(0);
        return;
      }
      const answered = answerTo(rest.length === 0 ? bytes : Buffer.concat([rest, bytes]));
      rest = answered.rest;
      if (answered.answer.length > 0) socket.write(answered.answer);
      if (answered.closes) socket.end();
    });
  });

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    send(text) {
      const frame = frameOf(opcodes.text, Buffer.from(text));
      for (const socket of open) socket.write(frame);
    },
    sendTo(name, text) {
      stored.get(name)?.write(frameOf(opcodes.text, Buffer.from(text)));
    },
  };
}
