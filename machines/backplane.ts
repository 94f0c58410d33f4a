/**
 * The life of a node's link to its backplane.
 *
 * Theory of operation
 *
 * A link does not mend itself: when it is lost, another one is made after a wait
 * that gets longer with each attempt that fails. Being connected is not enough to
 * relay. While the node was away others went on: so it is `repairing` first,
 * subscribes anew, gives back what it released meanwhile, restores its names where
 * nobody newer has taken them, and drops the members of groups that were removed.
 * Only then it is `up`.
 *
 * While there is a link a heartbeat goes out and comes back every now and then: a
 * repair may take longer than the lease. One that is missed makes the link
 * worthless, whatever its sockets say; one that finds the lease lapsed leads to
 * (another) repair. Nothing waits for a link: in all other
 * states what is for other nodes is refused at once, and what is local goes on.
 */
import { setup } from 'xstate';

export const backplaneMachine = setup({
  types: {} as {
    events:
      | { type: 'link.opened' }
      | { type: 'link.failed' }
      | { type: 'link.lost' }
      | { type: 'repair.done' }
      | { type: 'repair.failed' }
      | { type: 'beat.missed' }
      | { type: 'beat.lapsed' }
      | { type: 'retry.due' }
      | { type: 'leave.requested' }
      | { type: 'leave.done' };
    tags: 'relaying';
  },
  actions: {
    connect: () => {},
    abandonAttempt: () => {},
    repair: () => {},
    startBeating: () => {},
    stopBeating: () => {},
    stopRelaying: () => {},
    noteLapse: () => {},
    reportUp: () => {},
    reportLost: () => {},
    reportFailed: () => {},
    disconnect: () => {},
    scheduleRetry: () => {},
    cancelRetry: () => {},
    leave: () => {},
    reportStopped: () => {},
  },
  guards: { hasLapsed: () => false },
}).createMachine({
  id: 'backplane',
  description: 'The link of this node to the engine that relays between nodes.',
  initial: 'connecting',
  states: {
    connecting: {
      description: 'A link is being made.',
      entry: ['connect'],
      on: {
        'link.opened': { target: 'repairing' },
        'link.failed': { target: 'down', actions: ['reportFailed'] },
        'leave.requested': { target: 'stopped', actions: ['abandonAttempt'] },
      },
    },
    repairing: {
      description: 'Subscribes, restores names and looks for what was missed; relays nothing yet.',
      entry: ['repair', 'startBeating'],
      on: {
        'repair.done': [{ guard: 'hasLapsed', target: 'repairing', reenter: true }, { target: 'up' }],
        'repair.failed': { target: 'down', actions: ['reportLost'] },
        'beat.lapsed': { actions: ['noteLapse'] },
        'beat.missed': { target: 'down', actions: ['reportLost'] },
        'link.lost': { target: 'down', actions: ['reportLost'] },
        'leave.requested': { target: 'leaving' },
      },
    },
    up: {
      description: 'Relays between this node and the others.',
      tags: ['relaying'],
      entry: ['reportUp'],
      exit: ['stopRelaying'],
      on: {
        'beat.lapsed': { target: 'repairing' },
        'beat.missed': { target: 'down', actions: ['reportLost'] },
        'link.lost': { target: 'down', actions: ['reportLost'] },
        'leave.requested': { target: 'leaving' },
      },
    },
    down: {
      description: 'There is no link. What is local goes on; what is for other nodes is refused.',
      entry: ['stopBeating', 'disconnect', 'scheduleRetry'],
      exit: ['cancelRetry'],
      on: {
        'retry.due': { target: 'connecting' },
        'leave.requested': { target: 'stopped' },
      },
    },
    leaving: {
      description: 'Gives up its names and its lease.',
      entry: ['stopBeating', 'leave'],
      on: {
        'leave.done': { target: 'stopped' },
        'link.lost': { target: 'stopped' },
      },
    },
    stopped: {
      type: 'final',
      description: 'This node has left.',
      entry: ['disconnect', 'reportStopped'],
    },
  },
});
