/** Starts a crowd's server. */
import type { CrowdName } from './crowd.ts';
import { Child } from './process.ts';
import type { CrowdCommands } from './server.ts';

export function startCrowd(server: CrowdName): Child<CrowdCommands> {
  return new Child<CrowdCommands>(new URL('./server.js', import.meta.url), [server]);
}
