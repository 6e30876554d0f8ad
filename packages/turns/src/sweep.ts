import { queueKeys, sessionKeys, type Redis } from '@moltbot/shared/redis';
import { WAKE_AFTER_MS } from './accept.ts';

export type Overdue = Readonly<{
  sid: string;
  uid: string;
  key: string;
  lane: string;
  /** It was woken before and nobody began: whatever the queue holds for it is dead. */
  wokenBefore: boolean;
}>;

const BATCH = 200;

/**
 * Sessions with a waiting turn that nobody looks after: no worker began in time, or the
 * lease of the one that did has run out. Marks them, so that the next round sees whether waking helped.
 */
export async function findOverdue(redis: Redis): Promise<Overdue[]> {
  const now = await serverNow(redis);
  const sids = await redis.zrange(queueKeys.due, '-inf', now, 'BYSCORE', 'LIMIT', 0, BATCH);
  if (sids.length === 0) return [];
  const pipeline = redis.pipeline();
  for (const sid of sids) {
    pipeline.hmget(sessionKeys.state(sid), 'uid', 'key', 'lane');
    pipeline.zscore(queueKeys.woken, sid);
  }
  const replies = (await pipeline.exec()) ?? [];
  const overdue = sids.map((sid, index): Overdue => {
    const [uid, key, lane] = (replies[index * 2]?.[1] ?? []) as (string | null)[];
    const wokenAt = replies[index * 2 + 1]?.[1];
    return { sid, uid: uid ?? '', key: key ?? '', lane: lane ?? 'main', wokenBefore: typeof wokenAt === 'string' };
  });
  const mark = redis.pipeline();
  for (const { sid } of overdue) mark.zadd(queueKeys.due, 'XX', now + WAKE_AFTER_MS, sid).zadd(queueKeys.woken, 'NX', now, sid);
  await mark.exec();
  return overdue.filter(({ uid }) => uid !== '');
}

/** Turns accepted and not ended, of everybody. */
export async function openTurns(redis: Redis): Promise<number> {
  const [accepted, ended] = await redis.hmget(queueKeys.ledger, 'accepted', 'ended');
  return Number(accepted ?? 0) - Number(ended ?? 0);
}

async function serverNow(redis: Redis): Promise<number> {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
}
