/**
 * What the page has to ask the server for, given what it knows.
 *
 * The page never remembers to ask: after every change this says what is
 * missing, what was asked is noted in the state, and so it is not asked twice.
 */
import type { ViewerRequest } from '../../protocol.ts';
import { isLinked, type Asked, type Focus, type State } from './model.ts';
import { pageSize, wantedPage } from './pages.ts';

/** A request without its number, which the sender gives it. */
export type Wanted = ViewerRequest extends infer Request
  ? Request extends ViewerRequest
    ? Omit<Request, 'request'>
    : never
  : never;

const factsMs = 2_000;
const patienceMs = 10_000;

export function wanted(state: State): readonly Wanted[] {
  // Before the hello it is not known whether it is the same server: of another one, all sessionIds are others.
  if (!isLinked(state)) return [];
  return [...wantedOfList(state), ...(state.focus === undefined ? [] : wantedOfFocus(state, state.focus))];
}

function wantedOfList({ list, sight, now, hello }: State): readonly Wanted[] {
  const page = list && wantedPage(list, sight, now);
  if (list === undefined || page === undefined) return [];
  const limit = Math.min(pageSize, hello?.limits.listItems ?? pageSize);
  return [{ type: 'list', ...list.query, ...(page.after === undefined ? {} : { after: page.after }), limit }];
}

function wantedOfFocus({ route, now, hello }: State, focus: Focus): readonly Wanted[] {
  const wants: Wanted[] = [];
  // A connection that is not there (any more) does not come back: its id is never given again.
  const isGone = focus.asked?.problem !== undefined;
  if (route.view === 'connection' && !isGone && isDue(focus.asked, now, factsMs)) {
    wants.push({ type: 'connection', of: route.connection });
  }
  const most = hello?.limits.watchedActors ?? 20;
  const living = focus.actors.filter((actor) => focus.watched.get(actor)?.endedAt === undefined).slice(-most);
  const missing = living.filter((actor) => !focus.watchedActors.includes(actor));
  if (missing.length > 0 && !isWaiting(focus.watching, now)) wants.push({ type: 'watch', actors: missing });
  for (const actor of living) {
    const asked = focus.graphsAsked.get(actor);
    const isOpen = asked === undefined || (asked.againAt !== undefined && asked.againAt <= now);
    if (isOpen && hasGraph(focus, actor)) wants.push({ type: 'graph', of: actor });
  }
  return wants;
}

/** Of actors of a connection the server has said so; of others it is found out by asking. */
function hasGraph({ facts }: Focus, actor: string): boolean {
  return facts?.actors.find(({ sessionId }) => sessionId === actor)?.hasGraph ?? facts === undefined;
}

function isDue(asked: Asked | undefined, now: number, everyMs: number): boolean {
  return asked === undefined || (now - asked.at >= everyMs && !isWaiting(asked, now));
}

function isWaiting(asked: Asked | undefined, now: number): boolean {
  if (asked?.againAt !== undefined) return now < asked.againAt;
  return asked?.request !== undefined && now - asked.at < patienceMs;
}

/** What is watched no more once `after` has taken the place of `before`. */
export function unwanted(before: State, after: State): readonly Wanted[] {
  if (after.link.phase !== 'open') return [];
  const watched = before.focus?.watchedActors ?? [];
  if (before.route !== after.route) return watched.length > 0 ? [{ type: 'unwatch' }] : [];
  const actors = watched.filter((actor) => after.focus?.actors.includes(actor) !== true);
  return actors.length > 0 ? [{ type: 'unwatch', actors }] : [];
}
