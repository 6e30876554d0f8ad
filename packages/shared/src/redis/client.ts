import { Redis, type RedisOptions } from 'ioredis';

export type RedisTarget = Readonly<{ url: string; name: string }>;
export type { Redis } from 'ioredis';

const ROLES = {
  /**
   * Doors: a command that cannot be sent now, or is not answered soon, is an error the caller shows,
   * not a wait. Without a limit of its own a command to a frozen server waited for over a minute (measured).
   */
  request: { enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: 5_000 },
  /** Workers and archivers: wait for Redis to come back. */
  background: { maxRetriesPerRequest: null },
  /** BullMQ's and XREAD's blocking connections: as background, and without the ready check. */
  blocking: { maxRetriesPerRequest: null, enableReadyCheck: false },
} as const satisfies Record<string, RedisOptions>;

export type RedisRole = keyof typeof ROLES;

/**
 * Options for one connection. A hung server raises no error by itself: `socketTimeout` is
 * what replaces the socket (measured), and must exceed BullMQ's 10 s blocking reads.
 */
export function redisOptions(target: RedisTarget, role: RedisRole): RedisOptions {
  return {
    ...locate(target.url),
    ...ROLES[role],
    connectionName: target.name,
    connectTimeout: 5_000,
    socketTimeout: 20_000,
    enableAutoPipelining: false,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 6), 2_000),
    reconnectOnError: (error) => error.message.startsWith('READONLY') && 2,
  };
}

/** `unix:///run/redis.sock`, `redis://…` or `rediss://…`. */
function locate(url: string): RedisOptions {
  const parsed = new URL(url);
  if (parsed.protocol === 'unix:') return { path: parsed.pathname };
  return {
    host: parsed.hostname,
    port: Number(parsed.port || 6379),
    ...(parsed.username && { username: decodeURIComponent(parsed.username) }),
    ...(parsed.password && { password: decodeURIComponent(parsed.password) }),
    ...(parsed.pathname.length > 1 && { db: Number(parsed.pathname.slice(1)) }),
    ...(parsed.protocol === 'rediss:' && { tls: {} }),
  };
}

/** Opens a connection and waits until it is usable; rejects with the first failure. */
export async function openRedis(target: RedisTarget, role: RedisRole): Promise<Redis> {
  const redis = new Redis({ ...redisOptions(target, role), lazyConnect: true });
  redis.on('error', () => undefined); // the phase and the metrics report it; an unheard event would end the process
  await redis.connect().catch((cause: unknown) => {
    redis.disconnect();
    throw new Error(
      `no Redis at ${safeUrl(target.url)}: ${String((cause as Error).message)}; start one or set REDIS_URL`,
      { cause },
    );
  });
  return redis;
}

export function safeUrl(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//***@');
}

export async function closeRedis(redis: Redis): Promise<void> {
  if (redis.status === 'ready') await redis.quit().catch(() => redis.disconnect());
  else redis.disconnect();
}
