/** What the two Troupe servers share: where the service is, and how it is reached from outside. */
import { createTroupe, type ServiceDefinition } from '../../src/index.ts';
import { groupName } from '../payload.ts';
import type { Role, ServerUnderTest } from './contract.ts';

export const route = { basePath: '/', webSocketUpgradePath: '/', name: 'bench' } as const;

export async function serve(role: Role, service: ServiceDefinition): Promise<ServerUnderTest> {
  const troupe = createTroupe({ services: [service] });
  const { port } = await troupe.listen({ port: 0, host: '127.0.0.1' });
  return {
    port,
    send(text) {
      if (role === 'group') troupe.pushTextToGroup(groupName, text);
      else troupe.broadcastText(route.name, text);
    },
    sendTo(name, text) {
      void troupe.pushTextToConnection(name, text);
    },
  };
}
