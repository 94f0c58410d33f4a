/** What a node says of itself to the probes of whoever runs it. */

/**
 * This moment of a node.
 *
 * Readiness is about new connections: a backplane that is down does not take it away, as everything local goes on and
 * every node would be taken out at once. Who wants that nevertheless looks at `backplane.isUp`.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { createTroupe } from 'troupe';
 *
 * const troupe = createTroupe();
 * createServer((request, response) => {
 *   const health = troupe.health();
 *   const isWell = request.url === '/ready' ? health.isReady : health.isLive;
 *   response.writeHead(isWell ? 200 : 503, { 'content-type': 'application/json' }).end(JSON.stringify(health));
 * });
 * ```
 */
export interface Health {
  /** Always true: whoever answers lives. A process that hangs does not answer. */
  readonly isLive: boolean;
  /** Whether upgrades are accepted: false from the beginning of a shutdown on. */
  readonly isReady: boolean;
  /** The state of `machines/server.ts`. */
  readonly server: string;
  readonly services: readonly ServiceHealth[];
  /** Absent without a backplane. */
  readonly backplane?: BackplaneHealth;
}

export interface ServiceHealth {
  readonly name: string;
  /** The state of `machines/service.ts`; `failed`: it refuses connections for a while. */
  readonly state: string;
  readonly connections: number;
}

export interface BackplaneHealth {
  readonly engine: string;
  /** The state of `machines/backplane.ts`. */
  readonly state: string;
  /** Whether messages go between nodes. */
  readonly isUp: boolean;
  /** How many links in a row did not last, or never came about; 0 after the first beat of one that did. */
  readonly failures: number;
  /** Why there is none. For operators, not for strangers. */
  readonly error?: string;
}
