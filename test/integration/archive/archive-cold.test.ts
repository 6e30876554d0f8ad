import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { archiveKeys, sessionKeys } from '@moltbot/shared/redis';
import {
  beginTurn,
  commitTurn,
  readState,
  resetSession,
  type Begun,
  type Run,
  type SessionRef,
} from '@moltbot/turns';
import type { Redis } from 'ioredis';
import { describe, test } from 'vitest';
import { accept, ending, LANE, USER_CAP } from '../ledger/setup.ts';
import {
  ask,
  askRecords,
  newSession,
  recordsInRedis,
  runTurns,
  until,
  useArchive,
  type Store,
} from './setup.ts';

const archive = useArchive();

async function cold(
  turns: number,
): Promise<{ redis: Redis; root: string; ref: SessionRef; store: Store; all: unknown[] }> {
  const redis = archive.redis();
  const root = await archive.newRoot();
  const ref = await newSession(redis, archive.newUser());
  await runTurns(redis, ref, turns);
  const all = await recordsInRedis(redis, ref);
  const store = await archive.start(root, { idleEvictMs: 0 });
  await untilCold(redis, ref);
  return { redis, root, ref, store, all };
}

async function untilCold(redis: Redis, ref: SessionRef): Promise<void> {
  await until(async () => (await readState(redis, ref.sid))?.cold === true);
}

/** As a worker does it: a session that is away is asked for again. */
async function untilBegun(redis: Redis, ref: SessionRef): Promise<Run> {
  const begun: Begun[] = [];
  await until(async () => {
    begun.push(await beginTurn(redis, ref, 'worker', USER_CAP));
    return begun.at(-1)?.kind !== 'cold';
  });
  const last = begun.at(-1);
  if (last?.kind !== 'run') throw new Error(`the turn did not begin: ${String(last?.kind)}`);
  return last.run;
}

describe('an idle session', () => {
  test('leaves Redis with every record on disk, and comes back as it was', async ({ expect }) => {
    const { redis, ref, store, all } = await cold(3);
    expect(await redis.exists(sessionKeys.log(ref.sid), sessionKeys.events(ref.sid))).toBe(0);
    expect(await store.metric('moltbot_sessions_evicted_total')).toBe(1);
    expect((await askRecords(store, ref)).records).toEqual(all);
    expect(await ask(store, 'rehydrate', { uid: ref.uid, sid: ref.sid })).toEqual({ ok: true });
    expect(await store.metric('moltbot_sessions_rehydrated_total{result="done"}')).toBe(1);
    await until(async () => (await store.metric('moltbot_sessions_evicted_total')) === 2);
  });

  test('takes a message while it is away, and the model sees the whole conversation', async ({ expect }) => {
    const { redis, ref, store, all } = await cold(3);
    expect(await accept(redis, ref, 'next')).toMatchObject({ kind: 'accepted', cold: true });
    const run = await untilBegun(redis, ref);
    expect(run.abortReason).toBe('');
    expect(run.records.slice(0, 6)).toEqual(all);
    expect(run.records.at(-1)).toMatchObject({ seq: 7, record: { type: 'user', runId: 'next' } });
    await commitTurn(redis, run, ending(run));
    await untilCold(redis, ref);
    expect((await askRecords(store, ref)).records.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('stays in Redis while a turn of it waits, runs, or is not on disk', async ({ expect }) => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    const store = await archive.start(root, { idleEvictMs: 0 });
    const busy = await newSession(redis, archive.newUser());
    const other = await newSession(redis, archive.newUser());
    await accept(redis, busy, 'waits');
    await beginTurn(redis, busy, 'worker', USER_CAP);
    await runTurns(redis, other, 1);
    await untilCold(redis, other);
    expect(await readState(redis, busy.sid)).toMatchObject({ cold: false, seq: 1 });
    expect(await store.metric('moltbot_sessions_evicted_total')).toBe(1);
  });

  test('that a reset has replaced leaves nothing in Redis and stays readable', async ({ expect }) => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    const old = await newSession(redis, archive.newUser());
    await runTurns(redis, old, 2);
    const fresh = await resetSession(redis, old, LANE);
    await runTurns(redis, fresh, 1);
    const store = await archive.start(root, { idleEvictMs: 0 });
    await untilCold(redis, fresh);
    await until(async () => (await redis.keys(`*${old.sid}*`)).length === 0);
    expect((await askRecords(store, old)).records).toHaveLength(4);
    const { sessions } = (await ask(store, 'sessions', { uid: old.uid })) as { sessions: { sid: string }[] };
    expect(sessions.map(({ sid }) => sid).toSorted()).toEqual([old.sid, fresh.sid].toSorted());
  });
});

describe('a long session', () => {
  test('keeps the newest 400 records in Redis once a compaction allows it, and comes back from there', async ({
    expect,
  }) => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    const ref = await newSession(redis, archive.newUser());
    await runTurns(redis, ref, 230);
    await redis.hset(sessionKeys.state(ref.sid), 'ctx', 300); // as the commit of a compaction says
    const all = await recordsInRedis(redis, ref);
    const store = await archive.start(root, { idleEvictMs: 3_000 });
    await until(async () => (await redis.llen(sessionKeys.log(ref.sid))) === 400);
    expect((await askRecords(store, ref, { limit: 60, beforeSeq: 61 })).records).toEqual(all.slice(0, 60));
    await untilCold(redis, ref);
    await accept(redis, ref, 'next');
    const run = await untilBegun(redis, ref);
    expect(run.records.slice(0, -1)).toEqual(all.slice(299));
    expect(await readState(redis, ref.sid)).toMatchObject({ base: 60, cold: false });
  });
});

describe('an archive that is not there', () => {
  test('brings no session back as if nothing had been said; the turn ends, and the next finds it again', async ({
    expect,
  }) => {
    const { redis, root, ref, store, all } = await cold(2);
    await rename(join(root, ref.uid), join(root, 'elsewhere'));
    await accept(redis, ref, 'first');
    await until(async () => (await store.metric('moltbot_sessions_rehydrated_total{result="failed"}')) > 0);
    expect(await beginTurn(redis, ref, 'worker', USER_CAP)).toEqual({ kind: 'cold' });
    await redis.zadd(archiveKeys.wanted, 1, ref.sid); // ten seconds later
    const run = await untilBegun(redis, ref);
    expect(run.abortReason).toBe('cold');
    await commitTurn(redis, run, ending(run, 'error'));
    await rm(join(root, ref.uid), { recursive: true, force: true });
    await rename(join(root, 'elsewhere'), join(root, ref.uid));
    await accept(redis, ref, 'second');
    const next = await untilBegun(redis, ref);
    expect(next.abortReason).toBe('');
    expect(next.records.slice(0, 4)).toEqual(all);
    expect(next.records.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await readdir(join(root, ref.uid, ref.sid))).not.toEqual([]);
  });
});
