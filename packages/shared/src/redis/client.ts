import { Redis, type RedisOptions } from 'ioredis';
import { locateRedis } from './location.ts';

/** `url`: see `locateRedis`. */
export type RedisTarget = Readonly<{ url: string; name: string }>;
export type { Redis } from 'ioredis';

/** What a hung server's socket is given before it is replaced; above BullMQ's blocking reads where it must be. */
const SILENT_MS = { request: 5_000, blocking: 20_000 } as const;

const ROLES = {
  /**
   * Doors: a command that cannot be sent now, or is not answered soon, is an error the caller shows,
   * not a wait. Without a limit of its own a command to a frozen server waited for over a minute (measured).
   */
  request: {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: 5_000,
    socketTimeout: SILENT_MS.request,
  },
  /** Workers and archivers: wait for Redis to come back. */
  background: { maxRetriesPerRequest: null, socketTimeout: SILENT_MS.blocking },
  /** BullMQ's and XREAD's blocking connections: as background, and without the ready check. */
  blocking: { maxRetriesPerRequest: null, enableReadyCheck: false, socketTimeout: SILENT_MS.blocking },
  /** Of one connection's life alone: nothing is sent again on the next one. */
  once: {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 5_000,
    socketTimeout: SILENT_MS.request,
  },
} as const satisfies Record<string, RedisOptions>;

export type RedisRole = keyof typeof ROLES;

/**
 * Options for one connection. A hung server raises no error by itself: `socketTimeout`, and with
 * Sentinel its `failoverDetector`, are what replaces the socket; every connection has them (measured).
 */
export function redisOptions(target: RedisTarget, role: RedisRole): RedisOptions {
  return {
    ...locateRedis(target.url).connection,
    ...ROLES[role],
    connectionName: target.name,
    connectTimeout: 5_000,
    enableAutoPipelining: false,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 6), 2_000),
    reconnectOnError: (error) => error.message.startsWith('READONLY') && 2,
  };
}

const OPENS_WITHIN_MS = 10_000;

/** Opens a connection and waits until it is usable; rejects with the first failure. */
export async function openRedis(target: RedisTarget, role: RedisRole): Promise<Redis> {
  const redis = new Redis({ ...redisOptions(target, role), lazyConnect: true });
  let lastError = '';
  redis.on('error', (error: Error) => (lastError = error.message)); // the phase and the metrics report it; an unheard event would end the process
  let timer: NodeJS.Timeout | undefined;
  // @NOTE with Sentinel `connect` asks on and on, and never rejects
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(lastError || 'no answer')), OPENS_WITHIN_MS);
  });
  await Promise.race([redis.connect(), late])
    .finally(() => clearTimeout(timer))
    .catch((cause: unknown) => {
      redis.disconnect();
      // what came before says why; "Connection is closed." is only how it ended
      throw new Error(noRedis(target.url, lastError || String((cause as Error).message)), { cause });
    });
  return redis;
}

/** What Redis and Sentinel say, and what to do about it. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/WRONGPASS|NOAUTH|invalid password|no password is set/i, 'correct the user and password of REDIS_URL'],
  [/NOPERM/, 'give the user of REDIS_URL the rights +@all -@dangerous +info'],
  [/No such master/i, 'correct the name of the master in REDIS_URL'],
  [/unknown command 'sentinel'/i, 'that is a Redis and no Sentinel: use redis:// or the port of a Sentinel'],
  [/LOADING|MASTERDOWN|READONLY/, 'it is starting or changing its primary: start this again'],
];

function noRedis(url: string, said: string): string {
  const why = said
    .replace(/^All sentinels are unreachable\..*? Last error: /, 'no Sentinel helps: ')
    .replace(/\.$/, '');
  const advice = ADVICE.find(([words]) => words.test(said))?.[1] ?? 'start one or set REDIS_URL';
  return `no Redis at ${safeUrl(url)}: ${why}; ${advice}`;
}

export function safeUrl(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//***@').replace(/\?.*$/, '');
}

const CLOSES_WITHIN_MS = 1_000;

/** What was sent is answered first; a server that hangs is not waited for. */
export async function closeRedis(redis: Redis): Promise<void> {
  const late = setTimeout(() => redis.disconnect(), CLOSES_WITHIN_MS);
  if (redis.status === 'ready') await redis.quit().catch(() => undefined);
  clearTimeout(late);
  redis.disconnect();
}
