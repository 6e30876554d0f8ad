import {
  abortTurns,
  beginTurn,
  commitTurn,
  emitEvent,
  injectRecord,
  openSession,
  readEvents,
  readState,
  renewLease,
  resetSession,
  type Run,
} from '@moltbot/turns';
import { queueKeys, userKeys } from '@moltbot/shared/redis';
import { describe, test } from 'vitest';
import { acceptNew, answer, delta, ending, LANE, useLedger, USER_CAP } from './setup.ts';

const ledger = useLedger();
const ODD = [
  'plain',
  'with "quotes"',
  'back\\slash/slash',
  '"run":"plain",',
  'a","shown":"b',
  '日本語 ünï 🎈',
  '',
  '\u0000\n\ud800',
];

describe('abort', () => {
  test('the running turn hears it with its next word, a waiting one when its turn comes', async ({
    expect,
  }) => {
    const redis = ledger.redis();
    const ref = await openSession(redis, ledger.newUser(), 'agent:main:main', LANE);
    const [first, second] = [await acceptNew(redis, ref, 'one'), await acceptNew(redis, ref, 'two')];
    const { run } = (await beginTurn(redis, ref, 'w', USER_CAP)) as { run: Run };
    const heard: unknown[] = [];
    const ears = ledger.connect();
    await ears.subscribe(queueKeys.control);
    ears.on('message', (_, message) => heard.push(JSON.parse(message)));
    expect(await abortTurns(redis, ref, undefined, 'rpc')).toEqual(['one', 'two']);
    expect(await abortTurns(redis, ref, 'one', 'stop')).toEqual(['one']);
    expect(await emitEvent(redis, run, delta(run, 'x'))).toEqual({ lost: false, abortReason: 'rpc' });
    expect(await renewLease(redis, run)).toEqual({ lost: false, abortReason: 'rpc' });
    await commitTurn(redis, run, ending(run, 'aborted'));
    const next = (await beginTurn(redis, ref, 'w', USER_CAP)) as { run: Run };
    expect(next.run).toMatchObject({ abortReason: 'rpc', content: { runId: 'two' } });
    const { events } = await readEvents(redis, ref, '');
    expect(events.filter(({ e }) => e.t === 'start')).toHaveLength(1);
    await expect
      .poll(() => heard)
      .toEqual([
        { sid: ref.sid, tid: first },
        { sid: ref.sid, tid: second },
        { sid: ref.sid, tid: first },
      ]);
  });

  test.for(ODD)('hits the run %j and no other', async (runId, { expect }) => {
    const redis = ledger.redis();
    const ref = await openSession(redis, ledger.newUser(), 'agent:main:main', LANE);
    for (const id of ODD) await acceptNew(redis, ref, id);
    expect(await abortTurns(redis, ref, runId, 'rpc')).toEqual([runId]);
    expect(await abortTurns(redis, ref, 'pl', 'rpc')).toEqual([]);
    expect(await abortTurns(redis, ref, '.*', 'rpc')).toEqual([]);
    expect(await abortTurns(redis, ref, undefined, 'rpc')).toEqual(ODD);
  });
});

describe('inject', () => {
  test('a note joins the log and the stream, also while a turn runs', async ({ expect }) => {
    const redis = ledger.redis();
    const ref = await openSession(redis, ledger.newUser(), 'agent:main:main', LANE);
    await acceptNew(redis, ref, 'one');
    const { run } = (await beginTurn(redis, ref, 'w', USER_CAP)) as { run: Run };
    const event = { t: 'injected', run: 'note', shown: ref.key, message: 'ü' } as const;
    expect(await injectRecord(redis, ref, answer('', 'note'), event)).toBe(true);
    await emitEvent(redis, run, delta(run, 'goes on'));
    await commitTurn(redis, run, ending(run));
    expect(await readState(redis, ref.sid)).toMatchObject({ seq: 3 });
    const { events } = await readEvents(redis, ref, '');
    expect(events.map(({ n, e }) => `${n} ${e.t}`)).toEqual([
      '0 accepted',
      '1 start',
      '0 injected',
      '2 delta',
      '3 end',
    ]);
    expect(events.map(({ prev }) => prev)).toEqual(['', ...events.slice(0, -1).map(({ id }) => id)]);
  });

  test('a note to a replaced generation does not touch the new one', async ({ expect }) => {
    const redis = ledger.redis();
    const ref = await openSession(redis, ledger.newUser(), 'agent:main:main', LANE);
    await resetSession(redis, ref, LANE);
    const before = await redis.hgetall(userKeys.entry(ref.uid, ref.key));
    await injectRecord(redis, ref, answer('', 'note'), {
      t: 'injected',
      run: 'note',
      shown: ref.key,
      message: 1,
    });
    expect(await redis.hgetall(userKeys.entry(ref.uid, ref.key))).toEqual(before);
  });

  test('a session that is not there takes none', async ({ expect }) => {
    const redis = ledger.redis();
    const ref = { sid: 'nobody-0', uid: ledger.newUser(), key: 'k' };
    expect(
      await injectRecord(redis, ref, answer('', 'x'), { t: 'injected', run: 'x', shown: 'k', message: 1 }),
    ).toBe(false);
    expect(await redis.exists(userKeys.entry(ref.uid, ref.key))).toBe(0);
  });
});
