/** A Redis that has lost everything, filled again from the archive alone. */
import { rename, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { sessionKeys, userKeys } from '@moltbot/shared/redis';
import {
  acceptTurn,
  beginTurn,
  commitTurn,
  deleteSession,
  findTurn,
  listEntries,
  openHiddenSession,
  readEntry,
  readState,
  resetSession,
  type SessionRef,
} from '@moltbot/turns';
import type { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { accept, answer, ending, LANE, newTurn, USER_CAP, WIDE } from '../ledger/setup.ts';
import {
  ask,
  newSession,
  recordsInRedis,
  runTurn,
  runTurns,
  segments,
  until,
  untilArchived,
  useArchive,
  type Store,
} from './setup.ts';

const archive = useArchive();

type Restored = Record<'restored' | 'kept' | 'older' | 'empty' | 'records', number> & {
  faults: { sid: string; kind: string }[];
};

async function restoreAll(store: Store, more: object = {}): Promise<Restored> {
  const sum: Restored = { restored: 0, kept: 0, older: 0, empty: 0, records: 0, faults: [] };
  let after: string | undefined;
  do {
    const page = (await ask(store, 'restore', {
      ...more,
      ...(after !== undefined && { after }),
    })) as Restored & {
      next?: string;
    };
    for (const name of ['restored', 'kept', 'older', 'empty', 'records'] as const) sum[name] += page[name];
    sum.faults.push(...page.faults);
    after = page.next;
  } while (after !== undefined);
  return sum;
}

/** Everything on disk, then nothing in Redis, and a store that starts into that. */
async function loseRedis(redis: Redis, store: Store, refs: readonly SessionRef[]): Promise<void> {
  for (const ref of refs) await untilArchived(redis, ref);
  await store[Symbol.asyncDispose]();
  await redis.flushall();
}

async function warm(redis: Redis, store: Store, ref: SessionRef): Promise<void> {
  await ask(store, 'rehydrate', { uid: ref.uid, sid: ref.sid });
  await until(async () => (await readState(redis, ref.sid))?.cold === false);
}

describe('an empty Redis', () => {
  test('O-1: has every record back, byte for byte, and goes on where it was', async () => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    const store = await archive.start(root);
    const refs = await Promise.all(
      Array.from({ length: 70 }, async (_, at) =>
        newSession(redis, archive.newUser(), `agent:main:subagent:${at % 2}`),
      ),
    );
    for (const ref of refs) await runTurns(redis, ref, 2);
    const before = new Map<string, string>();
    for (const { sid } of refs)
      before.set(sid, JSON.stringify(await redis.lrange(sessionKeys.log(sid), 0, -1)));
    await loseRedis(redis, store, refs);

    const next = await archive.start(root);
    expect(await restoreAll(next)).toMatchObject({ restored: 70, kept: 0, older: 0, empty: 0, records: 280 });
    for (const ref of refs) {
      expect(await readEntry(redis, ref.uid, ref.key)).toMatchObject({
        sid: ref.sid,
        preview: expect.stringMatching(/^answer to /) as string,
        title: expect.stringMatching(/^say /) as string,
      });
      expect((await listEntries(redis, ref.uid, 10)).map(({ key }) => key)).toEqual([ref.key]);
      await warm(redis, next, ref);
      expect(JSON.stringify(await redis.lrange(sessionKeys.log(ref.sid), 0, -1))).toBe(before.get(ref.sid));
      expect(await readState(redis, ref.sid)).toMatchObject({ seq: 4, archivedSeq: 4, lane: LANE });
    }
    const [ref] = refs as [SessionRef];
    await runTurn(redis, ref);
    await untilArchived(redis, ref);
    expect(await segments(root, ref)).toHaveLength(2);
    expect(await ask(next, 'verify', { uid: ref.uid, sid: ref.sid })).toMatchObject({
      records: 6,
      damaged: [],
      missing: [],
    });
  });

  test('knows fences higher than any it gave before, whatever its clock says', async () => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    const store = await archive.start(root);
    const ref = await newSession(redis, archive.newUser());
    const ahead = Date.now() + 3_600_000;
    await redis.hset(sessionKeys.state(ref.sid), 'fence', ahead);
    await runTurns(redis, ref, 1);
    await loseRedis(redis, store, [ref]);
    const next = await archive.start(root);
    await restoreAll(next);
    expect(Number(await redis.hget(sessionKeys.state(ref.sid), 'fence'))).toBeGreaterThan(ahead);
    await warm(redis, next, ref);
    await runTurns(redis, ref, 1);
    await untilArchived(redis, ref);
    expect(await ask(next, 'verify', { uid: ref.uid })).toMatchObject({ records: 4, faults: [] });
  });

  test('starts the context where the last compaction left it', async () => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    const store = await archive.start(root);
    const ref = await newSession(redis, archive.newUser());
    await runTurns(redis, ref, 3);
    await accept(redis, ref, 'compacts');
    const begun = await beginTurn(redis, ref, 'worker', USER_CAP);
    if (begun.kind !== 'run') throw new Error(begun.kind);
    const { turnId, runId } = begun.run.content;
    const compaction = { type: 'compaction', turnId, summary: 'so far', upToSeq: 4, timestamp: 3 } as const;
    const records = [compaction, answer(turnId, runId)];
    await commitTurn(redis, begun.run, { ...ending(begun.run), records, contextFromSeq: 5 });
    const whole = await recordsInRedis(redis, ref);
    await loseRedis(redis, store, [ref]);
    const next = await archive.start(root);
    await restoreAll(next);
    expect(await readState(redis, ref.sid)).toMatchObject({ contextFromSeq: 5, seq: 9 });
    await warm(redis, next, ref);
    await accept(redis, ref, 'after');
    const after = await beginTurn(redis, ref, 'worker', USER_CAP);
    expect(after.kind === 'run' && after.run.records.slice(0, -1)).toEqual(whole.slice(4));
  });

  test.each([
    ['the older first', true],
    ['the newer first', false],
  ])('has the newest generation of a key, found %s', async (_how, olderFirst) => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    const store = await archive.start(root);
    const { old, fresh } = await twoGenerations(redis, store, root, olderFirst);
    const next = await archive.start(root);
    const found = await restoreAll(next);
    // found first it is restored, and gives way
    expect(found).toMatchObject(olderFirst ? { restored: 2, older: 0 } : { restored: 1, older: 1 });
    expect((await readEntry(redis, fresh.uid, fresh.key))?.['sid']).toBe(fresh.sid);
    expect(await redis.keys(`*${old.sid}*`)).toEqual([]);
    expect(await restoreAll(next)).toMatchObject({ restored: 0, kept: 1, older: 1 });
    expect((await ask(next, 'records', { uid: old.uid, sid: old.sid })) as object).toMatchObject({
      records: { length: 2 },
    });
  });

  test('has no deleted session, and of those made for one request only the young', async () => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    const store = await archive.start(root);
    const uid = archive.newUser();
    const deleted = await newSession(redis, uid, 'agent:main:deleted');
    await runTurns(redis, deleted, 1);
    await deleteSession(redis, deleted);
    await until(async () => (await redis.exists(sessionKeys.state(deleted.sid))) === 0);
    // nor the one before it, which its owner could not see any more
    const before = await newSession(redis, uid, 'agent:main:reset');
    await runTurns(redis, before, 1);
    await untilArchived(redis, before);
    const reset = await resetSession(redis, before, LANE);
    await runTurns(redis, reset, 1);
    await deleteSession(redis, reset);
    await until(async () => (await redis.exists(sessionKeys.state(reset.sid))) === 0);
    const young = await openHiddenSession(redis, uid, 'agent:main:openai:young', LANE);
    const old = await openHiddenSession(redis, uid, 'agent:main:openai:old', LANE);
    await runTurnAt(redis, young, 'now', Date.now());
    await runTurnAt(redis, old, 'then', Date.now() - 3 * 24 * 3_600_000);
    await loseRedis(redis, store, [young, old]);
    const next = await archive.start(root);
    expect(await restoreAll(next)).toMatchObject({ restored: 1, empty: 1, older: 1 });
    expect(await listEntries(redis, uid, 10)).toEqual([]);
    expect(await readEntry(redis, uid, young.key)).toMatchObject({ sid: young.sid, hidden: '1' });
    for (const key of [sessionKeys.state(young.sid), userKeys.entry(uid, young.key)])
      expect(await redis.ttl(key)).toBeGreaterThan(24 * 3_600);
    expect(await redis.exists(sessionKeys.state(old.sid))).toBe(0);
  });

  test('T-3: knows which messages of the last day were answered, in every generation', async () => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    const store = await archive.start(root);
    const old = await newSession(redis, archive.newUser());
    await runTurnAt(redis, old, 'said-before', Date.now() - 60_000);
    const fresh = await resetSession(redis, old, LANE);
    await runTurnAt(redis, fresh, 'long-ago', Date.now() - 25 * 3_600_000);
    await runTurnAt(redis, fresh, 'said-after', Date.now());
    await loseRedis(redis, store, [old, fresh]);
    const next = await archive.start(root);
    await restoreAll(next);
    const { uid, key } = fresh;
    expect(await findTurn(redis, uid, key, 'said-before')).toMatchObject({ sid: old.sid, status: 'final' });
    expect(await findTurn(redis, uid, key, 'long-ago')).toBeUndefined();
    expect(await accept(redis, fresh, 'said-after')).toMatchObject({ kind: 'duplicate', sid: fresh.sid });
    expect(await redis.llen(sessionKeys.inbox(fresh.sid))).toBe(0);
  });

  test('gets what can be read of a damaged session, and hears what is wrong with it', async () => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    const store = await archive.start(root);
    const [torn, foreign] = [
      await newSession(redis, archive.newUser()),
      await newSession(redis, archive.newUser()),
    ];
    await runTurns(redis, torn, 2);
    await runTurns(redis, foreign, 2);
    await loseRedis(redis, store, [torn, foreign]);
    const [file] = await segments(root, torn);
    await truncate(file?.path ?? '', Buffer.byteLength(file?.text ?? '') - 5);
    await rename(join(root, foreign.uid), join(root, 'somebody-else'));
    const next = await archive.start(root);
    const found = await restoreAll(next);
    expect(found).toMatchObject({ restored: 1, empty: 1, records: 3 });
    expect(found.faults).toEqual([expect.objectContaining({ sid: foreign.sid, kind: 'foreign' })]);
    expect(await readState(redis, torn.sid)).toMatchObject({ seq: 3, archivedSeq: 3, cold: true });
    expect(await redis.exists(sessionKeys.state(foreign.sid))).toBe(0);
  });
});

