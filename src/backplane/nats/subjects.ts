/**
 * What subjects, buckets and keys are called.
 *
 * NATS gives dots, stars and spaces in a subject a meaning, and names may have
 * any characters: they are written as Base64url.
 */
import type { Topic } from '../contract.ts';

/** Strings that are no text are written as their UTF-16 units; `=` begins no Base64. */
const NO_TEXT = /\p{Surrogate}/u;

export function encoded(text: string): string {
  return NO_TEXT.test(text)
    ? `=${Buffer.from(text, 'utf16le').toString('base64url')}`
    : Buffer.from(text).toString('base64url');
}

export function decoded(token: string): string {
  return token.startsWith('=')
    ? Buffer.from(token.slice(1), 'base64url').toString('utf16le')
    : Buffer.from(token, 'base64url').toString();
}

export interface Buckets {
  /** Who owns a name: `{n, c, e}`, one key for each. */
  readonly names: string;
  /** The leases of nodes, and for a while the epochs of names that nobody owns any more. */
  readonly leases: string;
  /** When a group was removed, for two days. */
  readonly removals: string;
  /** Which groups are retired. */
  readonly retired: string;
}

export function bucketsOf(prefix: string): Buckets {
  return {
    names: `${prefix}_names`,
    leases: `${prefix}_leases`,
    removals: `${prefix}_removals`,
    retired: `${prefix}_retired`,
  };
}

/** The key of a lease. */
export const LEASES = 'l';
export const leaseKey = (nodeId: string): string => `${LEASES}.${encoded(nodeId)}`;
/** The key of the last epoch of a name that nobody owns. */
export const epochKey = (name: string): string => `e.${encoded(name)}`;

/** Remembers the subjects that are published to again and again. */
const MAX_REMEMBERED = 10_000;

export class Subjects {
  readonly #prefix: string;
  readonly #topics = new Map<string, string>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  topic(topic: Topic): string {
    let subject = this.#topics.get(topic);
    if (subject === undefined) {
      subject = `${this.#prefix}.t.${encoded(topic)}`;
      if (this.#topics.size >= MAX_REMEMBERED) this.#topics.clear();
      this.#topics.set(topic, subject);
    }
    return subject;
  }

  /** Where a node is told that a name is lost, and handed what is pushed to its connections. */
  inbox(nodeId: string): string {
    return `${this.#prefix}.i.${encoded(nodeId)}`;
  }

  /** Where all nodes are asked whether they hear. */
  get question(): string {
    return `${this.#prefix}.q`;
  }

  /** Where they answer a node. */
  answers(nodeId: string): string {
    return `${this.#prefix}.a.${encoded(nodeId)}`;
  }

  /** Stands as the sender in what a node publishes; nobody listens there. */
  sender(nodeId: string): string {
    return `${this.#prefix}.f.${encoded(nodeId)}`;
  }
}
