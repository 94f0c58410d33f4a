/**
 * The supervisor: the root of the actor system and the owner of the service
 * registry.
 *
 * Theory of operation
 *
 * While `supervising`, services come and go. `stopping` is entered once, when
 * the server drains: every service is drained and none can be attached any
 * more. When the last one has stopped, the supervisor waits for the server to
 * give back its ports and ends last: it outlives all that is below it. A crash
 * there arrives as an ordinary event and never ends it.
 */
import { setup } from 'xstate';

export const supervisorMachine = setup({
  types: {} as {
    events:
      | { type: 'service.attach' }
      | { type: 'service.replace' }
      | { type: 'service.detach' }
      | { type: 'service.stopped' }
      | { type: 'stop.requested' }
      | { type: 'server.closed' };
    tags: 'attaching';
  },
  actions: {
    attachService: () => {},
    replaceService: () => {},
    detachService: () => {},
    forgetService: () => {},
    drainServices: () => {},
    reportEmpty: () => {},
  },
  guards: {
    hasNoService: () => false,
    isLastService: () => false,
  },
}).createMachine({
  id: 'supervisor',
  description: 'Owns the registry of services and outlives every crash below it.',
  initial: 'supervising',
  states: {
    supervising: {
      description: 'Services are attached, replaced and detached.',
      tags: ['attaching'],
      on: {
        'service.attach': { actions: ['attachService'] },
        'service.replace': { actions: ['replaceService'] },
        'service.detach': { actions: ['detachService'] },
        'service.stopped': { actions: ['forgetService'] },
        'stop.requested': [
          { guard: 'hasNoService', target: 'empty' },
          { target: 'stopping', actions: ['drainServices'] },
        ],
      },
    },
    stopping: {
      description: 'Every service drains; none can be attached.',
      on: {
        'service.stopped': [
          { guard: 'isLastService', target: 'empty', actions: ['forgetService'] },
          { actions: ['forgetService'] },
        ],
      },
    },
    empty: {
      description: 'No service is left; the server gives back what it holds.',
      entry: ['reportEmpty'],
      on: { 'server.closed': { target: 'stopped' } },
    },
    stopped: { type: 'final', description: 'Nothing is left.' },
  },
});
