/**
 * The life of the state that the connections of a service share.
 *
 * Theory of operation
 *
 * One actor of the user's logic runs from the moment its service is attached
 * until that has stopped. When it fails another one takes its place after a
 * wait; what is sent meanwhile is kept. Failing more often than its service
 * allows makes the service itself fail, and it is begun again when that
 * recovers. Crashes of connections are no event here. What the chart begins and
 * stops is in `src/runtime/shared.ts`.
 */
import { setup } from 'xstate';

export const sharedMachine = setup({
  types: {} as {
    events:
      | { type: 'actor.failed' }
      | { type: 'actor.ended' }
      | { type: 'restart.due' }
      | { type: 'recovery.begun' }
      | { type: 'stop.requested' };
  },
  actions: {
    beginActor: () => {},
    scheduleRestart: () => {},
    cancelRestart: () => {},
    failService: () => {},
    stopActor: () => {},
    end: () => {},
  },
  guards: {
    mayRestart: () => false,
  },
}).createMachine({
  id: 'shared',
  description: 'What all connections of one service share.',
  initial: 'running',
  states: {
    running: {
      description: "The actor of the user's logic takes what is sent.",
      entry: ['beginActor'],
      on: {
        'actor.failed': [{ guard: 'mayRestart', target: 'restarting' }, { target: 'failed' }],
        'actor.ended': { target: 'ended' },
        'stop.requested': { target: 'stopped', actions: ['stopActor'] },
      },
    },
    restarting: {
      description: 'It has failed, and waits to begin anew. What is sent waits as well.',
      entry: ['scheduleRestart'],
      exit: ['cancelRestart'],
      on: {
        'restart.due': { target: 'running' },
        'stop.requested': { target: 'stopped' },
      },
    },
    failed: {
      description: 'It has failed too often: its service fails, and begins it again when it recovers.',
      entry: ['failService'],
      on: {
        'recovery.begun': { target: 'running' },
        'stop.requested': { target: 'stopped' },
      },
    },
    ended: {
      description: 'The logic came to its end. Its last snapshot stays, and what is sent is dropped.',
      entry: ['end'],
      on: {
        'stop.requested': { target: 'stopped' },
      },
    },
    stopped: {
      type: 'final',
      description: 'Its service has stopped.',
      entry: ['end'],
    },
  },
});
