/**
 * What nodes say to each other: bytes to the backplane.
 *
 * A push carries the frame that sockets get, as it is, so that a message is
 * framed once for the whole cluster. What a node cannot read, of a newer
 * version for example, it leaves alone.
 *
 *     push:   kind 1 | flags | [count, (length, id) …] | [length, key] | frame
 *     close:  kind 2 | code (16 bit) | reason
 *     ask:    kind 3 | JSON
 *     answer: kind 4 | JSON
 */
import { checkClose } from '../../arguments.ts';
import { frameOf, KeyedFrame, type Frame } from '../../delivery/frame.ts';

const PUSH = 1;
const CLOSE = 2;
const ASK = 3;
const ANSWER = 4;

const HAS_EXCEPT = 1;
const HAS_KEY = 2;

const LONGEST_ID = 255;

export type WireMessage =
  | { readonly kind: 'push'; readonly frame: Frame; readonly except: ReadonlySet<string> | undefined }
  | { readonly kind: 'close'; readonly code: number; readonly reason: string }
  | { readonly kind: 'ask' | 'answer'; readonly value: unknown };

export function pushMessage(frame: Frame, except?: ReadonlySet<string>): Uint8Array {
  const key = frame instanceof KeyedFrame ? Buffer.from(frame.key) : undefined;
  if (except === undefined && key === undefined) {
    const bytes = Buffer.allocUnsafe(2 + frame.byteLength);
    bytes[0] = PUSH;
    bytes[1] = 0;
    frame.store.copy(bytes, 2, frame.start, frame.end);
    return bytes;
  }
  const parts: Uint8Array[] = [
    Buffer.of(PUSH, (except === undefined ? 0 : HAS_EXCEPT) | (key === undefined ? 0 : HAS_KEY)),
  ];
  if (except !== undefined) {
    // A connection's id is short: what is longer is none.
    const ids = [...except].map((id) => Buffer.from(id)).filter(({ length }) => length <= LONGEST_ID);
    const count = Buffer.allocUnsafe(4);
    count.writeUInt32BE(ids.length);
    parts.push(count);
    for (const id of ids) parts.push(lengthOf(id.length), id);
  }
  if (key !== undefined) parts.push(lengthOf(key.length), key);
  parts.push(frame.store.subarray(frame.start, frame.end));
  return Buffer.concat(parts);
}

export function closeMessage(code: number, reason: string): Uint8Array {
  const bytes = Buffer.allocUnsafe(3 + Buffer.byteLength(reason));
  bytes[0] = CLOSE;
  bytes.writeUInt16BE(code, 1);
  bytes.write(reason, 3);
  return bytes;
}

export function askMessage(value: unknown): Uint8Array {
  return jsonMessage(ASK, value);
}

export function answerMessage(value: unknown): Uint8Array {
  return jsonMessage(ANSWER, value);
}

/** What `payload` says; undefined if this version cannot tell. */
export function readMessage(payload: Uint8Array): WireMessage | undefined {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  try {
    switch (bytes[0]) {
      case PUSH:
        return readPush(bytes);
      case CLOSE:
        return readClose(bytes);
      case ASK:
        return { kind: 'ask', value: JSON.parse(bytes.toString('utf8', 1)) };
      case ANSWER:
        return { kind: 'answer', value: JSON.parse(bytes.toString('utf8', 1)) };
      default:
        return undefined;
    }
  } catch {
    // Cut off, no JSON, or a close that no server may send.
    return undefined;
  }
}

function readClose(bytes: Buffer): WireMessage {
  const close = { code: bytes.readUInt16BE(1), reason: bytes.toString('utf8', 3) };
  checkClose(close.code, close.reason);
  return { kind: 'close', ...close };
}

function readPush(bytes: Buffer): WireMessage | undefined {
  const flags = bytes[1]!;
  let at = 2;
  const read = (): string => {
    const start = at + 2;
    const end = start + bytes.readUInt16BE(at);
    if (end > bytes.length) throw new RangeError('It ends too early.');
    at = end;
    return bytes.toString('utf8', start, end);
  };
  let except: Set<string> | undefined;
  if ((flags & HAS_EXCEPT) !== 0) {
    const count = bytes.readUInt32BE(at);
    at += 4;
    except = new Set();
    for (let left = count; left > 0; left--) except.add(read());
  }
  const key = (flags & HAS_KEY) === 0 ? undefined : read();
  const frame = frameOf(bytes, at);
  if (frame === undefined) return undefined;
  return { kind: 'push', frame: key === undefined ? frame : new KeyedFrame(frame, key), except };
}

function lengthOf(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeUInt16BE(length);
  return bytes;
}

function jsonMessage(kind: number, value: unknown): Uint8Array {
  const text = JSON.stringify(value);
  const bytes = Buffer.allocUnsafe(1 + Buffer.byteLength(text));
  bytes[0] = kind;
  bytes.write(text, 1);
  return bytes;
}
