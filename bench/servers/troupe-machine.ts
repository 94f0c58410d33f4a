/** Troupe, with a service that is a state machine: one more XState actor for each connection. */
import { defineService, serviceSetup, type ServiceDefinition } from '../../src/index.ts';
import { groupName } from '../payload.ts';
import type { Role, ServerUnderTest } from './contract.ts';
import { route, serve } from './troupe.ts';

const echo = serviceSetup().createMachine({
  initial: 'open',
  states: {
    open: {
      on: { 'ws.text': { actions: { type: 'pushText', params: ({ event }) => ({ text: event.text }) } } },
    },
  },
});

const stored = serviceSetup<{ name: string }>().createMachine({
  context: ({ input }) => ({ name: input.connection.params['name'] ?? '' }),
  initial: 'open',
  states: {
    open: {
      on: { 'ws.open': { actions: { type: 'storeConnection', params: ({ context }) => ({ name: context.name }) } } },
    },
  },
});

const grouped = serviceSetup().createMachine({
  initial: 'open',
  states: { open: { on: { 'ws.open': { actions: { type: 'addConnectionToGroup', params: { group: groupName } } } } } },
});

const silent = serviceSetup().createMachine({ initial: 'open', states: { open: {} } });

const machines = { echo, stored, group: grouped, broadcast: silent };

export function echoService(): ServiceDefinition {
  return serviceFor('echo');
}

function serviceFor(role: Role): ServiceDefinition {
  const webSocketUpgradePath = role === 'stored' ? '/{name}' : route.webSocketUpgradePath;
  return defineService({ ...route, webSocketUpgradePath, machine: machines[role] });
}

export function start(role: Role): Promise<ServerUnderTest> {
  return serve(role, serviceFor(role));
}
