/** Compares everything Redis holds with everything the model holds. */
import { readEvents, readState } from '@moltbot/turns';
import { decodeItem, findTurn } from '@moltbot/turns';
import type { LoggedEvent, RunEvent } from '@moltbot/shared/contracts';
import { archiveKeys, queueKeys, sessionKeys, SHARDS, userKeys } from '@moltbot/shared/redis';
import type { Redis } from 'ioredis';
import { expect } from 'vitest';
import { expectUnbroken } from '../order.ts';
import { openOf, sessionsOf, SLOTS, type Model, type ModelEvent, type ModelSession } from './model.ts';

const UIDS = [...new Set(SLOTS.map(({ uid }) => uid))];

export async function agree(redis: Redis, model: Model): Promise<void> {
  await Promise.all([
    lists(redis, model),
    counts(redis, model),
    idempotency(redis, model),
    ...model.sessions.map((session) => oneSession(redis, session)),
  ]);
}

async function lists(redis: Redis, model: Model): Promise<void> {
  const members = (pick: (session: ModelSession) => boolean): string[] =>
    model.sessions
      .filter(pick)
      .map(({ ref }) => ref.sid)
      .sort();
  const found = async (key: string): Promise<string[]> => (await redis.zrange(key, 0, -1)).sort();
  const dirty = await Promise.all(
    Array.from({ length: SHARDS }, (_, shard) => found(archiveKeys.dirty(shard))),
  );
  expect({
    due: await found(queueKeys.due),
    woken: await found(queueKeys.woken),
    live: await found(archiveKeys.live),
    wanted: await found(archiveKeys.wanted),
    dirty: dirty.flat().sort(),
  }).toEqual({
    due: members(({ inbox }) => inbox.length > 0),
    woken: members(({ woken }) => woken),
    live: members(({ live }) => live),
    wanted: members(({ wanted }) => wanted !== 'no'),
    dirty: members((session) => session.dirty),
  });
}

async function counts(redis: Redis, model: Model): Promise<void> {
  const ledger = await redis.hgetall(queueKeys.ledger);
  expect([Number(ledger['accepted'] ?? 0), Number(ledger['ended'] ?? 0)]).toEqual([
    model.accepted,
    model.ended,
  ]);
  expect(model.accepted - model.ended).toBe(model.sessions.reduce((sum, { inbox }) => sum + inbox.length, 0));
  for (const uid of UIDS) {
    const open = await redis.zrange(userKeys.open(uid), 0, -1, 'WITHSCORES');
    const sum = open.filter((_, i) => i % 2 === 1).reduce((total, score) => total + Number(score), 0);
    expect([open.length / 2, sum]).toEqual([
      sessionsOf(model, uid).filter(({ inbox }) => inbox.length > 0).length,
      openOf(model, uid),
    ]);
    const listed = [...model.entries.values()].filter(({ ref, hidden }) => ref.uid === uid && !hidden);
    expect((await redis.zrange(userKeys.keys(uid), 0, -1)).sort()).toEqual(
      listed.map(({ ref }) => ref.key).sort(),
    );
    const running = await redis.zrange(userKeys.running(uid), 2, '+inf', 'BYSCORE');
    const expected = sessionsOf(model, uid).filter((session) => session.running);
    expect(running.sort()).toEqual(expected.map(({ ref }) => ref.sid).sort());
  }
}

async function idempotency(redis: Redis, model: Model): Promise<void> {
  for (const [id, { sid, tid, status }] of model.idem) {
    const [slot = 0, runId = ''] = id.split('|');
    const { uid, key } = SLOTS[Number(slot)] ?? SLOTS[0];
    expect(await findTurn(redis, uid, key, runId)).toMatchObject({ sid, turnId: tid, status });
  }
}

async function oneSession(redis: Redis, session: ModelSession): Promise<void> {
  const { sid } = session.ref;
  if (session.gone) {
    const left = Object.values(sessionKeys).map((key) => key(sid));
    expect(await redis.exists(...left)).toBe(0);
    return;
  }
  expect(await redis.lrange(sessionKeys.inbox(sid), 0, -1)).toEqual(session.inbox.map(({ tid }) => tid));
  expect(await redis.hlen(sessionKeys.turns(sid))).toBe(session.inbox.length * 4);
  expect((await redis.ttl(sessionKeys.state(sid))) > 0).toBe(session.mortal);
  const items = await redis.lrange(sessionKeys.log(sid), 0, -1);
  const first = session.base + 1;
  expect(items.map((item, i) => decodeItem(item, first + i))).toEqual(session.records.slice(session.base));
  expect(await readState(redis, sid)).toMatchObject({
    seq: session.records.length,
    base: session.base,
    archivedSeq: session.archived,
    contextFromSeq: session.ctx,
    cold: session.cold,
    deleted: session.deleted,
    currentTurnId: session.cur?.tid ?? '',
  });
  const flags = (await redis.hkeys(sessionKeys.state(sid))).filter((name) => name.startsWith('abort:'));
  expect(flags.sort()).toEqual(aborted(session).sort());
  const { events } = await readEvents(redis, session.ref, '');
  expect(events.map(shape)).toEqual(session.events);
  expectUnbroken(events);
  expect(events[0]?.prev ?? '').toBe('');
  expect(events.slice(1).every(({ prev }) => prev !== '')).toBe(true);
}

const aborted = ({ inbox }: ModelSession): string[] =>
  inbox.filter(({ abort }) => abort !== '').map(({ tid }) => `abort:${tid}`);

export const shape = ({ n, e }: LoggedEvent): ModelEvent => ({ t: e.t, run: (e as RunEvent).run, n });
