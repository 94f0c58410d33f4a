/** The connection or the actor that is being looked at: its facts, its charts and what its actors do. */
import type {
  ActorFrame,
  ConnectionFrame,
  ConnectionRequest,
  EndedFrame,
  ErrorFrame,
  EventFrame,
  GraphFrame,
  GraphRequest,
  MicrostepFrame,
  MissedFrame,
  SnapshotFrame,
  WatchingFrame,
  WatchRequest,
} from '../../protocol.ts';
import { busyMs, noFocus, type Asked, type Focus } from './model.ts';
import type { Route } from './route.ts';
import {
  ended,
  newWatched,
  watchedAgain,
  withEvent,
  withGap,
  withMicrostep,
  withSnapshot,
  type Step,
  type Watched,
} from './watched.ts';

type ActorsFrame = ActorFrame | EventFrame | SnapshotFrame | MicrostepFrame | MissedFrame | EndedFrame;

export function newFocus(route: Extract<Route, { view: 'connection' | 'actor' }>): Focus {
  return route.view === 'actor' ? { ...noFocus, actors: [route.sessionId] } : noFocus;
}

/** Over a new link everything is asked for again; what was recorded stays. */
export function focusRelinked(focus: Focus): Focus {
  // What is gone for good is gone over the new link as well.
  const asked = focus.asked?.problem === undefined ? undefined : focus.asked;
  const watched = new Map(
    Array.from(focus.watched, ([id, one]) => [id, one.endedAt === undefined ? withGap(one, focus.latest) : one]),
  );
  return { ...focus, asked, watched, watching: undefined, watchedActors: [], graphsAsked: new Map() };
}

export function focusAsked(focus: Focus, request: ConnectionRequest | WatchRequest | GraphRequest, at: number): Focus {
  const asked: Asked = { request: request.request, at, problem: undefined };
  if (request.type === 'connection') return { ...focus, asked };
  if (request.type === 'watch') {
    const { actors } = request;
    return { ...focus, watching: { ...asked, actors }, watchedActors: [...focus.watchedActors, ...actors] };
  }
  return { ...focus, graphsAsked: new Map(focus.graphsAsked).set(request.of, asked) };
}

export function watchingAnswered(focus: Focus, { request, unknown }: WatchingFrame): Focus {
  if (focus.watching?.request !== request) return focus;
  const problem =
    unknown.length > 0 && focus.facts === undefined ? 'There is no such actor, or not any more.' : undefined;
  // Some may have come to their end while the link was lost, and nobody has told.
  const watched = new Map(
    Array.from(focus.watched, ([id, one]) => [id, unknown.includes(id) ? ended(one, focus.latest) : one]),
  );
  return { ...focus, watched, watching: { ...focus.watching, request: undefined, problem } };
}

export function factsAnswered(focus: Focus, { request, connection }: ConnectionFrame): Focus {
  if (focus.asked?.request !== request) return focus;
  const present = connection.actors.map(({ sessionId }) => sessionId);
  // Actors that are gone stay in the picture, with what they did last.
  const actors = [...focus.actors.filter((actor) => !present.includes(actor)), ...present].slice(-mostActors);
  const onlyThese = <Of>(all: ReadonlyMap<string, Of>): ReadonlyMap<string, Of> =>
    new Map(Array.from(all).filter(([actor]) => actors.includes(actor)));
  return {
    ...focus,
    facts: connection,
    asked: { ...focus.asked, request: undefined, problem: undefined },
    actors,
    watchedActors: focus.watchedActors.filter((actor) => actors.includes(actor)),
    watched: onlyThese(focus.watched),
    graphs: onlyThese(focus.graphs),
    graphsAsked: onlyThese(focus.graphsAsked),
  };
}

/** A machine that starts child after child would otherwise fill the page. */
const mostActors = 40;

