/** What comes to the inbox of a node: something for one of its connections, or that it lost a name. */
import type { DirectOutcome } from '../contract.ts';
import { decoded, encoded } from './subjects.ts';

const DIRECT = 1;
const REPLACED = 2;
const REMOVED = 3;

export type InboxFrame =
  | { readonly kind: 'direct'; readonly name: string; readonly connectionId: string; readonly payload: Uint8Array }
  | {
      readonly kind: 'lost';
      readonly name: string;
      readonly connectionId: string;
      readonly epoch: number;
      readonly why: 'replaced' | 'removed';
    };

/** All of a direct frame but the payload: the same for each push to one owner. */
export function directHead(name: string, connectionId: string): Uint8Array {
  return Buffer.concat([Buffer.of(DIRECT), field(name), field(connectionId)]);
}

export function lostFrame(name: string, connectionId: string, epoch: number, why: 'replaced' | 'removed'): Uint8Array {
  const time = Buffer.alloc(8);
  time.writeDoubleBE(epoch);
  return Buffer.concat([Buffer.of(why === 'replaced' ? REPLACED : REMOVED), field(name), field(connectionId), time]);
}

/** Undefined for what no version of this file has written. */
export function readInboxFrame(data: Uint8Array): InboxFrame | undefined {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  try {
    const kind = bytes.readUInt8(0);
    const [name, afterName] = readField(bytes, 1);
    const [connectionId, rest] = readField(bytes, afterName);
    if (kind === DIRECT) return { kind: 'direct', name, connectionId, payload: data.subarray(rest) };
    if (kind !== REPLACED && kind !== REMOVED) return undefined;
    const epoch = bytes.readDoubleBE(rest);
    return { kind: 'lost', name, connectionId, epoch, why: kind === REPLACED ? 'replaced' : 'removed' };
  } catch {
    return undefined;
  }
}

/** Encoded as in subjects, so that strings that are no text come through. */
function field(text: string): Buffer {
  const bytes = Buffer.from(encoded(text), 'latin1');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function readField(bytes: Buffer, at: number): readonly [text: string, end: number] {
  const end = at + 2 + bytes.readUInt16BE(at);
  if (end > bytes.length) throw new RangeError('cut off');
  return [decoded(bytes.toString('latin1', at + 2, end)), end];
}

const OUTCOMES: readonly DirectOutcome[] = ['delivered', 'accepted', 'congested', 'closed', 'moved'];
const ANSWERS = new Map(OUTCOMES.map((outcome, index) => [outcome, Uint8Array.of(index)]));

export function answerOf(outcome: DirectOutcome): Uint8Array {
  return ANSWERS.get(outcome) ?? new Uint8Array();
}

export function readAnswer(data: Uint8Array): DirectOutcome | undefined {
  return OUTCOMES[data[0] ?? OUTCOMES.length];
}