describe('a Redis that is in use', () => {
  test('is refused, and with merge keeps all it has', async () => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    const store = await archive.start(root);
    const uid = archive.newUser();
    const [mine, other] = [
      await newSession(redis, uid, 'agent:main:main'),
      await newSession(redis, uid, 'agent:main:other'),
    ];
    await runTurns(redis, mine, 2);
    await runTurns(redis, other, 2);
    await loseRedis(redis, store, [mine, other]);
    const next = await archive.start(root);
    const since = await newSession(redis, uid, 'agent:main:main');
    await runTurns(redis, since, 1);
    await untilArchived(redis, since);
    await expect(restoreAll(next)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await redis.exists(sessionKeys.state(other.sid))).toBe(0);
    const dump = await redis.dumpBuffer(sessionKeys.state(since.sid));
    expect(await restoreAll(next, { merge: true })).toMatchObject({ restored: 1, kept: 2 });
    expect(await redis.dumpBuffer(sessionKeys.state(since.sid))).toEqual(dump);
    expect((await readEntry(redis, uid, mine.key))?.['sid']).toBe(since.sid);
    expect((await readEntry(redis, uid, other.key))?.['sid']).toBe(other.sid);
  });

  test('a restored generation that somebody has used does not give way', async () => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    const store = await archive.start(root);
    const { old, fresh } = await twoGenerations(redis, store, root, true);
    const next = await archive.start(root);
    await rename(join(root, fresh.uid, fresh.sid), join(root, 'aside'));
    await restoreAll(next);
    await accept(redis, old, 'used');
    await rename(join(root, 'aside'), join(root, fresh.uid, fresh.sid));
    expect(await restoreAll(next, { merge: true })).toMatchObject({ restored: 0, kept: 2 });
    expect((await readEntry(redis, old.uid, old.key))?.['sid']).toBe(old.sid);
    expect(await redis.llen(sessionKeys.inbox(old.sid))).toBe(1);
  });
});

