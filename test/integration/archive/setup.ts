/** A Redis and an archive directory of their own for each file, because the shards are shared by everybody on one server. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSessionStore, type SessionStore, type SessionStoreConfig } from '@moltbot/session-store';
import type { NumberedRecord } from '@moltbot/shared/contracts';
import { internalClient } from '@moltbot/gateway';
import { createLogControl } from '@moltbot/shared/telemetry';
import {
  beginTurn,
  commitTurn,
  openSession,
  readRecords,
  readState,
  type Run,
  type SessionRef,
} from '@moltbot/turns';
import type { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import { acceptNew, ending, LANE, USER_CAP, useLedger } from '../ledger/setup.ts';

export const SECRET = 'archive-tests-share-this-secret-of-theirs';
const DEADLINE_MS = 20_000;

export type Store = SessionStore & Readonly<{ lines: string[]; metric(name: string): Promise<number> }>;

export type Archive = Readonly<{
  redis(): Redis;
  newUser(): string;
  /** A directory that goes with the test. */
  newRoot(): Promise<string>;
  start(root: string, settings?: Partial<SessionStoreConfig>): Promise<Store>;
}>;

export function useArchive(): Archive {
  const ledger = useLedger();
  return {
    redis: ledger.redis,
    newUser: ledger.newUser,
    newRoot: async () => {
      const root = await mkdtemp(join(tmpdir(), 'moltbot-archive-'));
      onTestFinished(async () => await rm(root, { recursive: true, force: true }));
      return root;
    },
    async start(root, settings = {}) {
      const lines: string[] = [];
      const log = createLogControl('session-store', undefined, (line) => void lines.push(line)).logger;
      const config: SessionStoreConfig = {
        redisUrl: `unix://${String(ledger.redis().options.path)}`,
        http: { port: 0, host: '127.0.0.1' },
        internalSecret: SECRET,
        archiveDir: root,
        idleEvictMs: 30 * 60_000,
        batchMs: 5,
        shardLeaseMs: 1_000,
        ioThreads: 4,
        ...settings,
      };
      const store = await startSessionStore(config, { log });
      onTestFinished(async () => await store[Symbol.asyncDispose]());
      const metric = async (name: string): Promise<number> => {
        const found = new RegExp(`^${name.replace(/[{}"]/g, '\\$&')} (.+)$`, 'm').exec(
          await store.registry.metrics(),
        );
        return Number(found?.[1] ?? 0);
      };
      return { ...store, lines, metric };
    },
  };
}

export async function newSession(redis: Redis, uid: string, key = 'agent:main:main'): Promise<SessionRef> {
  return await openSession(redis, uid, key, LANE);
}

/** As a worker does it: two records, the user's and the model's. */
export async function runTurn(redis: Redis, ref: SessionRef, runId: string = randomUUID()): Promise<Run> {
  await acceptNew(redis, ref, runId);
  const begun = await beginTurn(redis, ref, randomUUID(), USER_CAP);
  if (begun.kind !== 'run') throw new Error(`the turn did not begin: ${begun.kind}`);
  await commitTurn(redis, begun.run, ending(begun.run));
  return begun.run;
}

export async function runTurns(redis: Redis, ref: SessionRef, count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await runTurn(redis, ref);
}

export async function recordsInRedis(redis: Redis, { sid }: SessionRef): Promise<NumberedRecord[]> {
  const state = await readState(redis, sid);
  return state ? await readRecords(redis, sid, state.base, 1, state.seq) : [];
}

export async function untilArchived(redis: Redis, ref: SessionRef): Promise<void> {
  await until(async () => {
    const state = await readState(redis, ref.sid);
    return state !== undefined && state.archivedSeq === state.seq;
  });
}

export async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  const deadlineMs = Date.now() + DEADLINE_MS;
  while (!(await condition())) {
    if (Date.now() > deadlineMs) throw new Error('did not come true in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export type Page = {
  records: NumberedRecord[];
  hasMore: boolean;
  missing: { fromSeq: number; toSeq: number }[];
};

export async function ask(store: SessionStore, path: string, body: unknown): Promise<unknown> {
  return await internalClient(store.url, SECRET).post(`/internal/v1/${path}`, body);
}

export async function askRecords(store: SessionStore, ref: SessionRef, more: object = {}): Promise<Page> {
  return (await ask(store, 'records', { uid: ref.uid, sid: ref.sid, limit: 1_000, ...more })) as Page;
}

/** The files of a session in the order they were written. */
export async function segments(root: string, ref: SessionRef): Promise<{ path: string; text: string }[]> {
  const dir = join(root, ref.uid, ref.sid);
  const names = (await readdir(dir)).toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return await Promise.all(
    names.map(async (name) => ({ path: join(dir, name), text: await readFile(join(dir, name), 'utf8') })),
  );
}
