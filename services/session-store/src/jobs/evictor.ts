import { archiveKeys, shardOf, type Redis } from '@moltbot/shared/redis';
import { evictSession } from '@moltbot/turns';
import type { StoreEvents } from '../events.ts';

export type EvictorDeps = Readonly<{
  redis: Redis;
  events: StoreEvents;
  shards(): ReadonlyMap<number, string>;
  idleMs: number;
}>;

/** Evictions are scripts: so many at most before other commands get their turn. */
const PAGE = 256;
const LONGEST_PAUSE_MS = 30_000;

/** Takes idle sessions of our shards out of Redis; resolves to the pause before the next look. */
export async function evictIdle({ redis, events, shards, idleMs }: EvictorDeps): Promise<number> {
  const [seconds] = await redis.time(); // activity is stamped by the server's clock
  const idleSinceMs = Number(seconds) * 1_000 - idleMs;
  // those that cannot go yet stay in front of those that can: page past them
  for (let offset = 0; ;) {
    const sids = await redis.zrange(archiveKeys.live, '-inf', idleSinceMs, 'BYSCORE', 'LIMIT', offset, PAGE);
    const ours = sids.filter((sid) => shards().has(shardOf(sid)));
    const gone = await Promise.all(ours.map(async (sid) => await evictSession(redis, sid, idleSinceMs)));
    const evicted = gone.filter(Boolean).length;
    for (let count = 0; count < evicted; count += 1) events.evicted();
    if (sids.length < PAGE) return Math.min(LONGEST_PAUSE_MS, Math.max(100, idleMs / 10));
    offset += sids.length - evicted;
  }
}
