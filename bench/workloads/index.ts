/** All workloads, in the order of the tables. */
import type { Workload } from '../contract.ts';
import { accept } from './accept.ts';
import { broadcast1000, broadcast5000, broadcast8, pushGroup, pushStored } from './broadcast.ts';
import { claims } from './cluster/claims.ts';
import { group100, group1000, group1000Lone } from './cluster/group.ts';
import { localGroup, localNames } from './cluster/local.ts';
import { relayGroup, relayName } from './cluster/relay.ts';
import { churn } from './churn.ts';
import { compressedBroadcast } from './compressed-broadcast.ts';
import { echoRate } from './echo-rate.ts';
import { echo1, echo16 } from './echo.ts';
import { growth } from './growth.ts';
import { idle } from './idle.ts';
import { inspector } from './inspector.ts';
import { soak } from './soak.ts';
import { stalledReader } from './stalled-reader.ts';

export const workloads: readonly Workload[] = [
  echo16,
  echo1,
  echoRate,
  broadcast1000,
  broadcast5000,
  broadcast8,
  compressedBroadcast,
  pushStored,
  pushGroup,
  accept,
  idle,
  growth,
  churn,
  stalledReader,
  inspector,
  localNames,
  localGroup,
  group100,
  group1000,
  group1000Lone,
  relayGroup,
  relayName,
  claims,
  soak,
];
