/**
 * The server: whether upgrades are accepted, and where.
 *
 * Theory of operation
 *
 * A server may be embedded (`attach`, `handleUpgrade`) without ever listening,
 * so `idle` accepts upgrades too. `draining` refuses them with 503 while the
 * services say goodbye, and lasts no longer than it may, whatever became of them;
 * `closed` is final. A failed `listen` (a taken port, say)
 * leads back to `idle`, from where it may be tried again.
 */
import { setup } from 'xstate';

export const serverMachine = setup({
  types: {} as {
    events:
      | { type: 'listen.requested' }
      | { type: 'listen.succeeded' }
      | { type: 'listen.failed' }
      | { type: 'drain.requested' }
      | { type: 'services.stopped' }
      | { type: 'drain.timedOut' }
      | { type: 'ports.released' };
    tags: 'accepting' | 'listenable';
  },
  actions: {
    reportListening: () => {},
    stopServices: () => {},
    releasePorts: () => {},
    reportDraining: () => {},
    reportClosed: () => {},
  },
}).createMachine({
  id: 'server',
  description: 'Whether upgrades are accepted, and where.',
  initial: 'idle',
  states: {
    idle: {
      description: 'Not listening on a port of its own; an application may hand over upgrades.',
      tags: ['accepting', 'listenable'],
      on: {
        'listen.requested': { target: 'starting' },
        'drain.requested': { target: 'draining' },
      },
    },
    starting: {
      description: 'The port is being bound.',
      tags: ['accepting'],
      on: {
        'listen.succeeded': { target: 'listening' },
        'listen.failed': { target: 'idle' },
        'drain.requested': { target: 'draining' },
      },
    },
    listening: {
      description: 'Serves HTTP and WebSocket on a port of its own.',
      tags: ['accepting'],
      entry: ['reportListening'],
      on: { 'drain.requested': { target: 'draining' } },
    },
    draining: {
      description: 'Refuses upgrades with 503 while the services drain.',
      entry: ['reportDraining', 'stopServices'],
      on: {
        'services.stopped': { target: 'releasing' },
        'drain.timedOut': { target: 'releasing' },
      },
    },
    releasing: {
      description: 'No connection is left; ports and timers are given back.',
      entry: ['releasePorts'],
      on: { 'ports.released': { target: 'closed' } },
    },
    closed: {
      type: 'final',
      description: 'Nothing of the server keeps the process alive.',
      entry: ['reportClosed'],
    },
  },
});
