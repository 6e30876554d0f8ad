import {
  beginTurn,
  commitTurn,
  emitEvent,
  findOverdue,
  LEASE_MS,
  MAX_ATTEMPTS,
  openSession,
  readEntry,
  readEvents,
  readRecords,
  readState,
  readUsage,
  releaseTurn,
  renewLease,
  type Run,
  type SessionRef,
} from '@moltbot/turns';
import type { RunEvent } from '@moltbot/shared/contracts';
import { budgetKeys, queueKeys, sessionKeys, userKeys } from '@moltbot/shared/redis';
import type { Redis } from 'ioredis';
import { describe, test } from 'vitest';
import {
  accept,
  acceptNew,
  delta,
  ending,
  expireLease,
  forgetful,
  LANE,
  useLedger,
  USER_CAP,
} from './setup.ts';

const ledger = useLedger();

async function session(...runIds: string[]): Promise<{ redis: Redis; ref: SessionRef }> {
  const redis = ledger.redis();
  const ref = await openSession(redis, ledger.newUser(), 'agent:main:main', LANE);
  for (const runId of runIds) await acceptNew(redis, ref, runId);
  return { redis, ref };
}

async function begin(redis: Redis, ref: SessionRef, owner = 'worker-a'): Promise<Run> {
  const begun = await beginTurn(redis, ref, owner, USER_CAP);
  if (begun.kind !== 'run') throw new Error(`begin was answered ${begun.kind}`);
  return begun.run;
}

describe('begin', () => {
  test('gives the head with its record, under a fence of the clock', async ({ expect }) => {
    const { redis, ref } = await session('one', 'two');
    const run = await begin(redis, ref);
    expect(run).toMatchObject({ attempt: 1, abortReason: '', content: { runId: 'one', key: ref.key } });
    expect(run.fence).toMatch(/^\d{13}$/);
    expect(run.records).toMatchObject([
      { seq: 1, fence: Number(run.fence), record: { type: 'user', runId: 'one' } },
    ]);
    const [lease, begunAt] = (await redis.hmget(sessionKeys.state(ref.sid), 'lease', 'begunAt')).map(Number);
    expect(lease).toBe((begunAt ?? 0) + LEASE_MS);
    expect(Number(await redis.zscore(queueKeys.due, ref.sid))).toBe(lease);
    expect(Number(await redis.zscore(userKeys.running(ref.uid), ref.sid))).toBe(lease);
  });

  test('T-2: a live lease keeps every other worker out', async ({ expect }) => {
    const { redis, ref } = await session('one', 'two');
    const run = await begin(redis, ref);
    const untilMs = Number(await redis.hget(sessionKeys.state(ref.sid), 'lease'));
    expect(await beginTurn(redis, ref, 'worker-b', USER_CAP)).toEqual({ kind: 'busy', untilMs });
    expect(await emitEvent(redis, run, delta(run, 'still mine'))).toEqual({ lost: false, abortReason: '' });
  });

  test('an empty inbox, a missing session and a full user say so', async ({ expect }) => {
    const { redis, ref } = await session();
    expect(await beginTurn(redis, ref, 'w', USER_CAP)).toEqual({ kind: 'empty' });
    expect(await beginTurn(redis, { ...ref, sid: 'nobody-0' }, 'w', USER_CAP)).toEqual({ kind: 'gone' });
    const other = await openSession(redis, ref.uid, 'agent:main:other', LANE);
    await acceptNew(redis, ref, '1');
    await acceptNew(redis, other, '2');
    await begin(redis, ref);
    await redis.zadd(queueKeys.due, 1, other.sid);
    expect(await beginTurn(redis, other, 'w', 1)).toEqual({ kind: 'capped' });
    expect(Number(await redis.zscore(queueKeys.due, other.sid))).toBeGreaterThan(1);
    await expireLease(redis, ref);
    expect(await beginTurn(redis, other, 'w', 1)).toMatchObject({ kind: 'run' });
  });

  test('a dead worker is replaced: the record is not written twice, events count on', async ({ expect }) => {
    const { redis, ref } = await session('one');
    const first = await begin(redis, ref);
    await emitEvent(redis, first, delta(first, 'a'));
    await expireLease(redis, ref);
    const second = await begin(redis, ref, 'worker-b');
    expect(second.attempt).toBe(2);
    expect(BigInt(second.fence)).toBeGreaterThan(BigInt(first.fence));
    expect(second.records).toHaveLength(1);
    const { events } = await readEvents(redis, ref, '');
    expect(events.map(({ n, e }) => [n, e.t])).toEqual([
      [0, 'accepted'],
      [1, 'start'],
      [2, 'delta'],
      [3, 'start'],
    ]);
  });

  test('after the last attempt nothing starts any more, the turn is handed out to be ended', async ({
    expect,
  }) => {
    const { redis, ref } = await session('one');
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      await begin(redis, ref, `worker-${attempt}`);
      await expireLease(redis, ref);
    }
    const run = await begin(redis, ref, 'worker-last');
    expect(run.attempt).toBe(MAX_ATTEMPTS + 1);
    const { events } = await readEvents(redis, ref, '');
    expect(events.filter(({ e }) => e.t === 'start')).toHaveLength(MAX_ATTEMPTS);
  });

  test('the fence rises even when the clock stands behind it', async ({ expect }) => {
    const { redis, ref } = await session('one');
    await redis.hset(sessionKeys.state(ref.sid), 'fence', '9000000000000');
    expect((await begin(redis, ref)).fence).toBe('9000000000001');
    const { events } = await readEvents(redis, ref, '');
    expect(events.at(-1)?.id).toBe('9000000000001-0');
  });
});