/** Two of one key, so named that a walk by name meets the older first, or last. */
async function twoGenerations(
  redis: Redis,
  store: Store,
  root: string,
  olderFirst: boolean,
): Promise<{ old: SessionRef; fresh: SessionRef }> {
  for (;;) {
    const old = await newSession(redis, archive.newUser());
    await runTurns(redis, old, 1);
    const doneAtMs = Date.now();
    await until(() => Promise.resolve(Date.now() > doneAtMs + 2)); // generations are told apart by the millisecond
    const fresh = await resetSession(redis, old, LANE);
    await runTurns(redis, fresh, 1);
    for (const ref of [old, fresh]) await untilArchived(redis, ref);
    if (old.sid < fresh.sid === olderFirst) {
      await loseRedis(redis, store, []);
      return { old, fresh };
    }
    await rm(join(root, old.uid), { recursive: true });
  }
}

/** A turn that was asked and answered at a time. */
async function runTurnAt(redis: Redis, ref: SessionRef, runId: string, atMs: number): Promise<void> {
  const turn = newTurn(ref, runId);
  await acceptTurn(redis, { ...turn, record: { ...turn.record, timestamp: atMs } }, WIDE);
  const begun = await beginTurn(redis, ref, 'worker', USER_CAP);
  if (begun.kind !== 'run') throw new Error(`the turn did not begin: ${begun.kind}`);
  const records = [{ ...answer(begun.run.content.turnId, runId), timestamp: atMs }];
  await commitTurn(redis, begun.run, { ...ending(begun.run), records });
}
