/**
 * How many connections there are from each remote address, to bound them.
 *
 * Who has an IPv6 connection has 2^64 addresses and more, so what counts there
 * is the network: the first 64 bits (RFC 4291 §2.5.4, RFC 6177 §2).
 */
import { isIPv6 } from 'node:net';

const GROUPS = 8;
const NETWORK_GROUPS = 4;
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** Bounds the connections of each remote address. */
export interface AddressBound {
  hasRoomFor(address: string): boolean;
  add(address: string): void;
  remove(address: string): void;
}

/** Two bounds as one; undefined when there is none. */
export function bothOf(one: AddressBound | undefined, other: AddressBound | undefined): AddressBound | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return {
    hasRoomFor: (address) => one.hasRoomFor(address) && other.hasRoomFor(address),
    add(address) {
      one.add(address);
      other.add(address);
    },
    remove(address) {
      one.remove(address);
      other.remove(address);
    },
  };
}

export class AddressCounts implements AddressBound {
  readonly #most: number;
  readonly #counts = new Map<string, number>();

  /** Counts for at most `most` connections an address; nothing when they are not bounded. */
  static of(most: number): AddressCounts | undefined {
    return most === Infinity ? undefined : new AddressCounts(most);
  }

  private constructor(most: number) {
    this.#most = most;
  }

  hasRoomFor(address: string): boolean {
    return (this.#counts.get(networkOf(address)) ?? 0) < this.#most;
  }

  add(address: string): void {
    const network = networkOf(address);
    // Nothing is known of who is at the other end of a local socket, a proxy for example: those are no one address.
    if (network !== '') this.#counts.set(network, (this.#counts.get(network) ?? 0) + 1);
  }

  remove(address: string): void {
    const network = networkOf(address);
    const left = (this.#counts.get(network) ?? 0) - 1;
    if (left > 0) this.#counts.set(network, left);
    else this.#counts.delete(network);
  }
}

/** What counts as one: an IPv4 address, whichever socket shows it; the first half of an IPv6 one. */
export function networkOf(address: string): string {
  const mapped = MAPPED.exec(address);
  if (mapped !== null) return mapped[1]!;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const before = groupsOf(head);
  const after = groupsOf(tail ?? '');
  const zeros = tail === undefined ? 0 : GROUPS - before.length - after.length;
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...after];
  return groups
    .slice(0, NETWORK_GROUPS)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}

/** The groups between colons; an IPv4 address at the end is two of them, of which it matters only how many. */
function groupsOf(part: string): string[] {
  return part === '' ? [] : part.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]));
}
