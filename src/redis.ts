/** The public face of `troupe/redis`: a backplane over Redis. */
export { redis } from './backplane/redis.ts';
export type { RedisOptions, RedisSentinels } from './backplane/redis/options.ts';
