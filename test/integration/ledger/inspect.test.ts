/** Damage that no script leaves, done by hand: found, said, set right, and not found again. */
import { queueKeys, sessionKeys, userKeys } from '@moltbot/shared/redis';
import {
  beginTurn,
  commitTurn,
  findOverdue,
  inspectLedger,
  openSession,
  readState,
  type SessionRef,
} from '@moltbot/turns';
import type { Redis } from 'ioredis';
import { beforeEach, describe, expect, test } from 'vitest';
import { accept, acceptNew, ending, expireLease, LANE, USER_CAP, useLedger, WIDE } from './setup.ts';

const ledger = useLedger();

let redis: Redis;
let ref: SessionRef;
beforeEach(async () => {
  redis = ledger.redis();
  await redis.flushall();
  ref = await openSession(redis, ledger.newUser(), 'agent:main:main', LANE);
});

async function inspect(fix: boolean): Promise<string[]> {
  const found: string[] = [];
  let cursor = '0';
  do {
    const step = await inspectLedger(redis, cursor, fix);
    found.push(...step.found.map(({ sid, fault }) => `${fault} ${sid === ref.sid ? 'mine' : sid}`));
    cursor = step.next;
  } while (cursor !== '0');
  return [...new Set(found)].toSorted();
}

async function contents(): Promise<Record<string, string>> {
  const names = (await redis.keys('*')).toSorted();
  const dumps = await Promise.all(names.map(async (name) => await redis.dumpBuffer(name)));
  return Object.fromEntries(names.map((name, at) => [name, dumps[at]?.toString('hex') ?? '']));
}

/** Each is one thing that went wrong from outside, and how it is called. */
const DAMAGE: readonly (readonly [what: string, found: string[], damage: () => Promise<unknown>])[] = [
  [
    'a waiting turn that no list names',
    ['due mine'],
    async () => {
      await acceptNew(redis, ref, 'r1');
      await redis.zrem(queueKeys.due, ref.sid);
    },
  ],
  [
    'a waiting turn that no sweeper has looked at for long',
    ['due mine'],
    async () => {
      await acceptNew(redis, ref, 'r1');
      await redis.zadd(queueKeys.due, Date.now() - 31_000, ref.sid);
    },
  ],
  [
    'a worker that died long ago, its turn in no list',
    ['due mine'],
    async () => {
      await acceptNew(redis, ref, 'r1');
      await beginTurn(redis, ref, 'gone', USER_CAP);
      await expireLease(redis, ref);
      await redis.zrem(queueKeys.due, ref.sid);
    },
  ],
  [
    'a lease of nobody',
    ['lease mine'],
    async () =>
      await redis.hset(sessionKeys.state(ref.sid), { owner: 'ghost', lease: Date.now() + 3_600_000 }),
  ],
  [
    'a lease for a turn that does not wait',
    ['lease mine', 'running mine'],
    async () => {
      await acceptNew(redis, ref, 'r1');
      await beginTurn(redis, ref, 'worker', USER_CAP);
      await redis.hset(sessionKeys.state(ref.sid), 'cur', 'another-turn');
    },
  ],
  [
    'an idle session that counts as running',
    ['running mine'],
    async () => await redis.zadd(userKeys.running(ref.uid), Date.now() + 3_600_000, ref.sid),
  ],
  [
    'open turns that are not there',
    ['open mine'],
    async () => await redis.zadd(userKeys.open(ref.uid), WIDE.user, ref.sid),
  ],
  [
    'an open turn that is not counted',
    ['open mine'],
    async () => {
      await acceptNew(redis, ref, 'r1');
      await redis.zrem(userKeys.open(ref.uid), ref.sid);
    },
  ],
];