describe('commit', () => {
  test('ends the turn, writes its record, counts, money and entry, and says what is left', async ({
    expect,
  }) => {
    const { redis, ref } = await session('one', 'two');
    const run = await begin(redis, ref);
    const hold = { scope: `u-${ref.uid}`, day: '2026-11-26', holdId: 'h' };
    await redis.hset(budgetKeys.holds(hold.scope), 'h', '900 9999999999999');
    const usage = { input: 3, output: 5, cacheRead: 0, cacheWrite: 0, costMicroUsd: 12.3 };
    const committed = await commitTurn(redis, run, {
      ...ending(run),
      entry: { inputTokens: 3, 'odd name': 'ü' },
      usage: { model: 'demo/demo|1', usage },
      money: { ...hold, costMicroUsd: 12.3 },
    });
    expect(committed).toEqual({ kind: 'committed', left: 1 });
    expect(await readEntry(redis, ref.uid, ref.key)).toMatchObject({ inputTokens: '3', 'odd name': 'ü' });
    expect(await redis.hgetall(budgetKeys.day(hold.scope, hold.day))).toEqual({ spent: '13' });
    expect(await redis.hlen(budgetKeys.holds(hold.scope))).toBe(0);
    const today = new Date().toISOString().slice(0, 10);
    const rows = [
      {
        model: 'demo/demo|1',
        calls: 1,
        input: 3,
        output: 5,
        cacheRead: 0,
        cacheWrite: 0,
        costMicroUsd: 13,
        unpriced: 0,
      },
    ];
    expect(await readUsage(redis, ref.uid, [today])).toEqual([{ day: today, rows }]);
    expect(await redis.ttl(userKeys.usage('*', today))).toBeGreaterThan(0);
    const records = await readRecords(redis, ref.sid, 0, 1, 99);
    expect(records.map(({ seq, record }) => [seq, record.type])).toEqual([
      [1, 'user'],
      [2, 'assistant'],
    ]);
    expect(await readState(redis, ref.sid)).toMatchObject({ seq: 2, currentTurnId: '' });
    expect(await redis.hlen(sessionKeys.turns(ref.sid))).toBe(4);
  });

  test('numbers a script could not add do not leave a turn half ended', async ({ expect }) => {
    const { redis, ref } = await session('one');
    const run = await begin(redis, ref);
    const usage = {
      input: Number.NaN,
      output: 1.5,
      cacheRead: -1,
      cacheWrite: 1e300,
      costMicroUsd: Number.POSITIVE_INFINITY,
    };
    const money = { scope: 's', day: '2026-11-26', holdId: 'h', costMicroUsd: Number.NaN };
    expect(
      await commitTurn(redis, run, { ...ending(run), usage: { model: 'm', usage }, money }),
    ).toMatchObject({ kind: 'committed' });
  });

  test('T-1: said twice it ends the turn once', async ({ expect }) => {
    const { redis, ref } = await session('one', 'two');
    const run = await begin(redis, ref);
    const answers = [await commitTurn(redis, run, ending(run)), await commitTurn(redis, run, ending(run))];
    expect(answers).toEqual([
      { kind: 'committed', left: 1 },
      { kind: 'committed', left: 1 },
    ]);
    const { events } = await readEvents(redis, ref, '');
    expect(events.filter(({ e }) => e.t === 'end')).toHaveLength(1);
    expect(await redis.llen(sessionKeys.log(ref.sid))).toBe(2);
  });

  test('the events of a long turn outlive its end', async ({ expect }) => {
    const { redis, ref } = await session('one');
    const run = await begin(redis, ref);
    const old = { ...run, fence: '1000' };
    await redis.del(sessionKeys.events(ref.sid));
    await redis.hset(sessionKeys.state(ref.sid), 'fence', old.fence, 'last', '');
    for (let i = 0; i < 300; i += 1) await emitEvent(redis, old, delta(run, `${i}`));
    await commitTurn(redis, old, ending(run));
    expect((await readEvents(redis, ref, '')).events).toHaveLength(301);
    await redis.hset(sessionKeys.state(ref.sid), 'archivedSeq', 2);
    await acceptNew(redis, ref, 'two');
    const next = await begin(redis, ref);
    await commitTurn(redis, next, ending(next));
    expect((await readEvents(redis, ref, '')).events.length).toBeLessThan(200);
  });
});

