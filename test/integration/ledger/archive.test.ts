import {
  abortTurns,
  beginTurn,
  claimShard,
  commitTurn,
  deleteSession,
  evictSession,
  findOverdue,
  forgetSession,
  listEntries,
  markArchived,
  openSession,
  patchEntry,
  readEntry,
  readEvents,
  readRecords,
  readState,
  rehydrateSession,
  resetSession,
  trimLog,
  type Run,
  type SessionRef,
} from '@moltbot/turns';
import { archiveKeys, queueKeys, sessionKeys, shardOf, userKeys } from '@moltbot/shared/redis';
import type { NumberedRecord } from '@moltbot/shared/contracts';
import type { Redis } from 'ioredis';
import { describe, test } from 'vitest';
import { accept, acceptNew, ending, expireLease, LANE, useLedger, USER_CAP } from './setup.ts';

const ledger = useLedger();
const SOON = Date.now() + 3_600_000;

async function session(turns: number): Promise<{ redis: Redis; ref: SessionRef; shardFence: string }> {
  const redis = ledger.redis();
  const ref = await openSession(redis, ledger.newUser(), 'agent:main:main', LANE);
  for (let i = 0; i < turns; i += 1) await oneTurn(redis, ref, `run-${i}`);
  const shardFence = (await claimShard(redis, shardOf(ref.sid), 'archiver', 60_000)) ?? '';
  return { redis, ref, shardFence };
}

/** As the archiver does it: with the fence of the record it wrote last. */
async function mark(redis: Redis, sid: string, shardFence: string, seq: number): Promise<string> {
  const base = (await readState(redis, sid))?.base ?? 0;
  const [last] = await readRecords(redis, sid, base, seq, seq);
  return await markArchived(redis, sid, shardFence, seq, last?.fence ?? 0);
}

async function oneTurn(redis: Redis, ref: SessionRef, runId: string, extra = {}): Promise<Run> {
  await acceptNew(redis, ref, runId);
  const { run } = (await beginTurn(redis, ref, 'w', USER_CAP)) as { run: Run };
  await commitTurn(redis, run, { ...ending(run), ...extra });
  return run;
}

async function cold(
  turns: number,
): Promise<{ redis: Redis; ref: SessionRef; records: NumberedRecord[]; shardFence: string }> {
  const { redis, ref, shardFence } = await session(turns);
  const records = await readRecords(redis, ref.sid, 0, 1, turns * 2);
  await mark(redis, ref.sid, shardFence, turns * 2);
  if (!(await evictSession(redis, ref.sid, SOON))) throw new Error('not evicted');
  return { redis, ref, records, shardFence };
}

describe('shards', () => {
  test('one archiver owns a shard; the next one gets a higher fence', async ({ expect }) => {
    const redis = ledger.redis();
    const first = await claimShard(redis, 99, 'a', 60_000);
    expect(await claimShard(redis, 99, 'a', 60_000)).toBe(first);
    expect(await claimShard(redis, 99, 'b', 60_000)).toBeUndefined();
    await redis.hset(archiveKeys.lease(99), 'until', 1);
    const second = await claimShard(redis, 99, 'b', 60_000);
    expect(Number(second)).toBeGreaterThan(Number(first));
    await redis.hset(archiveKeys.lease(99), 'until', 1);
    expect(Number(await claimShard(redis, 99, 'b', 60_000))).toBeGreaterThan(Number(second));
  });

  test('T-9: archivedSeq moves forward only, by the owner only, and only onto the record that was written', async ({
    expect,
  }) => {
    const { redis, ref, shardFence } = await session(2);
    const archived = async (): Promise<number | undefined> => (await readState(redis, ref.sid))?.archivedSeq;
    expect(await mark(redis, ref.sid, '17', 4)).toBe('not-owner');
    expect(await archived()).toBe(0);
    expect(await mark(redis, ref.sid, shardFence, 3)).toBe('more');
    expect(await mark(redis, ref.sid, shardFence, 1)).toBe('more');
    expect(await archived()).toBe(3);
    expect(await redis.zscore(archiveKeys.dirty(shardOf(ref.sid)), ref.sid)).not.toBeNull();
    expect(await mark(redis, ref.sid, shardFence, 400)).toBe('more');
    expect(await markArchived(redis, ref.sid, shardFence, 4, 17)).toBe('more');
    expect(await archived()).toBe(3);
    expect(await mark(redis, ref.sid, shardFence, 4)).toBe('complete');
    expect(await archived()).toBe(4);
    expect(await redis.zscore(archiveKeys.dirty(shardOf(ref.sid)), ref.sid)).toBeNull();
  });
});

