/** RFC 6455 frames, as far as the generator needs them: short, unfragmented, prepared beforehand. */

export const opcodes = { text: 0x1, close: 0x8, ping: 0x9, pong: 0xa } as const;

/** Not zero: servers leave out unmasking then, which no browser's frames let them do. */
const mask = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

function header(opcode: number, length: number, masked: boolean): Buffer {
  const maskBit = masked ? 0x80 : 0;
  if (length < 126) return Buffer.from([0x80 | opcode, maskBit | length]);
  if (length > 0xffff) throw new RangeError(`a frame of ${length} bytes is longer than any workload needs`);
  return Buffer.from([0x80 | opcode, maskBit | 126, length >> 8, length & 0xff]);
}

/** A frame as a client sends it. */
export function clientFrame(opcode: number, payload: Buffer): Buffer {
  const masked = payload.map((byte, index) => byte ^ (mask[index & 3] ?? 0));
  return Buffer.concat([header(opcode, payload.length, true), mask, masked]);
}

/** A frame as a server sends it. */
export function serverFrame(opcode: number, payload: Buffer): Buffer {
  return Buffer.concat([header(opcode, payload.length, false), payload]);
}

export interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
  /** Header included. */
  readonly size: number;
}

/** The server's frame at the start of `bytes`; undefined while it is not all there. */
export function readFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < 2) return undefined;
  const opcode = (bytes[0] ?? 0) & 0xf;
  const short = (bytes[1] ?? 0) & 0x7f;
  const start = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < start) return undefined;
  const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  if (bytes.length < start + length) return undefined;
  return { opcode, payload: bytes.subarray(start, start + length), size: start + length };
}
