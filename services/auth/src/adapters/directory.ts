import { TokenRecord } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';
import { authKeys, isRedisOutage, type Durability, type Redis } from '@moltbot/shared/redis';

export type ListedToken = TokenRecord & Readonly<{ lastUsedAtMs: number | null }>;

export type Directory = Readonly<{
  add(record: TokenRecord): Promise<void>;
  /** Newest first. */
  list(): Promise<ListedToken[]>;
  /** The record that was removed; undefined when there was none. Every gateway is told in both cases. */
  remove(id: string): Promise<TokenRecord | undefined>;
}>;

/** An expired token can still be named as such, and seen in the list, for this long. */
const KEPT_AFTER_EXPIRY_MS = 30 * 24 * 60 * 60_000;
const PAGE = 500;

/** The tokens in Redis. A Redis that does not answer is UNAVAILABLE; a failover brings no revoked token back. */
export function openDirectory(redis: Redis, durability: Durability): Directory {
  const safely = async <T>(work: () => Promise<T>): Promise<T> =>
    await reached(durability.settle(redis, work));
  return {
    add: async (record) => await safely(async () => await add(redis, record)),
    list: async () => await reached(list(redis)),
    remove: async (id) => await safely(async () => await remove(redis, id)),
  };
}

async function add(redis: Redis, record: TokenRecord): Promise<void> {
  const json = JSON.stringify(record);
  const key = authKeys.token(record.id);
  const { expiresAtMs } = record;
  const transaction = redis.multi().zadd(authKeys.tokens, record.createdAtMs, record.id);
  if (expiresAtMs === null) transaction.set(key, json, 'NX');
  else transaction.set(key, json, 'PXAT', expiresAtMs + KEPT_AFTER_EXPIRY_MS, 'NX');
  const stored = (await transaction.exec())?.[1]?.[1];
  if (stored !== 'OK') throw new AppError('CONFLICT', 'the token was not stored; ask again');
}

async function list(redis: Redis): Promise<ListedToken[]> {
  const ids = await redis.zrevrange(authKeys.tokens, 0, -1);
  const listed: ListedToken[] = [];
  for (let from = 0; from < ids.length; from += PAGE) {
    const page = ids.slice(from, from + PAGE);
    const [records, used] = await Promise.all([
      redis.mget(page.map((id) => authKeys.token(id))),
      redis.hmget(authKeys.used, ...page),
    ]);
    const forgotten = page.filter((_, i) => records[i] === null);
    if (forgotten.length > 0) await drop(redis, forgotten);
    for (const [i, json] of records.entries()) {
      if (json === null) continue;
      listed.push({ ...TokenRecord.parse(JSON.parse(json)), lastUsedAtMs: used[i] ? Number(used[i]) : null });
    }
  }
  return listed;
}

/** What is left of tokens whose records are past their time. */
async function drop(redis: Redis, ids: readonly string[]): Promise<void> {
  await redis
    .multi()
    .zrem(authKeys.tokens, ...ids)
    .hdel(authKeys.used, ...ids)
    .exec();
}

async function remove(redis: Redis, id: string): Promise<TokenRecord | undefined> {
  const transaction = redis.multi().getdel(authKeys.token(id));
  transaction.zrem(authKeys.tokens, id).hdel(authKeys.used, id).publish(authKeys.revoked, id);
  const json = (await transaction.exec())?.[0]?.[1];
  return typeof json === 'string' ? TokenRecord.parse(JSON.parse(json)) : undefined;
}

async function reached<T>(answer: Promise<T>): Promise<T> {
  return await answer.catch((cause: unknown) => {
    if (!isRedisOutage(cause)) throw cause;
    throw new AppError('UNAVAILABLE', 'the token directory does not answer; try again', {
      cause,
      retryAfterMs: 1_000,
    });
  });
}
