/**
 * Stored names and groups are shared by all services of a server, so this one
 * keeps its own behind a prefix: nobody who watches orders takes over a name of
 * the chat, and nobody who posts an order writes into a chat room.
 */
const prefix = 'orders:';

/** One to 64 visible characters without spaces, so that a name reads well in a URL and a log line. */
const visible = /^[\p{L}\p{N}\p{P}\p{S}][\p{L}\p{N}\p{P}\p{S}\p{M}]{0,63}$/u;

export const nameRule = 'one to 64 visible characters, without spaces or slashes';

export function isName(name: string): boolean {
  return visible.test(name) && !name.includes('/');
}

export function toStored(name: string): string {
  return prefix + name.normalize('NFC');
}

/** The name as its owner wrote it, or undefined when it belongs to another service. */
export function fromStored(stored: string): string | undefined {
  return stored.startsWith(prefix) ? stored.slice(prefix.length) : undefined;
}
