/** Troupe, with a service made of handlers. */
import { defineService, type ServiceDefinition } from '../../src/index.ts';
import { groupName } from '../payload.ts';
import type { Role, ServerUnderTest } from './contract.ts';
import { route, serve } from './troupe.ts';

export function echoService(): ServiceDefinition {
  return serviceFor('echo');
}

function serviceFor(role: Role): ServiceDefinition {
  switch (role) {
    case 'echo':
      return defineService({
        ...route,
        onTextMessage(connection, text) {
          connection.pushText(text);
        },
      });
    case 'stored':
      return defineService({
        ...route,
        webSocketUpgradePath: '/{name}',
        onOpen(connection) {
          void connection.storeConnection(connection.params.name);
        },
      });
    case 'group':
      return defineService({
        ...route,
        onOpen(connection) {
          void connection.addConnectionToGroup(groupName);
        },
      });
    case 'broadcast':
      return defineService({ ...route, onOpen() {} });
  }
}

export function start(role: Role): Promise<ServerUnderTest> {
  return serve(role, serviceFor(role));
}
