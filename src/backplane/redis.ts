/** Redis as a backplane. */
import type { Backplane } from './contract.ts';
import { RedisLink } from './redis/link.ts';
import { settingsOf, type RedisOptions } from './redis/options.ts';

/**
 * A backplane over Redis 6 or later, or what speaks its commands: one server, or a primary that Sentinels watch.
 *
 * - Needs `@redis/client`, which is installed beside Troupe: `npm install @redis/client`.
 * - Nodes of one program have the same `prefix`, on the same server; nodes of another have another one.
 * - Each node holds two connections. A push by name that answers `accepted` was handed by Redis to the owner's node; what
 *   that did with it is not known.
 * - Redis must evict nothing (`maxmemory-policy noeviction`): a key that is gone is a name without an owner.
 * - A failover may forget the latest names and removals; nodes restore their names afterwards, so that the newest owner
 *   that is left has each of them.
 * - Redis Cluster is not supported.
 *
 * @throws {TroupeTypeError} TROUPE_ARGUMENT_INVALID for an option of a wrong type, a misspelt one, or neither or both of
 *   `url` and `sentinels`
 * @throws {TroupeRangeError} TROUPE_ARGUMENT_INVALID for a number out of range
 *
 * @example
 * ```ts
 * import { redis } from 'troupe/redis';
 *
 * export const backplane = redis({ url: 'redis://127.0.0.1:6379', prefix: 'chat' });
 * ```
 *
 * @example
 * ```ts
 * import { redis } from 'troupe/redis';
 *
 * const nodes = [{ host: '10.0.0.1' }, { host: '10.0.0.2' }, { host: '10.0.0.3' }];
 * export const backplane = redis({ sentinels: { name: 'mymaster', nodes }, password: process.env['REDIS_PASSWORD'] ?? '' });
 * ```
 */
export function redis(options: RedisOptions): Backplane {
  const settings = settingsOf(options);
  return {
    engine: 'redis',
    async connect(nodeId, sink, signal) {
      const link = new RedisLink(settings, nodeId, sink);
      await link.connect(signal);
      return link;
    },
  };
}
