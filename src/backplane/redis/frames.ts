/**
 * What travels on channels, in bytes.
 *
 * On a topic: the tag of the node that publishes (8), a kind (1), then the payload of a message, or of a removal the
 * generation in digits with an `r` behind it when the name is retired. To a node: a kind (1), then what `scripts.ts`
 * puts there; connection and name have their lengths before them (2 each).
 */
import type { Generation } from '../contract.ts';
import { TAG_BYTES, unescapeText } from './keys.ts';

const HEAD_BYTES = TAG_BYTES + 1;
const MESSAGE = 0;
const REMOVAL = 1;

export function messageFrame(tag: Buffer, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEAD_BYTES + payload.byteLength);
  frame.set(tag);
  frame[TAG_BYTES] = MESSAGE;
  frame.set(payload, HEAD_BYTES);
  return frame;
}

export function isFrom(tag: Buffer, frame: Buffer): boolean {
  return frame.length >= HEAD_BYTES && tag.compare(frame, 0, TAG_BYTES) === 0;
}

/** A message as bytes, a removal as its generation; nothing for what is no frame of ours. */
export function readTopicFrame(frame: Buffer): Buffer | Generation | undefined {
  if (frame.length < HEAD_BYTES) return undefined;
  if (frame[TAG_BYTES] === MESSAGE) return frame.subarray(HEAD_BYTES);
  return frame[TAG_BYTES] === REMOVAL ? readGeneration(frame.toString('latin1', HEAD_BYTES)) : undefined;
}

/** As keys hold it and removals carry it. */
export function readGeneration(text: string | null): Generation {
  const generation = Number.parseInt(text ?? '', 10);
  if (Number.isNaN(generation)) return { generation: 0, retired: false };
  return { generation, retired: text?.endsWith('r') === true };
}

export type InboxFrame =
  | { readonly kind: 'direct'; readonly name: string; readonly connectionId: string; readonly payload: Buffer }
  | {
      readonly kind: 'lost';
      readonly name: string;
      readonly connectionId: string;
      readonly epoch: number;
      readonly why: 'replaced' | 'removed';
    }
  | { readonly kind: 'probe'; readonly token: string };

/** Nothing for what is no frame of ours. */
export function readInboxFrame(frame: Buffer): InboxFrame | undefined {
  const kind = String.fromCharCode(frame[0] ?? 0);
  if (kind === 'P') return { kind: 'probe', token: frame.toString('latin1', 1) };
  if (!'DRX'.includes(kind) || frame.length < 5) return undefined;
  const nameAt = 3 + frame.readUInt16BE(1);
  if (frame.length < nameAt + 2) return undefined;
  const restAt = nameAt + 2 + frame.readUInt16BE(nameAt);
  if (frame.length < restAt) return undefined;
  const connectionId = frame.toString('utf8', 3, nameAt);
  const name = unescapeText(frame.toString('utf8', nameAt + 2, restAt));
  if (kind === 'D') return { kind: 'direct', name, connectionId, payload: frame.subarray(restAt) };
  const epoch = Number(frame.toString('latin1', restAt));
  return { kind: 'lost', name, connectionId, epoch, why: kind === 'R' ? 'replaced' : 'removed' };
}
