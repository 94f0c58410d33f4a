/** Of everything that takes part. */
import { createRequire } from 'node:module';
import { join } from 'node:path';

const packages = [
  'ws',
  'xstate',
  'socket.io',
  'crossws',
  'uwebsockets',
  '@socket.io/redis-adapter',
  '@redis/client',
  '@nats-io/transport-node',
] as const;

/** What a server would load, whatever the package exports. */
function installedVersion(name: string): string | undefined {
  const require = createRequire(import.meta.url);
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      return (require(join(folder, name, 'package.json')) as { version: string }).version;
    } catch {
      // The next folder up.
    }
  }
  return undefined;
}

export function versions(): Record<string, string> {
  const found = packages.map((name): [string, string] => [name, installedVersion(name) ?? 'not installed']);
  return Object.fromEntries([['Node.js', process.versions.node], ...found]);
}
