/**
 * Whether a browser's page may connect.
 *
 * Browsers let any page open a WebSocket to any server and send its cookies
 * along; the Origin header is the only thing that tells which page it is.
 * Programs other than browsers send none, or what they like.
 *
 * Source: RFC 6455 §10.2.
 */
import type { IncomingHttpHeaders } from 'node:http';

/** `'*'`, or a list of origins such as `https://app.example`. */
export type AllowedOrigins = '*' | readonly string[];

/** Whether `headers` come from no browser, from a page of this server, or from an allowed origin. */
export function isOriginAllowed(headers: IncomingHttpHeaders, allowed: AllowedOrigins | undefined): boolean {
  const { origin, host } = headers;
  if (origin === undefined || allowed === '*') return true;
  const page = parse(origin);
  if (page === undefined) return allowed?.includes(origin) ?? false;
  // The scheme is left out of the comparison: behind a proxy that ends TLS, the page is https and this server is not.
  const isWebPage = page.protocol === 'http:' || page.protocol === 'https:';
  if (isWebPage && host !== undefined && page.host === parse(`${page.protocol}//${host}`)?.host) return true;
  return allowed?.some((one) => one === origin || (isWebPage && parse(one)?.origin === page.origin)) ?? false;
}

function parse(origin: string): URL | undefined {
  return URL.canParse(origin) ? new URL(origin) : undefined;
}
