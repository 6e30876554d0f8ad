import type { Redis } from 'ioredis';
import { locateRedis } from './location.ts';

/** What a Redis must be so that it loses no turn, and what to do about one that is not. */
const RULES: readonly ((info: Info, replicas: number) => string | undefined)[] = [
  ({ redis_version: version = '0' }) =>
    Number.parseInt(version, 10) >= 7 ? undefined : `Redis is ${version}; it must be 7.0 or newer`,
  ({ maxmemory_policy: policy = 'noeviction' }) =>
    policy === 'noeviction'
      ? undefined
      : `Redis has maxmemory-policy ${policy}; turns could be evicted. Set it to noeviction (CONFIG SET maxmemory-policy noeviction, and in redis.conf)`,
  ({ cluster_enabled: cluster }) =>
    cluster === '1'
      ? 'Redis runs in cluster mode; a turn is one atomic decision on one primary. Use a single primary (with Sentinel or a managed endpoint)'
      : undefined,
  ({ role = 'master' }) =>
    role === 'master'
      ? undefined
      : 'REDIS_URL names a replica, which takes no writes; name the primary, or its Sentinels with redis+sentinel://',
  // INFO has the line only where the setting is in force
  ({ min_slaves_good_slaves: guarded }, replicas) =>
    replicas === 0 || guarded !== undefined
      ? undefined
      : `Redis takes writes that no replica holds; a failover would lose them. Set min-replicas-to-write ${replicas} and min-replicas-max-lag 5 on every server, or say replicas=0 in REDIS_URL and do without`,
  (info, replicas) =>
    replicas === 0 || info['run_id']
      ? undefined
      : 'Redis does not say its run_id in INFO, so a failover could not be told from a reconnect; say replicas=0 in REDIS_URL and do without',
];

/** A server's name, another after every start. */
export const runIdOf = (info: string): string | undefined => parse(info)['run_id'];

/** Refuses a Redis that would lose turns, with every fault in one message. */
export async function requireSafeRedis(redis: Redis, url: string): Promise<void> {
  const info = parse(await redis.info());
  const { replicas } = locateRedis(url);
  const faults = RULES.flatMap((rule) => rule(info, replicas) ?? []);
  if (faults.length > 0) throw new Error(faults.join('\n'));
}

type Info = Readonly<Partial<Record<string, string>>>;

function parse(info: string): Info {
  return Object.fromEntries(info.split(/\r?\n/).map((line) => line.split(':', 2) as [string, string]));
}
