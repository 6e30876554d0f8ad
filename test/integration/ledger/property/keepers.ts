/** What the archiver does to sessions: mark, evict, bring back, trim, forget. */
import {
  claimShard,
  evictSession,
  forgetSession,
  markArchived,
  rehydrateSession,
  trimLog,
} from '@moltbot/turns';
import { archiveKeys, sessionKeys, shardOf } from '@moltbot/shared/redis';
import type { Redis } from 'ioredis';
import { expect } from 'vitest';
import { pick } from './doors.ts';
import { atRest, type Model } from './model.ts';

/** Writes `share` quarters of what is missing, then says so. */
export async function archive(model: Model, redis: Redis, which: number, share: number): Promise<void> {
  const session = pick(model.sessions, which);
  if (session === undefined || session.gone) return;
  const { sid } = session.ref;
  const missing = session.records.length - session.archived;
  const seq = session.archived + Math.ceil((missing * share) / 4);
  const fence = (await claimShard(redis, shardOf(sid), 'keeper', 60_000)) ?? '';
  const reply = await markArchived(redis, sid, fence, seq, session.records[seq - 1]?.fence ?? 0);
  session.archived = seq;
  const complete = seq === session.records.length;
  expect(reply).toBe(complete ? (session.deleted ? 'deleted' : 'complete') : 'more');
  if (complete && !session.deleted) session.dirty = false;
}

export async function evict(model: Model, redis: Redis, which: number): Promise<void> {
  const session = pick(model.sessions, which);
  if (session === undefined) return;
  const goes = session.live && atRest(session);
  expect(await evictSession(redis, session.ref.sid, Date.now() + 60_000)).toBe(goes);
  if (!goes) return;
  session.live = false;
  session.gone = session.replaced;
  session.cold = !session.gone;
  session.mortal = session.hidden;
  session.base = session.records.length;
  session.events = [];
  const fence = (await redis.hget(sessionKeys.state(session.ref.sid), 'fence')) ?? session.fence;
  if (!session.gone) expect(BigInt(fence)).toBeGreaterThan(BigInt(session.fence));
  session.fence = fence;
}

/** The usual course of an idle session. */
export async function goCold(model: Model, redis: Redis, which: number): Promise<void> {
  await archive(model, redis, which, 4);
  await evict(model, redis, which);
}

/** `count` of the newest records from the archive; `off` gives one too few at the end. */
export async function rehydrate(
  model: Model,
  redis: Redis,
  which: number,
  count: number,
  off: boolean,
): Promise<void> {
  const session = pick(model.sessions, which);
  if (session === undefined) return;
  const lastSeq = session.base - (off ? 1 : 0);
  if (lastSeq < 0) return;
  const from = Math.max(0, lastSeq - count);
  const fits = session.cold && !session.gone && lastSeq === session.base;
  expect(await rehydrateSession(redis, session.ref.sid, session.records.slice(from, lastSeq), lastSeq)).toBe(
    fits,
  );
  if (fits) Object.assign(session, { cold: false, live: true, mortal: false, base: from });
  if (fits || !session.cold) session.wanted = 'no';
}

/** The archive has not answered for ten seconds. */
export async function stayAway(model: Model, redis: Redis, which: number): Promise<void> {
  const session = pick(model.sessions, which);
  if (session === undefined || session.wanted === 'no') return;
  await redis.zadd(archiveKeys.wanted, 'XX', 1, session.ref.sid);
  session.wanted = 'old';
}

export async function trim(model: Model, redis: Redis, which: number, keep: number): Promise<void> {
  const session = pick(model.sessions, which);
  if (session === undefined) return;
  const newest = Math.min(session.ctx - 1, session.archived, session.records.length - keep);
  const drop = session.gone || session.cold ? 0 : Math.max(0, newest - session.base);
  expect(await trimLog(redis, session.ref.sid, keep)).toBe(drop);
  session.base += drop;
}

export async function forget(model: Model, redis: Redis, which: number): Promise<void> {
  const session = pick(model.sessions, which);
  if (session === undefined) return;
  const goes = session.deleted && atRest(session);
  expect(await forgetSession(redis, session.ref.sid)).toBe(goes);
  if (goes) Object.assign(session, { gone: true, live: false, dirty: false, wanted: 'no' });
}
