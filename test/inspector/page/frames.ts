/** Frames as the server sends them, for tests of what the page makes of them. */
import type {
  ActorFrame,
  ConnectionFrame,
  ConnectionItem,
  CrashFrame,
  DeadLetterFrame,
  Described,
  DescribedSnapshot,
  EndedFrame,
  EventFrame,
  Graph,
  GraphState,
  GraphTransition,
  HelloFrame,
  MicrostepFrame,
  OverviewFrame,
  ServerFrame,
  SnapshotFrame,
} from '../../../src/inspector/protocol.ts';
import { initialState, type Action, type State } from '../../../src/inspector/page/state/model.ts';
import { entered, reduce } from '../../../src/inspector/page/state/reduce.ts';
import { routeOf } from '../../../src/inspector/page/state/route.ts';

const envelope = (sessionId: string, at: number) => ({
  _version: '0.7.2',
  createdAt: String(at),
  id: null,
  rootId: 'x:0',
  sessionId,
});

export const hello = (server = 'first'): HelloFrame => ({
  type: 'troupe.hello',
  at: 0,
  server,
  allowActions: false,
  redact: 'all',
  limits: { watchedActors: 50, listItems: 100, eventsPerSecond: 2000 },
  actors: { supervisor: 'x:0', server: 'x:1', names: 'x:2', groups: 'x:3' },
});

export const overview = (open: number): OverviewFrame => ({
  type: 'troupe.overview',
  at: 0,
  server: 'listening',
  services: [
    {
      sessionId: 'x:4',
      service: 'chat',
      route: '/chat/{room}',
      state: 'running',
      connections: {
        total: open,
        state: { open, restarting: 0, message: 0, closing: 0 },
        outbound: { flowing: open, congested: 0 },
        liveness: { alive: open, suspect: 0 },
      },
    },
  ],
  serviceCount: 1,
  names: 0,
  groups: 0,
  viewers: 1,
});

/** The moment of a frame that tells of it when it happens, see {@link stateAfter}. */
const inOrder = 0;

export const actor = (sessionId: string, name: string, snapshot: Partial<DescribedSnapshot> = {}): ActorFrame => ({
  ...envelope(sessionId, 0),
  type: '@xstate.actor',
  name,
  parentId: undefined,
  definition: '{}',
  snapshot: { status: 'active', ...snapshot },
  moment: inOrder,
});

/** Steps are numbered by their event's type here, unless a test says otherwise. */
const numbers = new Map<string, number>();
const numberOf = (type: string): number => numbers.get(type) ?? (numbers.set(type, numbers.size + 1), numbers.size);

export const event = (
  sessionId: string,
  type: string,
  at = 0,
  sourceId?: string,
  step = numberOf(type),
): EventFrame => ({
  ...envelope(sessionId, at),
  step,
  type: '@xstate.event',
  moment: inOrder,
  event: { type },
  sourceId,
});

export const snapshot = (
  sessionId: string,
  type: string,
  value: Described,
  at = 0,
  step = numberOf(type),
): SnapshotFrame => ({
  ...envelope(sessionId, at),
  step,
  type: '@xstate.snapshot',
  moment: inOrder,
  event: { type },
  snapshot: { status: 'active', value },
});

export const microstep = (
  sessionId: string,
  type: string,
  source: string,
  target: string,
  transition?: string,
  step = numberOf(type),
): MicrostepFrame => ({
  type: 'troupe.microstep',
  at: 0,
  sessionId,
  step,
  moment: inOrder,
  event: { type },
  edges: [{ source, event: type, targets: [target], ...(transition === undefined ? {} : { transition }) }],
  active: [target],
});

export const connectionItem = (id: string): ConnectionItem => ({
  id,
  sessionId: `x:${id}`,
  service: 'chat',
  path: '/chat/lobby',
  remoteAddress: '127.0.0.1',
  openedAt: 0,
  state: 'open',
  outbound: 'flowing',
  inbound: 'flowing',
  liveness: 'alive',
  authentication: 'authValid',
});

