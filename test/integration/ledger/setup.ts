/** A Redis of its own for each file, because queue and counts are shared by everybody on one server. */
import { randomUUID } from 'node:crypto';
import {
  acceptTurn,
  type Accepted,
  type Caps,
  type Ending,
  type NewTurn,
  type Run,
  type SessionRef,
} from '@moltbot/turns';
import { queueKeys, sessionKeys, userKeys } from '@moltbot/shared/redis';
import type { EndEvent, RunEvent, SessionRecord } from '@moltbot/shared/contracts';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { startRedis, type RedisServer } from '../../support/redis.ts';

export const WIDE: Caps = { session: 100, user: 100, all: 1_000 };
export const LANE = 'main' as const;
export const USER_CAP = 8;

/** A connection on which every script's reply is lost once, so that it is sent a second time. */
export function forgetful(redis: Redis): Redis {
  return new Proxy(redis, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (name !== 'evalsha' && name !== 'eval') return member.bind(target) as unknown;
      return async (...args: unknown[]): Promise<unknown> => {
        await member.apply(target, args);
        return (await member.apply(target, args)) as unknown;
      };
    },
  });
}

/** A connection that something is done behind each of whose XRANGEs. */
export function watching(redis: Redis, then: (entries: readonly unknown[]) => Promise<void>): Redis {
  return new Proxy(redis, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (name !== 'xrange') return member.bind(target) as unknown;
      return async (...args: unknown[]): Promise<unknown> => {
        const entries = (await member.apply(target, args)) as unknown[];
        await then(entries);
        return entries;
      };
    },
  });
}

export type Ledger = Readonly<{ redis(): Redis; connect(): Redis; newUser(): string }>;

export function useLedger(): Ledger {
  let server: RedisServer | undefined;
  let redis: Redis | undefined;
  const connect = (): Redis => new Redis(server?.socket ?? '');
  beforeAll(async () => {
    server = await startRedis();
    redis = connect();
  });
  afterAll(async () => {
    redis?.disconnect();
    await server?.[Symbol.asyncDispose]();
  });
  return {
    redis: () => {
      if (redis === undefined) throw new Error('the ledger is there while tests run');
      return redis;
    },
    connect: () => {
      const own = connect();
      onTestFinished(() => own.disconnect());
      return own;
    },
    newUser: () => `u-${randomUUID()}`,
  };
}

export function newTurn(ref: SessionRef, runId: string): NewTurn {
  const { uid, key, sid } = ref;
  return {
    content: { runId, sid, uid, key, shownKey: key, agentId: 'main', lane: LANE, kind: 'chat' },
    record: { runId, content: [{ type: 'text', text: `say ${runId}` }], timestamp: 1 },
    title: `say ${runId}`,
  };
}

export async function accept(
  redis: Redis,
  ref: SessionRef,
  runId: string,
  caps: Caps = WIDE,
): Promise<Accepted> {
  return await acceptTurn(redis, newTurn(ref, runId), caps);
}

export async function acceptNew(redis: Redis, ref: SessionRef, runId: string): Promise<string> {
  const accepted = await accept(redis, ref, runId);
  if (accepted.kind !== 'accepted') throw new Error(`${runId} was answered ${accepted.kind}`);
  return accepted.turnId;
}

export const delta = (run: Run, text: string): RunEvent => ({
  t: 'delta',
  tid: run.content.turnId,
  run: run.content.runId,
  text,
});

function endEvent(run: Run, outcome: EndEvent['outcome']): EndEvent {
  const { turnId, runId, shownKey, kind } = run.content;
  const error = outcome === 'error' ? { error: { code: 'INTERNAL', message: 'the model fell over' } } : {};
  return {
    t: 'end',
    tid: turnId,
    run: runId,
    shown: shownKey,
    outcome,
    kind,
    startedAt: 1,
    endedAt: 2,
    ...error,
  };
}

export function answer(turnId: string, runId: string): SessionRecord {
  const usage = { input: 1, output: 2, cacheRead: 0, cacheWrite: 0, costMicroUsd: 3 };
  return {
    type: 'assistant',
    turnId,
    runId,
    content: [{ type: 'text', text: `answer to ${runId}` }],
    provider: 'demo',
    model: 'demo-1',
    api: 'anthropic-messages',
    usage,
    stopReason: 'stop',
    timestamp: 2,
  };
}

export function ending(run: Run, outcome: EndEvent['outcome'] = 'final'): Ending {
  const records = outcome === 'final' ? [answer(run.content.turnId, run.content.runId)] : [];
  return { event: endEvent(run, outcome), records, entry: {} };
}

/** What the clock would do in eight seconds: the lease of whoever runs the session lies in the past. */
export async function expireLease(redis: Redis, ref: SessionRef): Promise<void> {
  await redis
    .multi()
    .hset(sessionKeys.state(ref.sid), 'lease', 1)
    .zadd(userKeys.running(ref.uid), 'XX', 1, ref.sid)
    .zadd(queueKeys.due, 'XX', 1, ref.sid)
    .exec();
}
