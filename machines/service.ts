/**
 * The life of one service: a route that accepts connections.
 *
 * Theory of operation
 *
 * A service is `running` from the moment it is attached. Detaching, replacing
 * and shutting down all lead through `draining`: no new member, the members are
 * told and then closed in batches, until none is left or the time is over. A second request
 * can only hasten that.
 *
 * Where the service says how many crashes of its connections are too many, that
 * many make it `failed`: it accepts nobody for a while, and whoever is connected
 * stays. Then it is `recovering`, which is to run on probation: as many crashes
 * again and it has failed anew, for longer. So it does when the state that its
 * connections share has failed for good (`machines/shared.ts`). The actor of the service owns its members (`src/runtime/service.ts`); the events
 * that change or address them are carried out only where the chart allows it,
 * which is how a stopped service answers nobody.
 */
import { setup } from 'xstate';

export const serviceMachine = setup({
  types: {} as {
    events:
      | { type: 'member.add' }
      | { type: 'member.leave' }
      | { type: 'member.end' }
      | { type: 'member.crashed' }
      | { type: 'shared.failed' }
      | { type: 'broadcast' }
      | { type: 'recovery.due' }
      | { type: 'recovery.passed' }
      | { type: 'drain.requested' }
      | { type: 'drain.timedOut' };
    tags: 'accepting';
  },
  actions: {
    addMember: () => {},
    removeMember: () => {},
    forgetMember: () => {},
    broadcast: () => {},
    beginRecovery: () => {},
    beginProbation: () => {},
    reportRecovered: () => {},
    cancelRecovery: () => {},
    beginDrain: () => {},
    reportDraining: () => {},
    destroyMembers: () => {},
    reportStopped: () => {},
  },
  guards: {
    isEmpty: () => false,
    isLast: () => false,
    hasFailed: () => false,
  },
}).createMachine({
  id: 'service',
  description: 'One service: a route, its members and how it ends.',
  initial: 'running',
  states: {
    running: {
      description: 'Accepts connections.',
      tags: ['accepting'],
      on: {
        'member.add': { actions: ['addMember'] },
        'member.crashed': { guard: 'hasFailed', target: 'failed' },
        'shared.failed': { target: 'failed' },
        'member.leave': { actions: ['removeMember'] },
        'member.end': { actions: ['forgetMember'] },
        broadcast: { actions: ['broadcast'] },
        'drain.requested': [
          { guard: 'isEmpty', target: 'stopped', actions: ['reportDraining'] },
          { target: 'draining', actions: ['reportDraining', 'beginDrain'] },
        ],
      },
    },
    failed: {
      description:
        'Too many crashes, or its shared state has failed for good: accepts nobody for a while. Its members stay, and nothing begins anew.',
      entry: ['beginRecovery'],
      exit: ['cancelRecovery'],
      on: {
        'recovery.due': { target: 'recovering' },
        'member.leave': { actions: ['removeMember'] },
        'member.end': { actions: ['forgetMember'] },
        broadcast: { actions: ['broadcast'] },
        'drain.requested': [
          { guard: 'isEmpty', target: 'stopped', actions: ['reportDraining'] },
          { target: 'draining', actions: ['reportDraining', 'beginDrain'] },
        ],
      },
    },
    recovering: {
      description: 'Accepts connections again, on probation.',
      tags: ['accepting'],
      entry: ['beginProbation'],
      exit: ['cancelRecovery'],
      on: {
        'member.add': { actions: ['addMember'] },
        'member.crashed': { guard: 'hasFailed', target: 'failed' },
        'shared.failed': { target: 'failed' },
        'recovery.passed': { target: 'running', actions: ['reportRecovered'] },
        'member.leave': { actions: ['removeMember'] },
        'member.end': { actions: ['forgetMember'] },
        broadcast: { actions: ['broadcast'] },
        'drain.requested': [
          { guard: 'isEmpty', target: 'stopped', actions: ['reportDraining'] },
          { target: 'draining', actions: ['reportDraining', 'beginDrain'] },
        ],
      },
    },
    draining: {
      description: 'Accepts nobody; members are told, then closed in batches.',
      on: {
        'member.leave': { actions: ['removeMember'] },
        'member.end': [
          { guard: 'isLast', target: 'stopped', actions: ['forgetMember'] },
          { actions: ['forgetMember'] },
        ],
        broadcast: { actions: ['broadcast'] },
        'drain.requested': { actions: ['beginDrain'] },
        'drain.timedOut': { actions: ['destroyMembers'] },
      },
    },
    stopped: {
      type: 'final',
      description: 'No member is left and none will come.',
      entry: ['reportStopped'],
    },
  },
});
