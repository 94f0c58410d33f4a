/** The crowd's server on Troupe, as handlers and as a state machine. */
import { createTroupe, defineService, serviceSetup, type ServiceDefinition } from '../../src/index.ts';
import type { Crowd } from './crowd.ts';
import { groupOf, nameOf } from './texts.ts';

const route = { name: 'crowd', basePath: '/crowd', webSocketUpgradePath: '/{group}/{index}' } as const;

const handlers = defineService({
  ...route,
  onOpen(connection) {
    void connection.storeConnection(nameOf(connection.params.index));
    void connection.addConnectionToGroup(groupOf(connection.params.group));
  },
  onTextMessage: (connection, text) => void connection.pushText(text),
});

const machine = defineService({
  ...route,
  machine: serviceSetup<{ name: string; group: string }>().createMachine({
    id: 'crowd',
    description: 'One in a crowd: answers what it is told.',
    context: ({ input }) => ({
      name: nameOf(input.connection.params['index'] ?? ''),
      group: groupOf(input.connection.params['group'] ?? ''),
    }),
    on: {
      'ws.open': {
        actions: [
          { type: 'storeConnection', params: ({ context }) => ({ name: context.name }) },
          { type: 'addConnectionToGroup', params: ({ context }) => ({ group: context.group }) },
        ],
      },
      'ws.text': { actions: { type: 'pushText', params: ({ event }) => ({ text: event.text }) } },
    },
  }),
});

export const createHandlerCrowd = (): Crowd => createTroupeCrowd(handlers);
export const createMachineCrowd = (): Crowd => createTroupeCrowd(machine);

/** Longer than any measurement: a round of pings in the middle of one would be counted with it. */
const HEARTBEAT_MS = 3_600_000;

function createTroupeCrowd(service: ServiceDefinition): Crowd {
  const troupe = createTroupe({ services: [service], limits: { heartbeatIntervalMs: HEARTBEAT_MS } });
  return {
    get isEmpty() {
      return troupe.connections(route.name, { limit: 1 }).items.length === 0;
    },
    handleUpgrade: (request, stream, head) => troupe.handleUpgrade(request, stream, head),
    push: (name, text) => void troupe.pushTextToConnection(name, text),
    pushToGroup: (group, text) => void troupe.pushTextToGroup(group, text),
    broadcast: (text) => void troupe.broadcastText(route.name, text),
  };
}
