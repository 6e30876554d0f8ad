import { queueKeys, runScript, sessionKeys, type Redis } from '@moltbot/shared/redis';
import { WAKE_AFTER_MS } from './accept.ts';
import { overdue1 } from './scripts.gen.ts';

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
 * lease of the one that did has run out. Each is given to one sweeper, and put off until its
 * next look shows whether waking helped.
 */
export async function findOverdue(redis: Redis): Promise<Overdue[]> {
  const sids = await redis.zrange(
    queueKeys.due,
    '-inf',
    await serverNow(redis),
    'BYSCORE',
    'LIMIT',
    0,
    BATCH,
  );
  const looks = await Promise.all(sids.map((sid) => look(redis, sid)));
  return looks.filter((overdue) => overdue !== undefined);
}

async function look(redis: Redis, sid: string): Promise<Overdue | undefined> {
  const keys = [queueKeys.due, queueKeys.woken, sessionKeys.state(sid), sessionKeys.inbox(sid)];
  const reply = (await runScript(redis, overdue1, keys, [sid, WAKE_AFTER_MS])) as
    | [string, string, string, number]
    | [];
  if (reply.length === 0) return undefined;
  const [uid, key, lane, wokenBefore] = reply;
  return { sid, uid, key, lane, wokenBefore: wokenBefore === 1 };
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