describe('eviction', () => {
  test('refuses what waits, runs, is not archived or not idle', async ({ expect }) => {
    const { redis, ref, shardFence } = await session(1);
    expect(await evictSession(redis, ref.sid, SOON)).toBe(false);
    await mark(redis, ref.sid, shardFence, 2);
    expect(await evictSession(redis, ref.sid, 1)).toBe(false);
    await acceptNew(redis, ref, 'waits');
    expect(await evictSession(redis, ref.sid, SOON)).toBe(false);
    await beginTurn(redis, ref, 'w', USER_CAP);
    await mark(redis, ref.sid, shardFence, 3);
    expect(await evictSession(redis, ref.sid, SOON)).toBe(false);
  });

  test('T-6: an id of an event is never given twice, so an old cursor shows its gap', async ({ expect }) => {
    const { redis, ref, shardFence } = await session(1);
    const seen = (await readEvents(redis, ref, '')).events.map(({ id }) => id);
    await mark(redis, ref.sid, shardFence, 2);
    await evictSession(redis, ref.sid, SOON);
    await acceptNew(redis, ref, 'next');
    for (const id of seen)
      expect(await readEvents(redis, ref, id)).toMatchObject({ gap: true, events: [{ prev: '' }] });
  });

  test('a cold session takes a turn, comes back, and the model sees the whole', async ({ expect }) => {
    const { redis, ref, records } = await cold(2);
    expect(await accept(redis, ref, 'next')).toMatchObject({ kind: 'accepted', cold: true });
    await redis.zadd(queueKeys.due, 1, ref.sid);
    expect(await beginTurn(redis, ref, 'w', USER_CAP)).toEqual({ kind: 'cold' });
    expect(Number(await redis.zscore(queueKeys.due, ref.sid))).toBeGreaterThan(1);
    expect(await rehydrateSession(redis, ref.sid, records.slice(0, 3), 3)).toBe(false);
    expect(await redis.zscore(archiveKeys.wanted, ref.sid)).not.toBeNull();
    expect(await rehydrateSession(redis, ref.sid, records.slice(1), 4)).toBe(true);
    expect(await rehydrateSession(redis, ref.sid, records.slice(1), 4)).toBe(false);
    const { run } = (await beginTurn(redis, ref, 'w', USER_CAP)) as { run: Run };
    expect(run.records.map(({ seq }) => seq)).toEqual([2, 3, 4, 5]);
    expect(run.records.slice(0, 3)).toEqual(records.slice(1));
  });

  test('T-1: without its archive a cold session ends its turn all the same, and can come back later', async ({
    expect,
  }) => {
    const { redis, ref, records } = await cold(1);
    await acceptNew(redis, ref, 'lost');
    await redis.zadd(archiveKeys.wanted, 1, ref.sid);
    const { run } = (await beginTurn(redis, ref, 'w', USER_CAP)) as { run: Run };
    expect(run).toMatchObject({ abortReason: 'cold', records: [{ seq: 3 }] });
    await commitTurn(redis, run, ending(run, 'error'));
    await acceptNew(redis, ref, 'next');
    expect(await beginTurn(redis, ref, 'w', USER_CAP)).toEqual({ kind: 'cold' });
    expect(await trimLog(redis, ref.sid, 0)).toBe(0);
    expect(await rehydrateSession(redis, ref.sid, records, 2)).toBe(true);
    const next = (await beginTurn(redis, ref, 'w', USER_CAP)) as { run: Run };
    expect(next.run.records.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
  });

  test('of a replaced generation nothing stays', async ({ expect }) => {
    const { redis, ref, shardFence } = await session(1);
    await resetSession(redis, ref, LANE);
    await mark(redis, ref.sid, shardFence, 2);
    expect(await evictSession(redis, ref.sid, SOON)).toBe(true);
    expect(await redis.keys(`*${ref.sid}*`)).toEqual([]);
    expect(await beginTurn(redis, ref, 'w', USER_CAP)).toEqual({ kind: 'gone' });
  });
});

describe('trim', () => {
  test('keeps what is not archived, what the context needs, and as many as were asked for', async ({
    expect,
  }) => {
    const { redis, ref, shardFence } = await session(3);
    await oneTurn(redis, ref, 'compacts', { contextFromSeq: 6 });
    expect(await trimLog(redis, ref.sid, 0)).toBe(0);
    await mark(redis, ref.sid, shardFence, 4);
    expect(await trimLog(redis, ref.sid, 6)).toBe(2);
    expect(await trimLog(redis, ref.sid, 0)).toBe(2);
    await mark(redis, ref.sid, shardFence, 8);
    expect(await trimLog(redis, ref.sid, 0)).toBe(1);
    const records = await readRecords(redis, ref.sid, 5, 1, 99);
    expect(records.map(({ seq }) => seq)).toEqual([6, 7, 8]);
    expect(records[0]?.record).toMatchObject({ type: 'assistant', runId: 'run-2' });
    await acceptNew(redis, ref, 'next');
    const { run } = (await beginTurn(redis, ref, 'w', USER_CAP)) as { run: Run };
    expect(run.records.map(({ seq }) => seq)).toEqual([6, 7, 8, 9]);
  });
});

describe('delete', () => {
  test('a deleted session still ends its turns, then goes without a trace', async ({ expect }) => {
    const { redis, ref, shardFence } = await session(1);
    await acceptNew(redis, ref, 'last');
    expect(await deleteSession(redis, { ...ref, sid: 'other-0' })).toBe(false);
    expect(await deleteSession(redis, ref)).toBe(true);
    expect(await deleteSession(redis, ref)).toBe(false);
    expect(await listEntries(redis, ref.uid, 10)).toEqual([]);
    const { run } = (await beginTurn(redis, ref, 'w', USER_CAP)) as { run: Run };
    await mark(redis, ref.sid, shardFence, 3);
    expect(await forgetSession(redis, ref.sid)).toBe(false);
    await commitTurn(redis, run, ending(run));
    expect(await forgetSession(redis, ref.sid)).toBe(false);
    expect(await mark(redis, ref.sid, shardFence, 4)).toBe('deleted');
    expect(await forgetSession(redis, ref.sid)).toBe(true);
    expect(await redis.keys(`*${ref.sid}*`)).toEqual([]);
    for (const list of [
      archiveKeys.live,
      archiveKeys.dirty(shardOf(ref.sid)),
      queueKeys.due,
      queueKeys.woken,
    ])
      expect(await redis.zscore(list, ref.sid)).toBeNull();
  });

  test('a session that is not deleted is not forgotten', async ({ expect }) => {
    const { redis, ref, shardFence } = await session(1);
    await mark(redis, ref.sid, shardFence, 2);
    expect(await forgetSession(redis, ref.sid)).toBe(false);
  });
});

describe('entries', () => {
  test('a reset keeps settings and drops counters; the list is newest first', async ({ expect }) => {
    const redis = ledger.redis();
    const uid = ledger.newUser();
    const old = await openSession(redis, uid, 'b', LANE);
    expect(await openSession(redis, uid, 'b', LANE)).toEqual(old);
    await patchEntry(redis, old, { label: 'Überschrift', inputTokens: '9', thinking: 'low' });
    await patchEntry(redis, old, { thinking: null });
    const fresh = await resetSession(redis, old, LANE);
    expect(await resetSession(redis, old, LANE)).toEqual(fresh);
    const entry = await readEntry(redis, uid, 'b');
    expect(entry).toMatchObject({ sid: fresh.sid, label: 'Überschrift' });
    expect(entry).not.toHaveProperty('inputTokens');
    expect(entry).not.toHaveProperty('thinking');
    expect(await abortTurns(redis, old, undefined, 'rpc')).toEqual([]);
    await redis.zadd(userKeys.keys(uid), 5, 'b');
    const newer = await openSession(redis, uid, 'a', LANE);
    expect((await listEntries(redis, uid, 10)).map(({ sid }) => sid)).toEqual([newer.sid, fresh.sid]);
    expect(await listEntries(redis, uid, 10, 6)).toHaveLength(1);
  });
});

describe('sweep', () => {
  test('a session left alone is found once, and said to be wedged when waking did not help', async ({
    expect,
  }) => {
    const { redis, ref } = await session(0);
    const mine = async (): Promise<boolean[]> =>
      (await findOverdue(redis)).filter(({ sid }) => sid === ref.sid).map(({ wokenBefore }) => wokenBefore);
    await acceptNew(redis, ref, 'one');
    expect(await mine()).toEqual([]);
    await redis.zadd(queueKeys.due, 1, ref.sid);
    const looks = await Promise.all([mine(), mine(), mine()]);
    expect(looks.flat()).toEqual([false]);
    await redis.zadd(queueKeys.due, 1, ref.sid);
    expect(await mine()).toEqual([true]);
    const { run } = (await beginTurn(redis, ref, 'w', USER_CAP)) as { run: Run };
    await expireLease(redis, ref);
    expect(await mine()).toEqual([false]);
    await commitTurn(redis, run, ending(run));
    expect(await redis.zscore(queueKeys.due, ref.sid)).toBeNull();
    expect(await redis.zscore(queueKeys.woken, ref.sid)).toBeNull();
  });

  test('what is due without work leaves the list', async ({ expect }) => {
    const redis = ledger.redis();
    await redis.zadd(queueKeys.due, 1, 'nobody-0');
    await redis.zadd(queueKeys.woken, 1, 'nobody-0');
    expect((await findOverdue(redis)).filter(({ sid }) => sid === 'nobody-0')).toEqual([]);
    expect(await redis.zscore(queueKeys.due, 'nobody-0')).toBeNull();
    expect(await redis.zscore(queueKeys.woken, 'nobody-0')).toBeNull();
    expect(await redis.exists(sessionKeys.state('nobody-0'))).toBe(0);
  });
});