export const connection = (request: number, id: string, actors: readonly string[]): ConnectionFrame => ({
  type: 'troupe.connection',
  request,
  connection: {
    ...connectionItem(id),
    params: {},
    subprotocol: '',
    isSecure: false,
    names: [],
    groups: [],
    bytesReceived: 0,
    bufferedBytes: 0,
    waitingMessages: 0,
    ignoredMessages: 0,
    droppedPushes: 0,
    actors: actors.map((sessionId) => ({
      sessionId,
      name: sessionId,
      parentId: undefined,
      role: 'lifecycle',
      hasGraph: true,
    })),
  },
});

export const crash = (at: number): CrashFrame => ({
  type: 'troupe.crash',
  at,
  connection: 'c1',
  service: 'chat',
  sessionId: undefined,
  state: { connection: { connected: { lifecycle: 'message', outbound: 'flowing' } }, machine: 'naming' },
  during: 'ws.text',
  error: { name: 'TypeError', message: 'no nick' },
});

export const deadLetter = (target: string): DeadLetterFrame => ({
  type: 'troupe.dead-letter',
  at: 0,
  function: 'pushTextToConnection',
  target,
  status: 'unknown',
  bytes: 2048,
  missed: 0,
});

/** A state of a graph; `states` are inside of it. */
export function graphState(id: string, states: readonly GraphState[] = [], more: Partial<GraphState> = {}): GraphState {
  return {
    id,
    key: id.split('.').at(-1) ?? id,
    kind: states.length > 0 ? 'compound' : 'atomic',
    tags: [],
    entry: [],
    exit: [],
    invoke: [],
    transitions: [],
    states,
    ...more,
  };
}

let lastTransition = 0;

export function transition(
  source: string,
  event: string,
  targets: readonly string[],
  more: Partial<GraphTransition> = {},
): GraphTransition {
  const id = `${source}#${(lastTransition += 1)}`;
  return { id, source, event, targets, kind: 'event', label: event, actions: [], reenter: false, ...more };
}

export const graphOf = (root: GraphState): Graph => ({ id: root.id, root, isTruncated: false });

/** A door that opens, closes and can be locked for good; somebody may ring all the time. */
export const door = graphOf(
  graphState(
    'door',
    [
      graphState('door.closed', [], {
        entry: ['beep'],
        transitions: [
          transition('door.closed', 'open', ['door.open']),
          transition('door.closed', 'kick', ['door.open'], { guard: 'isStrong' }),
          transition('door.closed', 'ring', [], { actions: ['chime'] }),
        ],
      }),
      graphState(
        'door.open',
        [
          graphState('door.open.ajar', [], { transitions: [transition('door.open.ajar', 'push', ['door.open.wide'])] }),
          graphState('door.open.wide'),
        ],
        {
          initial: { targets: ['door.open.ajar'], actions: [] },
          transitions: [
            transition('door.open', 'close', ['door.closed']),
            transition('door.open', 'xstate.after.1000.door.open', ['door.locked'], {
              kind: 'after',
              label: 'after 1000',
              delay: '1000',
            }),
          ],
        },
      ),
      graphState('door.locked', [], { kind: 'final' }),
    ],
    { initial: { targets: ['door.closed'], actions: [] } },
  ),
);

/** The state of a page that is at `hash`, after `actions`. */
export function stateAfter(hash: string, ...actions: readonly Action[]): State {
  const route = routeOf(hash);
  return actions.map(atItsMoment).reduce(reduce, entered(initialState(route, 0), route));
}

/** Frames that say nothing else are told in the order of what happened. */
function atItsMoment(action: Action, index: number): Action {
  if (action.type !== 'frame' || !('moment' in action.frame) || action.frame.moment !== inOrder) return action;
  return { ...action, frame: { ...action.frame, moment: index + 1 } };
}

/** An actor has come to its end. */
export const end = (sessionId: string): EndedFrame => ({ type: 'troupe.ended', at: 0, sessionId, moment: inOrder });

export const arrived = (frame: ServerFrame, at = 0): Action => ({
  type: 'frame',
  frame,
  size: JSON.stringify(frame).length,
  at,
});

/** What happens first, always. */
export const linked: readonly Action[] = [{ type: 'link.connecting' }, { type: 'link.opened' }, arrived(hello())];
