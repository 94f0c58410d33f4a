/**
 * The life of one WebSocket connection.
 *
 * Theory of operation
 *
 * A connection exists from the moment its upgrade has been answered with 101 until nothing of it is left: its socket
 * has ended *and* its service has been told. While it is `connected`, five things are true at once:
 *
 * - `lifecycle`: is the service idle (`open`), handling something (`message`),
 *   or saying goodbye (`closing`)? One thing is handled at a time, whatever
 *   arrives meanwhile waits.
 * - `outbound`: does the remote side read as fast as we write?
 * - `inbound`: does it send no faster than it may?
 * - `liveness`: has anything been heard from it lately?
 * - `authentication`: does that hold which let it in? Only what has an expiry
 *   ever leaves `authValid`; what has expired ends as a drain does.
 *
 * `closing` is itself two things at once: the close `handshake` on the wire and
 * the `farewell` to the service. It is over when both are, and both are bounded
 * by `close.timedOut`, so that neither a silent remote side nor a handler that
 * never settles keeps a connection alive.
 *
 * A service that has failed may begin anew for the same socket: what arrives
 * waits, and `restarting` leads back to where it is handled.
 *
 * The chart holds no data. What waits, what is buffered and which socket it is
 * about belong to the runtime, which answers the guards and carries out the
 * actions named here (`src/runtime/connection.ts`).
 *
 * Source: RFC 6455 §7 for the closing handshake; the seed's OnOpen,
 * OnTextMessage and OnClose for what the service is told.
 */
import { setup } from 'xstate';

/** The active states in which something failed: of this chart, and of the service's own machine. */
export interface CrashState {
  readonly connection: unknown;
  readonly machine?: unknown;
}

