/** What happens → what the page knows then. Pure: nothing is sent from here, see `wanted.ts` for that. */
import type { HelloFrame, ServerFrame, ViewerRequest } from '../../protocol.ts';
import {
  factsAnswered,
  graphAnswered,
  focusAsked,
  focusRefused,
  focusRelinked,
  newFocus,
  watchedFrame,
  watchingAnswered,
} from './focus.ts';
import { withIncident } from './incidents.ts';
import { lost, probed } from './link.ts';
import { isOfBefore } from './life.ts';
import { noFocus, type Action, type Focus, type State } from './model.ts';
import { answered, asked, goOn, newPages, refused } from './pages.ts';
import { hashOf, type Route } from './route.ts';

export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case 'link.connecting': {
      const { attempt, obstacle } = state.link.phase === 'lost' ? state.link : { attempt: 0, obstacle: undefined };
      return { ...state, link: { phase: 'connecting', attempt, obstacle } };
    }
    case 'link.probed':
      return { ...state, link: probed(state.link, action.status) };
    case 'link.opened':
      // Nobody answers any more what was asked over the link before.
      return {
        ...state,
        link: { phase: 'open' },
        isGreeted: false,
        notice: state.hello === undefined ? '' : 'Connected to the server again.',
        list: state.list && { ...state.list, pending: undefined },
        focus: state.focus && focusRelinked(state.focus),
      };
    case 'link.lost': {
      const notice = state.link.phase === 'open' ? 'The connection to the server was lost.' : state.notice;
      return {
        ...state,
        link: lost(state.link, action.at, action.random),
        notice,
        outcome: state.outcome && { ...state.outcome, text: state.outcome.text ?? unknownOutcome },
      };
    }
    case 'frame':
      return frameArrived({ ...state, sequence: state.sequence + 1 }, action.frame, action.size, action.at);
    case 'asked':
      return requestSent(state, action.request, action.at);
    case 'route.changed':
      return hashOf(action.route) === hashOf(state.route) ? state : { ...entered(state, action.route), notice: '' };
    case 'list.scrolled':
      return { ...state, sight: action.sight };
    case 'list.wentOn':
      return { ...state, list: state.list && goOn(state.list) };
    case 'moment.chosen':
      return { ...state, focus: state.focus && { ...state.focus, moment: action.moment } };
    case 'log.paused':
      return { ...state, focus: state.focus && { ...state.focus, pausedAt: state.focus.latest } };
    case 'log.resumed':
      return { ...state, focus: state.focus && { ...state.focus, pausedAt: undefined } };
    case 'ticked':
      return { ...state, now: action.at };
  }
}

const unknownOutcome = 'The link to the server was lost before it answered: it is not known whether it was done.';

/** As `route` needs it: a list starts anew when it is narrowed to something else, a focus when it is another one. */
export function entered(state: State, route: Route): State {
  return {
    ...state,
    route,
    outcome: undefined,
    list: route.view === 'list' ? newPages(route.query) : undefined,
    sight: { first: 0, last: 0 },
    focus: route.view === 'connection' || route.view === 'actor' ? focusOn(route, state.hello) : undefined,
    incidentsSeen: route.view === 'incidents' || state.route.view === 'incidents' ? total(state) : state.incidentsSeen,
  };
}

const endedFocus: Focus = { ...noFocus, isOfBefore: true };

function focusOn(route: Parameters<typeof newFocus>[0], hello: HelloFrame | undefined): Focus {
  return isOfBefore(route, hello, undefined) ? endedFocus : newFocus(route);
}

/** How many incidents there were, those included that were let go of. */
export function total({ incidents }: State): number {
  return incidents.dropped + incidents.items.length;
}

function frameArrived(state: State, frame: ServerFrame, size: number, at: number): State {
  switch (frame.type) {
    case 'troupe.hello':
      return greeted({ ...state, isGreeted: true }, frame);
    case 'troupe.overview':
      return { ...state, overview: frame };
    case '@xstate.actor':
    case '@xstate.event':
    case '@xstate.snapshot':
    case 'troupe.microstep':
    case 'troupe.missed':
    case 'troupe.ended':
      return { ...state, focus: state.focus && watchedFrame(state.focus, frame, size) };
    case 'troupe.crash':
    case 'troupe.failure':
    case 'troupe.violation':
    case 'troupe.dead-letter': {
      const next = {
        ...state,
        incidents: withIncident(state.incidents, frame, { sequence: state.sequence, server: state.hello?.server }),
      };
      return state.route.view === 'incidents' ? { ...next, incidentsSeen: total(next) } : next;
    }
    case 'troupe.dropped':
      return {
        ...state,
        dropped: { count: state.dropped.count + frame.count, busy: state.dropped.busy + frame.busy },
      };
    case 'troupe.list':
      return { ...state, list: state.list && answered(state.list, frame, at) };
    case 'troupe.connection':
      return { ...state, focus: state.focus && factsAnswered(state.focus, frame) };
    case 'troupe.watching':
      return { ...state, focus: state.focus && watchingAnswered(state.focus, frame) };
    case 'troupe.graph':
      return { ...state, focus: state.focus && graphAnswered(state.focus, frame) };
    case 'troupe.done':
      return state.outcome?.request === frame.request
        ? { ...state, outcome: { request: frame.request, text: `The server answers: ${frame.status}.` } }
        : state;
    case 'troupe.error': {
      const { request, message } = frame;
      if (request === undefined) return state;
      return {
        ...state,
        list: state.list && refused(state.list, frame, at),
        focus: state.focus && focusRefused(state.focus, frame, at),
        outcome: state.outcome?.request === request ? { request, text: message } : state.outcome,
      };
    }
    default:
      // A newer server may say more than this page knows.
      return state;
  }
}

function greeted(state: State, hello: HelloFrame): State {
  const before = state.hello;
  if (before?.server === hello.server) return { ...state, hello };
  const isEnded = isOfBefore(state.route, hello, before);
  const next = before === undefined ? { ...state, hello } : restarted({ ...state, hello });
  return isEnded ? { ...next, focus: endedFocus } : next;
}

/** sessionIds begin anew with the server: nothing of what is shown is still meant. */
function restarted(state: State): State {
  return {
    ...entered({ ...state, overview: undefined, dropped: { count: 0, busy: 0 } }, state.route),
    notice: 'The server was restarted. What is shown begins anew.',
  };
}

function requestSent(state: State, request: ViewerRequest, at: number): State {
  switch (request.type) {
    case 'list': {
      const page = state.list?.pages.findIndex(({ after }) => after === request.after) ?? -1;
      const place = page < 0 ? (state.list?.pages.length ?? 0) : page;
      return { ...state, list: state.list && asked(state.list, request.request, place, at) };
    }
    case 'close':
    case 'send':
      return { ...state, outcome: { request: request.request, text: undefined } };
    case 'connection':
    case 'watch':
    case 'graph':
      return { ...state, focus: state.focus && focusAsked(state.focus, request, at) };
    case 'unwatch':
      return state;
  }
}
