/**
 * Who may look. Pure: it decides about what a request says.
 *
 * Whoever shows the token may, and so may programs on this machine that say that they mean this machine. The remote
 * address alone would not do: a page of a stranger can make a browser on this machine ask, under a name of the
 * stranger's that leads here (DNS rebinding), hence Host; and it can ask for `localhost` itself, hence Origin.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isOriginAllowed } from '../http/origin.ts';

export interface AdmissionPolicy {
  /** The path of the inspector, as the cookie is to be sent nowhere else. */
  readonly path: string;
  readonly token: string;
  /** Whether requests from this machine need no token. */
  readonly loopback: boolean;
  /** Origins beside the server's own whose pages may connect. */
  readonly allowedOrigins: readonly string[];
}

/** What is judged of a request. */
export interface Asking {
  readonly remoteAddress: string | undefined;
  readonly headers: IncomingHttpHeaders;
  /** The request target, with its query. */
  readonly url: string;
}

/** Whether somebody is admitted, and for what. */
export type Admission = 'refused' | 'by-query' | 'by-cookie' | 'by-loopback';

/**
 * Headers of those who ask for somebody else: that this request comes from this machine then says nothing. There is one
 * standard and very many habits, so that they are known by how such headers are named.
 */
const FORWARDING =
  /forwarded|^via$|^cdn-loop$|(?:^|-)(?:client)?ip$|-addr(?:ess)?$|^(?:cf|fastly|fly|x-amzn|x-arr|x-original|x-vercel)-/;

export function admit(policy: AdmissionPolicy, { remoteAddress, headers, url }: Asking): Admission {
  if (!isOriginAllowed(headers, policy.allowedOrigins)) return 'refused';
  const asked = tokenIn(url);
  if (asked !== undefined) return isSame(asked, policy.token) ? 'by-query' : 'refused';
  const kept = cookieIn(headers.cookie, cookieName(policy));
  if (kept !== undefined) return isSame(kept, cookieValue(policy)) ? 'by-cookie' : 'refused';
  const isFromHere =
    policy.loopback &&
    isLoopbackAddress(remoteAddress) &&
    isLoopbackHost(headers.host) &&
    Object.keys(headers).every((name) => !FORWARDING.test(name));
  return isFromHere ? 'by-loopback' : 'refused';
}

/**
 * What lets a browser in again, so that the token need not stay in the address.
 *
 * It is not the token: a browser sends it to whatever else listens on another port of the same host. Whoever gets it
 * there can look here until the token is another one, but not learn the token.
 */
export function cookieFor(policy: AdmissionPolicy, isSecure: boolean): string {
  const secure = isSecure ? '; Secure' : '';
  const cookie = `${cookieName(policy)}=${cookieValue(policy)}`;
  return `${cookie}; Path=${policy.path}; HttpOnly; SameSite=Strict${secure}`;
}

/** Cookies know no ports: the name keeps those of several servers on one machine apart. */
function cookieName(policy: AdmissionPolicy): string {
  return `troupe-inspector-${derived('name', policy).toString('hex').slice(0, 8)}`;
}

function cookieValue(policy: AdmissionPolicy): string {
  return derived('value', policy).toString('base64url');
}

/** The same for as long as the token is, so that a restarted server knows the browsers that it has let in. */
function derived(what: string, { token, path }: AdmissionPolicy): Buffer {
  return createHmac('sha256', token).update(`troupe inspector ${what} ${path}`).digest();
}

function tokenIn(url: string): string | undefined {
  const start = url.indexOf('?');
  return start === -1 ? undefined : (new URLSearchParams(url.slice(start)).get('token') ?? undefined);
}

function cookieIn(header: string | undefined, name: string): string | undefined {
  for (const part of header?.split(';') ?? []) {
    const [key, value = ''] = part.trim().split('=', 2);
    if (key === name) return value;
  }
  return undefined;
}

/** In the same time whatever the two are, their lengths included. */
function isSame(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

export function isLoopbackAddress(address: string | undefined): boolean {
  if (address === undefined) return false;
  return address === '::1' || /^(?:::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/i.test(address);
}

export function isLoopbackHost(host: string | undefined): boolean {
  return host !== undefined && /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i.test(host);
}
