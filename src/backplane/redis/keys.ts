/** How names become parts of keys and channels, and nodes the header of a message. */
import { createHash } from 'node:crypto';

/** Half a surrogate pair has no UTF-8 of its own, and NUL begins what is escaped: such texts travel in hexadecimal. */
const unusual = /^\0|\p{Cs}/u;

/** A text that is itself in UTF-8, for any characters; no two texts become the same one. */
export function escapeText(text: string): string {
  return unusual.test(text) ? `\0${Buffer.from(text, 'utf16le').toString('hex')}` : text;
}

export function unescapeText(text: string): string {
  return text.startsWith('\0') ? Buffer.from(text.slice(1), 'hex').toString('utf16le') : text;
}

/** The channel of a topic. Its keys and other channels are made by the scripts, which know most of them only there. */
export function channelOf(prefix: string, topic: string): string {
  return `${prefix}:t:${escapeText(topic)}`;
}

/** What is told to one node alone. */
export function inboxOf(prefix: string, nodeId: string): string {
  return `${prefix}:i:${nodeId}`;
}

export function generationKey(prefix: string, group: string): string {
  return `${prefix}:g:${escapeText(group)}`;
}

export const TAG_BYTES = 8;

/** Stands for a node at the head of what it publishes, whatever its id looks like. */
export function tagOf(nodeId: string): Buffer {
  return createHash('sha256').update(nodeId).digest().subarray(0, TAG_BYTES);
}
