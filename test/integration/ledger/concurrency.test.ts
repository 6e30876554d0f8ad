import {
  abortTurns,
  beginTurn,
  commitTurn,
  emitEvent,
  openSession,
  openTurns,
  readEvents,
  readRecords,
  renewLease,
  resetSession,
  type Accepted,
  type SessionRef,
} from '@moltbot/turns';
import { queueKeys, userKeys } from '@moltbot/shared/redis';
import type { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { expectOneAtATime, expectUnbroken } from './order.ts';
import { accept, delta, ending, expireLease, LANE, useLedger, USER_CAP } from './setup.ts';

const ledger = useLedger();
const CONNECTIONS = ['a', 'b', 'c', 'd'] as const;
const TURNS = 60;

type Sent = { runId: string; reply: Accepted };

/** A door that sends every message, also those that the others send. */
async function door(redis: Redis, ref: SessionRef): Promise<Sent[]> {
  const sent: Sent[] = [];
  for (let i = 0; i < TURNS; i += 1)
    sent.push({ runId: `run-${i}`, reply: await accept(redis, ref, `run-${i}`) });
  return sent;
}

/** A worker that loses every fifth lease in the middle of a turn and goes on as if nothing were. */
async function worker(redis: Redis, ref: SessionRef, name: string, done: () => boolean): Promise<void> {
  for (let i = 0; ; i += 1) {
    const begun = await beginTurn(redis, ref, `${name}-${i}`, USER_CAP);
    if (begun.kind === 'empty' && done()) return; // nothing comes any more, so empty stays empty
    if (begun.kind !== 'run') continue;
    await emitEvent(redis, begun.run, delta(begun.run, 'a'));
    if (i % 5 === 0) await expireLease(redis, ref);
    await renewLease(redis, begun.run);
    await emitEvent(redis, begun.run, delta(begun.run, 'ab'));
    await commitTurn(redis, begun.run, ending(begun.run, begun.run.abortReason === '' ? 'final' : 'aborted'));
  }
}

test('T-1, T-2, T-3, T-4: four doors and four workers at one session lose, double and mix up nothing', async () => {
  const uid = ledger.newUser();
  const ref = await openSession(ledger.redis(), uid, 'agent:main:main', LANE);
  let sending: number = CONNECTIONS.length;
  const doors = CONNECTIONS.map(async () => {
    const sent = await door(ledger.connect(), ref);
    sending -= 1;
    return sent;
  });
  const workers = CONNECTIONS.map((name) => worker(ledger.connect(), ref, name, () => sending === 0));
  const sent = (await Promise.all(doors)).flat();
  await Promise.all(workers);
  const { redis } = ledger;
  const turns = new Map<string, Set<string>>();
  for (const { runId, reply } of sent) {
    if (reply.kind !== 'accepted' && reply.kind !== 'duplicate')
      throw new Error(`${runId} was answered ${reply.kind}`);
    turns.set(runId, (turns.get(runId) ?? new Set()).add(reply.turnId));
  }
  expect([...turns.values()].map(({ size }) => size)).toEqual(Array.from({ length: TURNS }, () => 1));
  expect(sent.filter(({ reply }) => reply.kind === 'accepted')).toHaveLength(TURNS);
  const { events } = await readEvents(redis(), ref, '');
  expectUnbroken(events);
  expectOneAtATime(events);
  const records = await readRecords(redis(), ref.sid, 0, 1, 999);
  expect(records.map(({ record }) => record.type)).toEqual(
    Array.from({ length: TURNS }, () => ['user', 'assistant']).flat(),
  );
  expect(await openTurns(redis())).toBe(0);
  for (const key of [queueKeys.due, queueKeys.woken, userKeys.open(uid), userKeys.running(uid)])
    expect(await redis().exists(key)).toBe(0);
});

test('T-3: doors that reset while others send the same key make one turn of it', async () => {
  const uid = ledger.newUser();
  const key = 'agent:main:main';
  const before = await openTurns(ledger.redis());
  const made = new Map<string, Set<string>>();
  const generations = new Set<string>();
  const send = async (redis: Redis, runId: string): Promise<void> => {
    const seen = await openSession(redis, uid, key, LANE);
    const ref = runId.endsWith('0') ? await resetSession(redis, seen, LANE) : seen;
    generations.add(ref.sid);
    const reply = await accept(redis, ref, runId);
    if (reply.kind === 'moved') return await send(redis, runId);
    if (reply.kind === 'accepted' || reply.kind === 'duplicate')
      made.set(runId, (made.get(runId) ?? new Set()).add(reply.turnId));
    if (runId.endsWith('5')) await abortTurns(redis, ref, undefined, 'rpc');
  };
  const all = CONNECTIONS.map(async () => {
    const redis = ledger.connect();
    for (let i = 0; i < 40; i += 1) await send(redis, `run-${i}`);
  });
  await Promise.all(all);
  expect(made.size).toBe(40);
  expect([...made.values()].every(({ size }) => size === 1)).toBe(true);
  expect(generations.size).toBeGreaterThan(1);
  expect((await openTurns(ledger.redis())) - before).toBe(40);
});
