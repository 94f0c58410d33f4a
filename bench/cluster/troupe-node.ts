/** A node with Troupe: without a backplane, or with one over Redis or NATS. */
import { createTroupe, defineService, type Connection, type Outcome, type ServiceDefinition } from '../../src/index.ts';
import type { Backplane } from '../../src/backplane.ts';
import { inParallel } from '../generator/connections.ts';
import { groupName } from '../payload.ts';
import { isMember, roomOf, type ClusterNode, type ClusterRole, type NodeSetting, type Tally } from './contract.ts';

const route = { basePath: '/', webSocketUpgradePath: '/{name}', name: 'bench' } as const;

type Named = Connection<{ name: string }>;

/** What is not as it should be ends the connection, and with it the measurement. */
function mustBeOk({ status }: Outcome): void {
  if (status !== 'ok') throw new Error(`it answered "${status}"`);
}

function serviceFor(role: ClusterRole, tally: Tally, open: Map<string, Named>): ServiceDefinition {
  return defineService({
    ...route,
    async onOpen(connection) {
      const { name } = connection.params;
      open.set(name, connection);
      if (role === 'group') mustBeOk(await connection.addConnectionToGroup(groupName));
      if (role === 'stored') mustBeOk(await connection.storeConnection(name));
      if (role === 'relay' && isMember(name)) mustBeOk(await connection.addConnectionToGroup(roomOf(name)));
      if (role === 'named' && isMember(name)) mustBeOk(await connection.storeConnection(roomOf(name)));
      tally.settled();
    },
    onTextMessage(connection, text) {
      const room = roomOf(connection.params.name);
      if (role === 'named') void connection.pushTextToConnection(room, text);
      else connection.pushTextToGroup(room, text);
    },
    onReplaced: () => tally.replaced(),
  });
}

async function backplaneAt(engine: string): Promise<Backplane> {
  if (engine.startsWith('redis:')) return (await import('../../src/redis.ts')).redis({ url: engine });
  return (await import('../../src/nats.ts')).nats({ servers: engine });
}

export async function start({ role, engine, tally }: NodeSetting): Promise<ClusterNode> {
  const open = new Map<string, Named>();
  const services = [serviceFor(role, tally, open)];
  const troupe = createTroupe({
    services,
    ...(engine === undefined ? {} : { backplane: await backplaneAt(engine) }),
  });
  const isUp = new Promise<void>((resolve) => void troupe.on('backplane.connected', () => resolve()));
  const { port } = await troupe.listen({ port: 0, host: '127.0.0.1' });
  if (troupe.health().backplane?.isUp === false) await isUp;
  return {
    port,
    send(text) {
      troupe.pushTextToGroup(groupName, text);
    },
    sendTo(name, text) {
      void troupe.pushTextToConnection(name, text);
    },
    async claim(parallel) {
      const connections = [...open];
      await inParallel(connections.length, parallel, async (index) => {
        const [name, connection] = connections[index]!;
        mustBeOk(await connection.storeConnection(name));
      });
    },
  };
}
