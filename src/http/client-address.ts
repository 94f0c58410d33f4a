/**
 * Where a request comes from, when there are proxies in front of this server.
 *
 * Each proxy appends the address that it was called from to `X-Forwarded-For`,
 * so only the end of that header was written by somebody known: it is read from
 * there, as long as whoever wrote the entry is trusted. Everything before it may
 * be what a client made up.
 *
 * Addresses are compared by Node itself (`net.BlockList`), which knows CIDR
 * blocks and the IPv4 addresses that an IPv6 socket shows.
 */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, SocketAddress } from 'node:net';
import { wrongType } from '../arguments.ts';
import { TroupeRangeError } from '../errors.ts';

/** Addresses and CIDR blocks of proxies, such as `'10.0.0.0/8'` and `'::1'`, or how many there are in a row. */
export type TrustProxy = readonly string[] | number;

export type ReadAddress = (request: IncomingMessage) => string;

/** Whether the proxy with that address, the one numbered `hop` from here, is believed. */
type Trusts = (address: string, hop: number) => boolean;

const EXPECTED = "addresses or CIDR blocks such as ['10.0.0.0/8', '::1'], or the number of proxies, 0 to 100";
const MOST_PROXIES = 100;

/** How the address of a request is found. @throws {TroupeTypeError | TroupeRangeError} for proxies that are none */
export function addressReader(trustProxy: TrustProxy | undefined): ReadAddress {
  if (trustProxy === undefined) return peerOf;
  const trusts = typeof trustProxy === 'number' ? trustsHops(trustProxy) : trustsAddresses(trustProxy);
  return (request) => clientOf(request, trusts);
}

function peerOf({ socket }: IncomingMessage): string {
  return socket.remoteAddress ?? '';
}

function clientOf(request: IncomingMessage, trusts: Trusts): string {
  const header = request.headers['x-forwarded-for'];
  let address = peerOf(request);
  if (header === undefined) return address;
  const entries = [header].flat().join(',').split(',');
  for (let hop = 0; trusts(address, hop); hop++) {
    const entry = entries.pop();
    const next = entry === undefined ? undefined : parseAddress(entry);
    // What is no address says nothing: whoever wrote it is as far as can be told.
    if (next === undefined) return address;
    address = next;
  }
  return address;
}

/** The address in an entry, which some proxies write with the port. */
function parseAddress(entry: string): string | undefined {
  const text = entry.trim();
  const [, inner] = /^\[([^\]]*)\](?::\d+)?$/.exec(text) ?? /^([\d.]+):\d+$/.exec(text) ?? [text, text];
  const family = isIP(inner!);
  if (family === 0) return undefined;
  // In the one way of writing that Node uses as well, so that it compares as text.
  return family === 4 ? inner : new SocketAddress({ address: inner!, family: 'ipv6' }).address;
}

function trustsHops(count: number): Trusts {
  if (!Number.isInteger(count) || count < 0 || count > MOST_PROXIES) throw invalid(String(count));
  return (_address, hop) => hop < count;
}

function trustsAddresses(proxies: readonly string[]): Trusts {
  if (!Array.isArray(proxies)) throw wrongType('trustProxy', EXPECTED, proxies);
  const list = new BlockList();
  for (const proxy of proxies) addTo(list, proxy);
  return (address) => {
    const family = isIP(address);
    return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6');
  };
}

function addTo(list: BlockList, proxy: unknown): void {
  if (typeof proxy !== 'string') throw wrongType('trustProxy', EXPECTED, proxy);
  const [address = '', bits, ...rest] = proxy.split('/');
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  const isPrefix = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most);
  if (family === 0 || !isPrefix || rest.length > 0) throw invalid('an entry that is neither');
  list.addSubnet(address, bits === undefined ? most : Number(bits), family === 4 ? 'ipv4' : 'ipv6');
}

function invalid(received: string): TroupeRangeError {
  return new TroupeRangeError('TROUPE_ARGUMENT_INVALID', { argument: 'trustProxy', expected: EXPECTED, received });
}