describe('T-4', () => {
  test('T-4: a worker that was replaced can neither speak, nor renew, nor end the turn', async ({
    expect,
  }) => {
    const { redis, ref } = await session('one');
    const stale = await begin(redis, ref, 'worker-a');
    await expireLease(redis, ref);
    const run = await begin(redis, ref, 'worker-b');
    const before = await redis.dump(sessionKeys.state(ref.sid));
    expect(await commitTurn(redis, stale, ending(stale))).toEqual({ kind: 'stale' });
    expect(await emitEvent(redis, stale, delta(stale, 'late'))).toEqual({ lost: true, abortReason: '' });
    expect(await renewLease(redis, stale)).toMatchObject({ lost: true });
    expect(await commitTurn(redis, stale, ending(stale))).toEqual({ kind: 'stale' });
    expect(await redis.dump(sessionKeys.state(ref.sid))).toEqual(before);
    expect(await commitTurn(redis, run, ending(run))).toEqual({ kind: 'committed', left: 0 });
  });

  test('T-4: after the end of its turn a worker can say nothing more, with the same fence', async ({
    expect,
  }) => {
    const { redis, ref } = await session('one', 'two');
    const run = await begin(redis, ref);
    await commitTurn(redis, run, ending(run));
    const before = await redis.dump(sessionKeys.state(ref.sid));
    expect(await emitEvent(redis, run, delta(run, 'one more'))).toMatchObject({ lost: true });
    expect(await renewLease(redis, run)).toMatchObject({ lost: true });
    const secondId = (await redis.lindex(sessionKeys.inbox(ref.sid), 0)) ?? '';
    const forged: Run = { ...run, content: { ...run.content, turnId: secondId } };
    expect(await commitTurn(redis, forged, ending(forged))).toEqual({ kind: 'stale' });
    expect(await redis.dump(sessionKeys.state(ref.sid))).toEqual(before);
    expect(await redis.zscore(userKeys.running(ref.uid), ref.sid)).toBeNull();
  });

  test('T-4: a commit for a replaced generation leaves the new entry alone', async ({ expect }) => {
    const { redis, ref } = await session('one');
    const run = await begin(redis, ref);
    await redis.hset(userKeys.entry(ref.uid, ref.key), 'sid', 'other-0');
    await commitTurn(redis, run, { ...ending(run), entry: { inputTokens: 7 } });
    expect(await readEntry(redis, ref.uid, ref.key)).not.toHaveProperty('inputTokens');
  });
});

