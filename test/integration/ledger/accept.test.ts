import {
  acceptTurn,
  beginTurn,
  commitTurn,
  findRun,
  findTurn,
  openSession,
  openTurns,
  readEvents,
  resetSession,
  type Run,
} from '@moltbot/turns';
import { decodeBell, deleteSession } from '@moltbot/turns';
import type { LoggedEvent } from '@moltbot/shared/contracts';
import { queueKeys, sessionKeys, userKeys } from '@moltbot/shared/redis';
import { describe, test } from 'vitest';
import { accept, acceptNew, ending, LANE, newTurn, useLedger, USER_CAP, WIDE } from './setup.ts';

const ledger = useLedger();

describe('accept', () => {
  test('a turn enters its inbox, the counts and the event stream', async ({ expect }) => {
    const redis = ledger.redis();
    const uid = ledger.newUser();
    const ref = await openSession(redis, uid, 'agent:main:main', LANE);
    const before = await openTurns(redis);
    const accepted = await accept(redis, ref, 'run-1');
    expect(accepted).toMatchObject({ kind: 'accepted', load: 1, cold: false });
    const { turnId } = accepted as { turnId: string };
    expect(await redis.lrange(sessionKeys.inbox(ref.sid), 0, -1)).toEqual([turnId]);
    expect(await redis.zscore(userKeys.open(uid), ref.sid)).toBe('1');
    expect(await redis.zscore(queueKeys.due, ref.sid)).not.toBeNull();
    expect(await openTurns(redis)).toBe(before + 1);
    const { events } = await readEvents(redis, ref, '');
    expect(events).toMatchObject([
      { prev: '', n: 0, e: { t: 'accepted', tid: turnId, run: 'run-1', shown: ref.key } },
    ]);
    const idem = userKeys.idem(uid, ref.key, 'run-1');
    expect(await redis.ttl(idem)).toBeGreaterThan(86_000);
    expect(await redis.ttl(userKeys.run(uid, 'run-1'))).toBeGreaterThan(86_000);
  });

  test('load counts sessions, not turns', async ({ expect }) => {
    const redis = ledger.redis();
    const uid = ledger.newUser();
    const [one, two] = [
      await openSession(redis, uid, 'a', LANE),
      await openSession(redis, uid, 'b', LANE),
    ] as const;
    await acceptNew(redis, one, '1');
    expect(await accept(redis, one, '2')).toMatchObject({ load: 1 });
    expect(await accept(redis, two, '3')).toMatchObject({ load: 2 });
  });

  test.for([
    ['session', { session: 1, user: 9, all: 1_000 }],
    ['user', { session: 9, user: 1, all: 1_000 }],
    ['all', { session: 9, user: 9, all: 1 }],
  ] as const)('a full %s is answered busy and takes nothing', async ([cap, caps], { expect }) => {
    const redis = ledger.redis();
    const uid = ledger.newUser();
    const ref = await openSession(redis, uid, 'agent:main:main', LANE);
    await acceptNew(redis, ref, 'first');
    expect(await accept(redis, ref, 'second', caps)).toEqual({ kind: 'busy', cap });
    expect(await redis.llen(sessionKeys.inbox(ref.sid))).toBe(1);
    expect(await findTurn(redis, uid, ref.key, 'second')).toBeUndefined();
  });

  test('T-3: the same key is the same turn while it waits, runs and has ended, and after resets', async ({
    expect,
  }) => {
    const redis = ledger.redis();
    const uid = ledger.newUser();
    const ref = await openSession(redis, uid, 'agent:main:main', LANE);
    const turnId = await acceptNew(redis, ref, 'once');
    const same = { kind: 'duplicate', sid: ref.sid, turnId };
    expect(await accept(redis, ref, 'once')).toMatchObject({ ...same, status: 'waiting' });
    const begun = await beginTurn(redis, ref, 'w', USER_CAP);
    expect(await accept(redis, ref, 'once')).toMatchObject({ ...same, status: 'running' });
    const { run } = begun as { run: Run };
    await commitTurn(redis, run, ending(run, 'error'));
    expect(await accept(redis, ref, 'once')).toMatchObject({
      ...same,
      status: 'error',
      error: 'the model fell over',
    });
    const next = await resetSession(redis, ref, LANE);
    expect(next.sid).not.toBe(ref.sid);
    expect(await accept(redis, next, 'once')).toMatchObject(same);
    await deleteSession(redis, next);
    const again = await openSession(redis, uid, ref.key, LANE);
    expect(await accept(redis, again, 'once')).toMatchObject(same);
    expect(await findRun(redis, uid, 'once')).toMatchObject({ sid: ref.sid, status: 'error' });
  });

  test('T-3: a key of one session never answers for another, wherever the colons stand', async ({
    expect,
  }) => {
    const redis = ledger.redis();
    const uid = ledger.newUser();
    const short = await openSession(redis, uid, 'agent:main', LANE);
    const long = await openSession(redis, uid, 'agent:main:x', LANE);
    await acceptNew(redis, short, 'x:1');
    expect(await accept(redis, long, '1')).toMatchObject({ kind: 'accepted' });
    expect(
      await accept(redis, await openSession(redis, ledger.newUser(), 'agent:main', LANE), 'x:1'),
    ).toMatchObject({ kind: 'accepted' });
  });

  test('a replaced or deleted session answers moved', async ({ expect }) => {
    const redis = ledger.redis();
    const ref = await openSession(redis, ledger.newUser(), 'agent:main:main', LANE);
    const next = await resetSession(redis, ref, LANE);
    expect(await accept(redis, ref, 'r')).toEqual({ kind: 'moved', sid: next.sid });
    await deleteSession(redis, next);
    expect(await accept(redis, next, 'r')).toEqual({ kind: 'moved', sid: '' });
  });

  test('an outdated idempotency record is not spoiled by the turn that wrote it', async ({ expect }) => {
    const redis = ledger.redis();
    const uid = ledger.newUser();
    const ref = await openSession(redis, uid, 'agent:main:main', LANE);
    await acceptNew(redis, ref, 'k');
    await redis.del(userKeys.idem(uid, ref.key, 'k')); // 24 h later, the turn still waits
    const second = await acceptNew(redis, ref, 'k');
    const { run } = (await beginTurn(redis, ref, 'w', USER_CAP)) as { run: Run };
    expect(run.content.turnId).not.toBe(second);
    await commitTurn(redis, run, ending(run));
    expect(await findTurn(redis, uid, ref.key, 'k')).toMatchObject({ turnId: second, status: 'waiting' });
  });

  test('keys and run ids in any script and with any quoting come back as they were sent', async ({
    expect,
  }) => {
    const redis = ledger.redis();
    const uid = ledger.newUser();
    const heard: LoggedEvent[] = [];
    const ears = ledger.connect();
    await ears.subscribe(userKeys.bell(uid));
    ears.on('message', (_, message) => heard.push(decodeBell(message)));
    const key = 'agent:main:Ключ "ü" 会话 \\ 🎈';
    const runId = 'läuft "so"/\\:\n}{';
    const ref = await openSession(redis, uid, key, LANE);
    const accepted = await acceptTurn(redis, newTurn(ref, runId), WIDE);
    const { events } = await readEvents(redis, ref, '');
    expect(accepted.kind).toBe('accepted');
    expect(events[0]).toMatchObject({ key, e: { run: runId, shown: key } });
    await expect.poll(() => heard).toEqual(events);
    expect(await findTurn(redis, uid, key, runId)).toMatchObject({ status: 'waiting' });
  });
});
