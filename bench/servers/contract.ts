/**
 * What a server process offers, and the words in which it is asked for it.
 *
 * A server does what one role asks for and nothing else, as its author would
 * write it for that purpose alone.
 */

/**
 * - `echo` answers each text with the same text,
 * - `broadcast` sends to all connections,
 * - `stored` stores each connection under the name that is its path and sends to a name,
 * - `group` puts each connection into one group and sends to the group.
 */
export const roles = ['echo', 'broadcast', 'stored', 'group'] as const;
export type Role = (typeof roles)[number];

/** A server that listens on 127.0.0.1. */
export interface ServerUnderTest {
  readonly port: number;
  /** To all connections, or to the group: from outside any handler. */
  send?(text: string): void;
  /** To one stored connection: from outside any handler. */
  sendTo?(name: string, text: string): void;
}

/** What each file beside this one exports as `start`. */
export type Start = (role: Role) => Promise<ServerUnderTest>;

/** Sends texts `from` to `from + count - 1`, all in one tick. */
export interface SendOrder {
  readonly from: number;
  readonly count: number;
  readonly bytes: number;
}

/** Sends one text to each of the names 0 to `names - 1`, all in one tick. */
export interface SendToEachOrder {
  readonly sequence: number;
  readonly names: number;
  readonly bytes: number;
}

export interface Memory {
  readonly rssKiB: number;
  readonly heapKiB: number;
  readonly externalKiB: number;
}

export interface Spent {
  readonly cpuUs: number;
  readonly wallMs: number;
}

export type Command =
  | { readonly command: 'begin' }
  | { readonly command: 'end' }
  | { readonly command: 'memory' }
  | ({ readonly command: 'send' } & SendOrder)
  | ({ readonly command: 'sendToEach' } & SendToEachOrder);

export type Reply =
  | { readonly reply: 'ready'; readonly port: number }
  | { readonly reply: 'unavailable'; readonly reason: string }
  | { readonly reply: 'begun' }
  | ({ readonly reply: 'spent' } & Spent)
  | ({ readonly reply: 'memory' } & Memory);
