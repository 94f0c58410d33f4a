/** The link to the server: what is said of it, and when it is tried again. */

export type Link =
  | { readonly phase: 'connecting'; readonly attempt: number }
  | { readonly phase: 'open' }
  | { readonly phase: 'lost'; readonly attempt: number; readonly since: number; readonly retryAt: number };

const firstMs = 500;
const longestMs = 15_000;

/** How long to wait before attempt number `attempt`, the first being 1; `random` is from 0 to 1 and spreads viewers. */
export function waitMs(attempt: number, random: number): number {
  const wait = Math.min(longestMs, firstMs * 2 ** Math.min(attempt - 1, 10));
  return Math.round(wait * (0.75 + random * 0.5));
}

/** After the link was lost, or could not be made, at `at`. */
export function lost(link: Link, at: number, random: number): Link & { readonly phase: 'lost' } {
  const attempt = link.phase === 'open' ? 1 : link.attempt + (link.phase === 'connecting' ? 1 : 0);
  return { phase: 'lost', attempt, since: at, retryAt: at + waitMs(attempt, random) };
}

export function textOfLink(link: Link): string {
  if (link.phase === 'open') return 'Connected to the server';
  if (link.phase === 'connecting' && link.attempt === 0) return 'Connecting to the server';
  return 'The server does not answer. What you see is from before; the page tries again by itself.';
}
