/**
 * Measures servers beside one another in short slices that alternate, all of
 * them being up the whole time. What else the machine does, and for how long,
 * meets all of them alike.
 */
import type { ServerName } from './contract.ts';
import type { Rig, WithRig } from './rig.ts';

export interface SlicePlan {
  readonly withRig: WithRig;
  /** Operations in a slice. */
  readonly perSlice: number;
  readonly slices: number;
  /** No further slice begins after so long, once there are a few. */
  readonly patienceMs: number;
}

/** By server: what an operation cost, slice by slice. */
export type Slices = ReadonlyMap<ServerName, readonly number[]>;

const atLeast = 5;

export function measureSlices(servers: readonly ServerName[], plan: SlicePlan): Promise<Slices> {
  return withRigs(servers, plan.withRig, async (rigs) => {
    for (const rig of rigs.values()) await rig.warmUp();
    const costs = new Map<ServerName, number[]>(servers.map((server) => [server, []]));
    const start = performance.now();
    for (let slice = 0; slice < plan.slices; slice++) {
      if (slice >= atLeast && performance.now() - start > plan.patienceMs) break;
      for (const [server, rig] of rigs) {
        const { cpuUs, checked } = await rig.run(plan.perSlice);
        costs.get(server)?.push(cpuUs / checked);
      }
    }
    return costs;
  });
}

function withRigs<T>(
  servers: readonly ServerName[],
  withRig: WithRig,
  use: (rigs: ReadonlyMap<ServerName, Rig>) => Promise<T>,
  open: ReadonlyMap<ServerName, Rig> = new Map(),
): Promise<T> {
  const [server, ...rest] = servers;
  if (server === undefined) return use(open);
  return withRig(server, (rig) => withRigs(rest, withRig, use, new Map([...open, [server, rig]])));
}