export const connectionMachine = setup({
  types: {} as {
    events:
      | { type: 'ws.text'; text: string }
      | { type: 'ws.binary'; data: Uint8Array }
      | { type: 'ws.replaced'; name: string }
      | { type: 'ws.draining' }
      | { type: 'ws.idle' }
      | { type: 'ws.auth.expiring'; expiresAt: number }
      | { type: 'ws.auth.renewed'; auth: unknown; expiresAt: number | undefined }
      | { type: 'ws.reply'; request: string; life: number; data?: unknown; error?: unknown }
      | { type: 'handler.settled' }
      | { type: 'handler.failed'; error: unknown; during: string; state: CrashState; code: number; reason: string }
      | { type: 'restart.due' }
      | { type: 'farewell.settled' }
      | { type: 'farewell.failed'; error: unknown; during: string; state: CrashState }
      | { type: 'close.requested'; code: number; reason: string }
      | { type: 'finish.requested'; code: number; reason: string }
      | { type: 'close.timedOut' }
      | { type: 'socket.closing'; code: number; reason: string }
      | { type: 'socket.closed'; code: number; reason: string }
      | { type: 'protocol.violated'; code: number; reason: string; error: Error }
      | { type: 'outbound.filled' }
      | { type: 'outbound.drained' }
      | { type: 'outbound.exceeded' }
      | { type: 'rate.exceeded' }
      | { type: 'rate.held' }
      | { type: 'rate.met' }
      | { type: 'heartbeat.silent' }
      | { type: 'heartbeat.heard' }
      | { type: 'auth.expiring' }
      | { type: 'auth.refreshed' }
      | { type: 'auth.expired' };
    tags: 'serving' | 'ready' | 'asked';
  },
  actions: {
    runOpen: () => {},
    runEvent: () => {},
    runWaiting: () => {},
    runClose: () => {},
    keepWaiting: () => {},
    discardWaiting: () => {},
    stopReading: () => {},
    purge: () => {},
    startCloseTimer: () => {},
    sendClose: () => {},
    rememberFinish: () => {},
    sendFinishClose: () => {},
    rememberClose: () => {},
    reportCrash: () => {},
    scheduleRestart: () => {},
    scheduleOwnRestart: () => {},
    scheduleFreshStart: () => {},
    cancelRestart: () => {},
    beginAgain: () => {},
    reportViolation: () => {},
    reportUnsettled: () => {},
    reportCongested: () => {},
    destroySocket: () => {},
    sendPing: () => {},
    applyOutboundPolicy: () => {},
    renewAuth: () => {},
    finishExpired: () => {},
    closeExpired: () => {},
    reportThrottled: () => {},
    closeForRate: () => {},
    release: () => {},
  },
  guards: {
    isMessageWaiting: () => false,
    mayRestart: () => false,
  },
}).createMachine({
  id: 'connection',
  description: 'One WebSocket connection, from the 101 answer until nothing of it is left.',
  initial: 'connected',
  states: {
    connected: {
      description: 'The socket exists, or the service still has to be told that it does not.',
      type: 'parallel',
      states: {
        lifecycle: {
          description: 'What the service is doing for this connection.',
          initial: 'open',
          states: {
            open: {
              description: 'No message is being handled: at most the opening, at first or after a crash.',
              tags: ['serving'],
              initial: 'opening',
              states: {
                opening: {
                  description: 'onOpen runs; what has arrived already waits for it.',
                  entry: ['runOpen'],
                  on: {
                    'ws.*': { actions: ['keepWaiting'] },
                    'handler.settled': [
                      { guard: 'isMessageWaiting', target: '#handling', actions: ['runWaiting'] },
                      { target: 'ready' },
                    ],
                    'handler.failed': [
                      { guard: 'mayRestart', target: 'restarting', actions: ['reportCrash', 'scheduleFreshStart'] },
                      { target: '#leaving', actions: ['discardWaiting', 'reportCrash', 'sendClose'] },
                    ],
                    'close.requested': { target: '#closing', actions: ['discardWaiting', 'sendClose'] },
                    'finish.requested': { target: '#lastMessages', actions: ['stopReading', 'rememberFinish'] },
                    'protocol.violated': { target: '#closing', actions: ['rememberClose', 'reportViolation'] },
                    'socket.closing': { target: '#closing', actions: ['rememberClose'] },
                    'socket.closed': { target: ['#ended', '#finishing'], actions: ['rememberClose'] },
                  },
                },
                restarting: {
                  id: 'restarting',
                  description: 'The service has failed for this connection; what arrives waits until it begins anew.',
                  exit: ['cancelRestart'],
                  on: {
                    'ws.*': { actions: ['keepWaiting'] },
                    'restart.due': { target: 'beginning' },
                    'handler.failed': { actions: ['reportCrash'] },
                    'close.requested': { target: '#leaving', actions: ['discardWaiting', 'sendClose'] },
                    'finish.requested': { target: '#leaving', actions: ['discardWaiting', 'sendClose'] },
                    'protocol.violated': {
                      target: '#leaving',
                      actions: ['discardWaiting', 'rememberClose', 'reportViolation'],
                    },
                    'socket.closing': { target: '#leaving', actions: ['discardWaiting', 'rememberClose'] },
                    'socket.closed': { target: ['#ended', '#leaving'], actions: ['discardWaiting', 'rememberClose'] },
                  },
                },
                beginning: {
                  description: 'onOpen runs again, or the service goes on from its last good snapshot.',
                  entry: ['beginAgain'],
                  on: {
                    'ws.*': { actions: ['keepWaiting'] },
                    'handler.settled': [
                      { guard: 'isMessageWaiting', target: '#handling', actions: ['runWaiting'] },
                      { target: 'ready' },
                    ],
                    'handler.failed': [
                      { guard: 'mayRestart', target: 'restarting', actions: ['reportCrash', 'scheduleFreshStart'] },
                      { target: '#leaving', actions: ['discardWaiting', 'reportCrash', 'sendClose'] },
                    ],
                    'close.requested': { target: '#closing', actions: ['discardWaiting', 'sendClose'] },
                    'finish.requested': { target: '#lastMessages', actions: ['stopReading', 'rememberFinish'] },
                    'protocol.violated': { target: '#closing', actions: ['rememberClose', 'reportViolation'] },
                    'socket.closing': { target: '#closing', actions: ['rememberClose'] },
                    'socket.closed': { target: ['#ended', '#finishing'], actions: ['rememberClose'] },
                  },
                },
                ready: {
                  description: 'The next message is handled as soon as it arrives.',
                  tags: ['ready'],
                  on: {
                    'ws.*': { target: '#handling', actions: ['runEvent'] },
                    'handler.failed': [
                      { guard: 'mayRestart', target: 'restarting', actions: ['reportCrash', 'scheduleOwnRestart'] },
                      { target: '#leaving', actions: ['reportCrash', 'sendClose'] },
                    ],
                    'close.requested': { target: '#leaving', actions: ['sendClose'] },
                    'finish.requested': { target: '#leaving', actions: ['sendClose'] },
                    'protocol.violated': { target: '#leaving', actions: ['rememberClose', 'reportViolation'] },
                    'socket.closing': { target: '#leaving', actions: ['rememberClose'] },
                    'socket.closed': { target: ['#ended', '#leaving'], actions: ['rememberClose'] },
                  },
                },
              },
            },
            message: {
              description: 'One message is being handled; the ones behind it wait their turn.',
              tags: ['serving'],
              initial: 'handling',
              on: {
                'ws.*': { actions: ['keepWaiting'] },
                'handler.failed': { target: '#leaving', actions: ['discardWaiting', 'reportCrash', 'sendClose'] },
                'close.requested': { target: '#closing', actions: ['discardWaiting', 'sendClose'] },
                'protocol.violated': { target: '#closing', actions: ['rememberClose', 'reportViolation'] },
                'socket.closing': { target: '#closing', actions: ['rememberClose'] },
                'socket.closed': { target: ['#ended', '#finishing'], actions: ['rememberClose'] },
              },
              states: {
                handling: {
                  id: 'handling',
                  description: 'When the handler has settled, the next waiting message follows.',
                  on: {
                    'handler.settled': [
                      { guard: 'isMessageWaiting', actions: ['runWaiting'] },
                      { target: '#connection.connected.lifecycle.open.ready' },
                    ],
                    'handler.failed': {
                      guard: 'mayRestart',
                      target: '#restarting',
                      actions: ['reportCrash', 'scheduleRestart'],
                    },
                    'finish.requested': { target: 'lastMessages', actions: ['stopReading', 'rememberFinish'] },
                  },
                },
                lastMessages: {
                  id: 'lastMessages',
                  description: 'Draining: what has arrived is still handled, nothing more is read.',
                  on: {
                    'handler.settled': [
                      { guard: 'isMessageWaiting', actions: ['runWaiting'] },
                      { target: '#leaving', actions: ['sendFinishClose'] },
                    ],
                  },
                },
              },
            },
            closing: {
              id: 'closing',
              description: 'Out of its service, its groups and its names; saying goodbye on both sides.',
              type: 'parallel',
              entry: ['purge', 'startCloseTimer'],
              onDone: { target: '#closed' },
              states: {
                handshake: {
                  description: 'The closing handshake on the wire (RFC 6455 §7.1.2).',
                  initial: 'awaiting',
                  states: {
                    awaiting: {
                      description: 'A close frame is on its way; the socket has not ended.',
                      on: {
                        'socket.closed': { target: 'ended' },
                        'close.timedOut': { actions: ['destroySocket'] },
                      },
                    },
                    ended: { id: 'ended', type: 'final', description: 'The socket is gone.' },
                  },
                },
                farewell: {
                  description: 'The service finishes what it has begun, then learns of the end.',
                  initial: 'finishing',
                  states: {
                    finishing: {
                      id: 'finishing',
                      description: 'A handler is still running; what the remote side sent before its close is handled.',
                      on: {
                        'handler.settled': [
                          { guard: 'isMessageWaiting', actions: ['runWaiting'] },
                          { target: 'leaving' },
                        ],
                        'handler.failed': { target: 'leaving', actions: ['discardWaiting', 'reportCrash'] },
                        'close.timedOut': { target: 'leaving', actions: ['discardWaiting', 'reportUnsettled'] },
                      },
                    },
                    leaving: {
                      id: 'leaving',
                      description: 'onClose runs, exactly once.',
                      entry: ['runClose'],
                      on: {
                        'farewell.settled': { target: 'told' },
                        'farewell.failed': { target: 'told', actions: ['reportCrash'] },
                        'handler.failed': { actions: ['reportCrash'] },
                        'close.timedOut': { target: 'told', actions: ['reportUnsettled'] },
                      },
                    },
                    told: { type: 'final', description: 'The service has been told.' },
                  },
                },
              },
            },
          },
        },
        outbound: {
          description: 'Whether the remote side reads as fast as it is written to.',
          initial: 'flowing',
          states: {
            flowing: {
              description: 'What is pushed goes to the socket, and less than the high-water mark waits there.',
              on: { 'outbound.filled': { target: 'congested', actions: ['reportCongested'] } },
            },
            congested: {
              description: 'So much waits that a further push meets the slow-consumer policy.',
              on: {
                'outbound.drained': { target: 'flowing' },
                'outbound.exceeded': { actions: ['applyOutboundPolicy'] },
              },
            },
          },
        },
        inbound: {
          description: 'Whether the remote side sends no faster than the message rate of its service.',
          initial: 'flowing',
          states: {
            flowing: {
              description: 'What arrives goes on to be handled.',
              on: {
                'rate.held': { target: 'held', actions: ['reportThrottled'] },
                'rate.exceeded': { actions: ['reportThrottled', 'closeForRate'] },
              },
            },
            held: {
              description: 'It sent too much at once: what arrives waits until the rate is met again.',
              on: { 'rate.met': { target: 'flowing' } },
            },
          },
        },
        liveness: {
          description: 'Whether anything has been heard from the remote side lately.',
          initial: 'alive',
          states: {
            alive: {
              description: 'Heard from within the heartbeat interval, or asked just now.',
              initial: 'heard',
              states: {
                heard: {
                  description: 'Something has arrived within the interval.',
                  on: { 'heartbeat.silent': { target: 'asked', actions: ['sendPing'] } },
                },
                asked: {
                  description: 'A ping is on its way.',
                  tags: ['asked'],
                  on: {
                    'heartbeat.heard': { target: 'heard' },
                    'heartbeat.silent': { target: '#suspect', actions: ['sendPing'] },
                  },
                },
              },
            },
            suspect: {
              id: 'suspect',
              tags: ['asked'],
              description: 'One ping went unanswered; after the next the socket is destroyed.',
              on: {
                'heartbeat.heard': { target: 'alive' },
                'heartbeat.silent': { actions: ['destroySocket'] },
              },
            },
          },
        },
        authentication: {
          description: 'Whether what the connection was authenticated with still holds.',
          initial: 'authValid',
          states: {
            authValid: {
              description: 'It holds, for ever or for a while.',
              on: { 'auth.expiring': { target: 'expiring', actions: ['renewAuth'] } },
            },
            expiring: {
              description: 'It ends soon; the service may put another in its place.',
              on: {
                'auth.refreshed': { target: 'authValid' },
                'auth.expired': { target: 'expired', actions: ['finishExpired'] },
              },
            },
            expired: {
              description: 'What arrived before the end is still handled, within the time of a close.',
              on: { 'auth.expired': { actions: ['closeExpired'] } },
            },
          },
        },
      },
    },
    closed: {
      id: 'closed',
      type: 'final',
      description: 'Nothing is left of the connection.',
      entry: ['release'],
    },
  },
});
