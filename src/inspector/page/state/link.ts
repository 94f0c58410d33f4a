/** The link to the server: what is said of it, and when it is tried again. */

/**
 * Why no link could be made: the server does not answer at all, it refuses this page, it takes no more viewers, or what
 * answers is no inspector.
 */
export type Obstacle = 'silent' | 'refused' | 'full' | 'strange';

export type Link =
  | { readonly phase: 'connecting'; readonly attempt: number; readonly obstacle?: Obstacle | undefined }
  | { readonly phase: 'open' }
  | {
      readonly phase: 'lost';
      readonly attempt: number;
      readonly since: number;
      readonly retryAt: number;
      readonly obstacle?: Obstacle | undefined;
    };

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
  const obstacle = link.phase === 'open' ? undefined : link.obstacle;
  return { phase: 'lost', attempt, since: at, retryAt: at + waitMs(attempt, random), obstacle };
}

/** After a plain request to the address of the WebSocket was answered with `status`; undefined: it was not answered. */
export function probed(link: Link, status: number | undefined): Link {
  return link.phase === 'open' ? link : { ...link, obstacle: obstacleOf(status) };
}

function obstacleOf(status: number | undefined): Obstacle {
  if (status === undefined) return 'silent';
  if (status === 403) return 'refused';
  // "This path speaks WebSocket": so it is the inspector, and it lets this page in.
  return status === 426 ? 'full' : 'strange';
}

const obstacles: Readonly<Record<Obstacle, string>> = {
  silent: 'The server does not answer.',
  refused: 'The server lets this page in no more: it may have another token now. Open the address that it tells.',
  full: 'The server is there but takes no viewer: perhaps too many are looking.',
  strange: 'What answers there is no inspector.',
};

export function textOfLink(link: Link): string {
  if (link.phase === 'open') return 'Connected to the server';
  if (link.phase === 'connecting' && link.attempt === 0) return 'Connecting to the server';
  return `${obstacles[link.obstacle ?? 'silent']} What you see is from before; the page tries again by itself.`;
}