describe('events', () => {
  test('T-6: one whose reply was lost is said once, in its place among those that wait', async ({
    expect,
  }) => {
    const { redis, ref } = await session('one');
    const run = await begin(redis, ref);
    const lossy = forgetful(redis);
    await Promise.all(['a', 'b', 'c'].map(async (text) => await emitEvent(lossy, run, delta(run, text))));
    await expireLease(redis, ref);
    const second = await begin(redis, ref, 'worker-b');
    await emitEvent(lossy, second, delta(second, 'd'));
    const { events } = await readEvents(redis, ref, '');
    expect(events.map(({ n, e }) => [n, e.t === 'delta' ? e.text : e.t])).toEqual([
      [0, 'accepted'],
      [1, 'start'],
      [2, 'a'],
      [3, 'b'],
      [4, 'c'],
      [5, 'start'],
      [6, 'd'],
    ]);
  });

  /** Takes back what was said since `before`, as a primary does that never heard of it. */
  async function takeBack(redis: Redis, ref: SessionRef, before: Record<string, string>): Promise<string> {
    const { events } = await readEvents(redis, ref, before['last'] ?? '');
    await redis.hset(sessionKeys.state(ref.sid), before);
    await redis.xdel(sessionKeys.events(ref.sid), ...events.map(({ id }) => id));
    return events.at(-1)?.id ?? '';
  }
  const text = (e: RunEvent): string => (e.t === 'delta' ? e.text : e.t);

  test.for(['once', 'twice'] as const)(
    'T-6: what a failover took back is said again, under ids that nobody has seen, asked %s',
    async (times, { expect }) => {
      const { redis, ref } = await session('one');
      const run = await begin(redis, ref);
      const fence = run.fence;
      await emitEvent(redis, run, delta(run, 'a'));
      const before = await redis.hgetall(sessionKeys.state(ref.sid));
      await emitEvent(redis, run, delta(run, 'b'));
      const seen = await takeBack(redis, ref, before);

      const asked = times === 'once' ? redis : forgetful(redis);
      await Promise.all(['c', 'd'].map(async (word) => await emitEvent(asked, run, delta(run, word))));
      expect(Number(run.fence)).toBeGreaterThan(Number(fence));
      const { events, gap } = await readEvents(redis, ref, seen);
      expect(gap).toBe(true);
      expect(events.map(({ e }) => text(e))).toEqual(['accepted', 'start', 'a', 'start', 'abc', 'd']);
      for (const [at, { prev }] of events.entries()) expect(prev).toBe(events[at - 1]?.id ?? '');
      expect(events[3]?.e).toEqual(events[1]?.e);
      expect(await renewLease(redis, run)).toMatchObject({ lost: false });
      expect(await commitTurn(redis, run, ending(run))).toMatchObject({ kind: 'committed' });
    },
  );

  test('T-6, T-8: an end after words that a failover took back has an id of its own, behind them all', async ({
    expect,
  }) => {
    const { redis, ref } = await session('one');
    const run = await begin(redis, ref);
    await emitEvent(redis, run, delta(run, 'a'));
    const before = await redis.hgetall(sessionKeys.state(ref.sid));
    for (const word of ['b', 'c']) await emitEvent(redis, run, delta(run, word));
    const seen = await takeBack(redis, ref, before);
    expect(await commitTurn(redis, run, ending(run))).toMatchObject({ kind: 'committed' });
    const { events, gap } = await readEvents(redis, ref, seen);
    expect(gap).toBe(true);
    expect(events.map(({ e }) => text(e))).toEqual(['accepted', 'start', 'a', 'start', 'abc', 'end']);
    const end = events.at(-1)?.id ?? '';
    expect(Number(end.split('-')[0])).toBeGreaterThan(Number(seen.split('-')[0]));
    expect(await redis.llen(sessionKeys.inbox(ref.sid))).toBe(0);
  });

  test('a turn that is given back is begun at once, as the same attempt, and hears no more of the old one', async ({
    expect,
  }) => {
    const { redis, ref } = await session('one');
    const first = await begin(redis, ref);
    expect(await releaseTurn(redis, first)).toBe(true);
    expect(await releaseTurn(redis, first)).toBe(false);
    expect(await emitEvent(redis, first, delta(first, 'late'))).toMatchObject({ lost: true });
    expect((await findOverdue(redis)).map(({ sid }) => sid)).toContain(ref.sid);
    const second = await begin(redis, ref, 'worker-b');
    expect(second).toMatchObject({ attempt: 1, content: { runId: 'one' } });
    expect(await commitTurn(redis, second, ending(second))).toMatchObject({ kind: 'committed' });
  });

  test('T-6: a cursor gives what came after it; a lost or senseless one gives a gap', async ({ expect }) => {
    const { redis, ref } = await session('one');
    const run = await begin(redis, ref);
    const { events } = await readEvents(redis, ref, '');
    const cursor = events[0]?.id ?? '';
    await emitEvent(redis, run, delta(run, 'x'));
    const after = await readEvents(redis, ref, cursor);
    expect(after).toMatchObject({ gap: false, events: [{ e: { t: 'start' } }, { e: { t: 'delta' } }] });
    for (const lost of ['1-1', 'no id', '99999999999999999999999-0', '-', '+'])
      expect(await readEvents(redis, ref, lost)).toMatchObject({ gap: true, events: [{}, {}, {}] });
  });
});

test('duplicates are recognised before a full inbox is', async ({ expect }) => {
  const { redis, ref } = await session('one');
  const caps = { session: 1, user: 1, all: 1 };
  expect(await accept(redis, ref, 'one', caps)).toMatchObject({ kind: 'duplicate' });
});
