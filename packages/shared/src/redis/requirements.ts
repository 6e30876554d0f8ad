import type { Redis } from 'ioredis';

/**
 * Refuses a Redis that would lose turns: an eviction policy other than `noeviction` may
 * drop a lock or an inbox, and cluster mode splits what accept and commit decide at once.
 */
export async function requireSafeRedis(redis: Redis): Promise<void> {
  const info = await redis.info();
  const policy = field(info, 'maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction')
    throw new Error(
      `Redis has maxmemory-policy ${policy}; turns could be evicted. Set it to noeviction (CONFIG SET maxmemory-policy noeviction, and in redis.conf)`,
    );
  if (field(info, 'cluster_enabled') === '1')
    throw new Error(
      'Redis runs in cluster mode; a turn is one atomic decision on one primary. Use a single primary (with Sentinel or a managed endpoint)',
    );
}

function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim();
}