export function graphAnswered(focus: Focus, frame: GraphFrame): Focus {
  const asked = focus.graphsAsked.get(frame.of);
  if (asked?.request !== frame.request) return focus;
  const watched = focus.watched.get(frame.of);
  return {
    ...focus,
    graphs: new Map(focus.graphs).set(frame.of, frame),
    graphsAsked: new Map(focus.graphsAsked).set(frame.of, { ...asked, request: undefined }),
    watched:
      watched === undefined
        ? focus.watched
        : new Map(focus.watched).set(frame.of, { ...watched, active: frame.active }),
  };
}

export function focusRefused(focus: Focus, { request, message, code }: ErrorFrame, at: number): Focus {
  if (request === undefined) return focus;
  // Who is busy is asked again; the rest stays as it is.
  const isBusy = code === 'busy';
  const why = isBusy ? { problem: undefined, againAt: at + busyMs } : { problem: message };
  const after = <Question extends Asked>(asked: Question): Question => ({ ...asked, request: undefined, ...why });
  if (focus.asked?.request === request) return { ...focus, asked: after(focus.asked) };
  const { watching, watchedActors } = focus;
  if (watching?.request === request) {
    const stillWatched = watchedActors.filter((actor) => !watching.actors.includes(actor));
    return { ...focus, watching: after(watching), watchedActors: isBusy ? stillWatched : watchedActors };
  }
  for (const [of, asked] of focus.graphsAsked) {
    if (asked.request === request) return { ...focus, graphsAsked: new Map(focus.graphsAsked).set(of, after(asked)) };
  }
  return focus;
}

/** Something of an actor; what is not looked at (any more) is ignored. */
export function watchedFrame(focus: Focus, frame: ActorsFrame, size: number): Focus {
  const { sessionId } = frame;
  if (!focus.actors.includes(sessionId)) return focus;
  const latest = 'moment' in frame ? Math.max(focus.latest, frame.moment) : focus.latest;
  const before = focus.watched.get(sessionId);
  const after = next(before, frame, size, latest);
  return after === before || after === undefined
    ? focus
    : { ...focus, latest, watched: new Map(focus.watched).set(sessionId, after) };
}

function next(watched: Watched | undefined, frame: ActorsFrame, size: number, latest: number): Watched | undefined {
  if (frame.type === '@xstate.actor') {
    const heard = { frame, size };
    return watched === undefined ? newWatched(heard) : watchedAgain(watched, heard);
  }
  if (watched === undefined) return undefined;
  switch (frame.type) {
    case '@xstate.event':
      return withEvent(watched, { frame, size });
    case '@xstate.snapshot':
      return withSnapshot(watched, { frame, size });
    case 'troupe.microstep':
      return withMicrostep(watched, { frame, size });
    case 'troupe.missed':
      return withGap(watched, latest);
    case 'troupe.ended':
      return ended(watched, frame.moment);
  }
}

/** The steps of all actors that are looked at, in the order in which they began. */
export function stepsOf(focus: Focus): readonly Step[] {
  return Array.from(focus.watched.values(), ({ steps }) => steps.items)
    .flat()
    .toSorted((one, other) => one.began - other.began);
}

/** A step of which the end is known. */
export type Moment = Step & { readonly taken: number };

/** The moments that can be gone back to, in the order in which the snapshots were taken. */
export function momentsOf(focus: Focus): readonly Moment[] {
  return stepsOf(focus)
    .filter((step): step is Moment => step.taken !== undefined)
    .toSorted((one, other) => one.taken - other.taken);
}

/** Which of `moments` is shown: the latest that is not behind `moment`, the very latest without one. */
export function placeOf(moments: readonly Moment[], moment: number | undefined): number {
  return moments.findLastIndex(({ taken }) => taken <= (moment ?? Infinity));
}

/** The moment that is `by` steps away from the one shown; beyond the latest it is now again. */
export function momentBeside(focus: Focus, by: number): number | undefined {
  const moments = momentsOf(focus);
  if (moments.length === 0) return undefined;
  // Now shows the same as the latest moment: one step back from it is the one before.
  const { moment } = focus;
  const index = Math.max(0, Math.max(placeOf(moments, moment), 0) + by);
  return index >= moments.length - 1 ? undefined : moments[index]?.taken;
}
