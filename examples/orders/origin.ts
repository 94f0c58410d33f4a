/**
 * Does the request come from a page of this server, or from no page at all?
 *
 * Any page in the world can make a browser POST to localhost. A browser always
 * says where such a request comes from, so what names another origin is refused,
 * as it is for WebSockets. Programs such as curl send no `Origin` and pass.
 */
export function isSameOrigin(origin: string | null | undefined, host: string | null | undefined): boolean {
  if (origin === undefined || origin === null) return true;
  // A sandboxed page says "null", which is no URL.
  if (!host || !URL.canParse(origin)) return false;
  return new URL(origin).host === host.toLowerCase();
}
