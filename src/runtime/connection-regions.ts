/** Reads the states of a connection off its chart. */
import type { EventFromLogic } from 'xstate';
import type { connectionMachine } from '../../machines/connection.ts';
import type {
  AuthenticationState,
  ConnectionState,
  InboundState,
  LivenessState,
  OutboundState,
} from '../service/connection.ts';
import type { Configuration } from './compiled-chart.ts';
import type { LiveConnection } from './connection.ts';

export type ConnectionEvent = EventFromLogic<typeof connectionMachine>;
export type ConnectionEventOf<Type extends ConnectionEvent['type']> = Extract<ConnectionEvent, { type: Type }>;
export type ConnectionConfiguration = Configuration<LiveConnection, ConnectionEvent>;

/** The things that are true of a connection at once. */
export interface ConnectionRegions {
  readonly state: ConnectionState;
  readonly outbound: OutboundState;
  readonly inbound: InboundState;
  readonly liveness: LivenessState;
  readonly authentication: AuthenticationState;
}

const regions = new WeakMap<ConnectionConfiguration, ConnectionRegions>();
const CLOSED: ConnectionRegions = {
  state: 'closed',
  outbound: 'flowing',
  inbound: 'flowing',
  liveness: 'alive',
  authentication: 'authValid',
};

/** Reads a configuration of the chart. */
export function regionsOf(configuration: ConnectionConfiguration): ConnectionRegions {
  let found = regions.get(configuration);
  if (found === undefined) {
    found = typeof configuration.value === 'string' ? CLOSED : readRegions(configuration.value['connected']);
    regions.set(configuration, found);
  }
  return found;
}

function readRegions(connected: unknown): ConnectionRegions {
  const { lifecycle, outbound, inbound, liveness, authentication } = connected as Record<string, unknown>;
  return {
    state: topOf(lifecycle) as ConnectionState,
    outbound: topOf(outbound) as OutboundState,
    inbound: topOf(inbound) as InboundState,
    liveness: topOf(liveness) as LivenessState,
    authentication: topOf(authentication) as AuthenticationState,
  };
}

/** The outermost active state of a region: its value is a name, or has that name as its key. */
function topOf(value: unknown): string {
  return typeof value === 'string' ? value : Object.keys(value as object)[0]!;
}