describe('an inspection of the ledger', () => {
  test('finds nothing where turns wait, run, have ended, or wait again for a dead worker', async () => {
    const others = await Promise.all(
      ['running', 'ended', 'abandoned'].map(async (key) => await openSession(redis, ref.uid, key, LANE)),
    );
    const [running, ended, abandoned] = others as [SessionRef, SessionRef, SessionRef];
    await acceptNew(redis, ref, 'waits');
    for (const one of others) await acceptNew(redis, one, `in-${one.key}`);
    await beginTurn(redis, running, 'worker', USER_CAP);
    const begun = await beginTurn(redis, ended, 'worker', USER_CAP);
    if (begun.kind === 'run') await commitTurn(redis, begun.run, ending(begun.run));
    await beginTurn(redis, abandoned, 'worker', USER_CAP);
    await redis.hset(sessionKeys.state(abandoned.sid), 'lease', Date.now() - 1_000);
    await redis.zadd(queueKeys.due, Date.now() - 1_000, abandoned.sid);
    const before = await contents();
    expect(await inspect(true)).toEqual([]);
    expect(await contents()).toEqual(before);
  });

  test.each(DAMAGE)(
    'O-2: finds %s, changes nothing unless asked, and sets it right',
    async (_what, found, damage) => {
      await damage();
      const before = await contents();
      expect(await inspect(false)).toEqual(found);
      expect(await contents()).toEqual(before);
      expect(await inspect(true)).toEqual(found);
      expect(await inspect(true)).toEqual([]);
      // whatever was wrong, the next message is taken, begun and ended
      await accept(redis, ref, 'next', { session: 100, user: 3, all: 1_000 });
      for (let left = await redis.llen(sessionKeys.inbox(ref.sid)); left > 0; left -= 1) {
        const begun = await beginTurn(redis, ref, `worker-${left}`, 1);
        if (begun.kind !== 'run') throw new Error(`not begun: ${begun.kind}`);
        await commitTurn(redis, begun.run, ending(begun.run));
      }
      expect(await redis.llen(sessionKeys.inbox(ref.sid))).toBe(0);
      expect(await redis.zscore(userKeys.open(ref.uid), ref.sid)).toBeNull();
    },
  );

  test('finds nothing and changes nothing while sessions are at work', async () => {
    const refs = await Promise.all(
      Array.from({ length: 8 }, async (_, at) => await openSession(redis, ledger.newUser(), `k${at}`, LANE)),
    );
    const busy = { now: true };
    const talk = async (one: SessionRef, connection: Redis): Promise<void> => {
      for (let turn = 0; turn < 60; turn += 1) {
        await accept(connection, one, `run-${turn}`);
        const begun = await beginTurn(connection, one, `w-${turn}`, USER_CAP);
        if (begun.kind !== 'run') throw new Error(`somebody meddled: ${begun.kind}`);
        const done = await commitTurn(connection, begun.run, ending(begun.run));
        if (done.kind === 'stale') throw new Error('somebody meddled: stale');
      }
    };
    const talking = Promise.all(refs.map(async (one) => await talk(one, ledger.connect()))).finally(
      () => (busy.now = false),
    );
    const found: string[] = [];
    while (busy.now) found.push(...(await inspect(true)));
    await talking;
    expect(found).toEqual([]);
  });

  test('O-2: a turn that was in no list is handed to a sweeper after the repair, and not before', async () => {
    await acceptNew(redis, ref, 'r1');
    await redis.zrem(queueKeys.due, ref.sid);
    expect(await findOverdue(redis)).toEqual([]);
    await inspect(true);
    expect(await findOverdue(redis)).toMatchObject([{ sid: ref.sid }]);
  });

  test('a worker whose lease was taken for nobody’s can say nothing more', async () => {
    await acceptNew(redis, ref, 'r1');
    const begun = await beginTurn(redis, ref, 'worker', USER_CAP);
    if (begun.kind !== 'run') throw new Error(begun.kind);
    await redis.hset(sessionKeys.state(ref.sid), 'cur', 'another-turn');
    await inspect(true);
    expect(await commitTurn(redis, begun.run, ending(begun.run))).toEqual({ kind: 'stale' });
    expect(await readState(redis, ref.sid)).toMatchObject({ currentTurnId: '', seq: 1 });
  });

  test('says that turns wait for a session that is gone, and leaves them', async () => {
    await acceptNew(redis, ref, 'r1');
    await redis.del(sessionKeys.state(ref.sid));
    expect(await inspect(true)).toEqual(['lost mine']);
    expect(await redis.llen(sessionKeys.inbox(ref.sid))).toBe(1);
  });
});
