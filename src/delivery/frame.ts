/**
 * Server-to-client WebSocket frames: complete, unfragmented, unmasked.
 *
 * A message is framed once and the same bytes are written to every receiver.
 *
 * Source: RFC 6455 §5.2.
 */

const FIN = 0x80;
const TEXT = 0x1;
const BINARY = 0x2;

/** A complete frame, ready to be written to any number of sockets. Never changed once made. */
export type Frame = Uint8Array;

/** Frames a text message. */
export function frameText(text: string): Frame {
  const length = Buffer.byteLength(text);
  const frame = allocate(TEXT, length);
  frame.write(text, frame.length - length);
  return frame;
}

/** Frames a binary message. Copies `data`, so that the caller may go on using it. */
export function frameBinary(data: Uint8Array): Frame {
  const frame = allocate(BINARY, data.length);
  frame.set(data, frame.length - data.length);
  return frame;
}

/** The bytes of the message in `frame`, without those of its header. */
export function payloadLength(frame: Frame): number {
  const length = frame[1]!;
  return frame.length - (length < 126 ? 2 : length === 126 ? 4 : 10);
}

function allocate(opcode: number, length: number): Buffer {
  if (length < 126) {
    const frame = Buffer.allocUnsafe(2 + length);
    frame[0] = FIN | opcode;
    frame[1] = length;
    return frame;
  }
  if (length < 65_536) {
    const frame = Buffer.allocUnsafe(4 + length);
    frame[0] = FIN | opcode;
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
    return frame;
  }
  const frame = Buffer.allocUnsafe(10 + length);
  frame[0] = FIN | opcode;
  frame[1] = 127;
  frame.writeBigUInt64BE(BigInt(length), 2);
  return frame;
}
