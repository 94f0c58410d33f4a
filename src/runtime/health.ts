/** Whether this node is well: for the probes of whoever runs it. */
import { describe } from '../arguments.ts';
import type { BackplaneHealth, Health, ServiceHealth } from '../service/health.ts';
import type { BackplaneLife } from './cluster/life.ts';
import type { ServerLife } from './server.ts';
import type { LiveService } from './service.ts';

export function healthOf(
  server: ServerLife,
  services: readonly LiveService[],
  life: BackplaneLife | undefined,
): Health {
  const backplane = life && backplaneOf(life);
  return {
    isLive: true,
    isReady: server.isAccepting,
    server: server.state,
    services: services.map(serviceOf),
    ...(backplane !== undefined && { backplane }),
  };
}

function serviceOf({ name, actor, connectionCount }: LiveService): ServiceHealth {
  return { name, state: actor.getSnapshot().value as string, connections: connectionCount };
}

function backplaneOf({ engine, state, link, failures, error }: BackplaneLife): BackplaneHealth {
  const isUp = link !== undefined;
  if (error === undefined) return { engine, state, isUp, failures };
  return { engine, state, isUp, failures, error: error instanceof Error ? error.message : describe(error) };
}
