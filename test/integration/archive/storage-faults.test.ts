/** The product on a storage that hangs, and a store on a disk that fails: real file systems, no stand-ins. */
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { internalClient } from '@moltbot/gateway';
import { sessionKeys } from '@moltbot/shared/redis';
import { readEntry, readRecords, readState, type SessionRef } from '@moltbot/turns';
import type { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { readArchive } from '../../support/archive-files.ts';
import { startCluster, type Cluster } from '../../support/cluster.ts';
import { bindMount, lyingDisk, mayBind, mayLoop, mortalDisk } from '../../support/mounts.ts';
import { listen, newPerson, until, type Listener } from '../../support/people.ts';
import { freePort } from '../../support/ports.ts';
import { service, type Program } from '../../support/service-process.ts';
import {
  ask,
  askRecords,
  newSession,
  recordsInRedis,
  runTurns,
  untilArchived,
  useArchive,
  type Store,
} from './setup.ts';

const archive = useArchive();
const IDLE_MS = 1_000;

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'moltbot-faults-'));
  onTestFinished(async () => await rm(made, { recursive: true, force: true }));
  return made;
}

type Product = Readonly<{ cluster: Cluster; store: Program; storeUrl: string; who: Listener }>;

/** A cluster whose one store archives into `root`, and evicts soon. */
async function startOn(root: string): Promise<Product> {
  const storeUrl = `http://127.0.0.1:${await freePort()}`;
  const cluster = await startCluster({
    gateways: 1,
    workers: 1,
    stores: 0,
    env: { SESSION_STORE_URL: storeUrl },
  });
  onTestFinished(async () => await cluster[Symbol.asyncDispose]());
  const store = service('session-store', 'store', storeUrl, {
    REDIS_URL: cluster.redisUrl,
    INTERNAL_SECRET: cluster.internalSecret,
    SESSION_STORE_PORT: new URL(storeUrl).port,
    ARCHIVE_DIR: root,
    SESSION_IDLE_EVICT_MS: String(IDLE_MS),
    SHARD_LEASE_MS: '2000',
  });
  onTestFinished(async () => await store[Symbol.asyncDispose]());
  await store.start();
  const wsUrl = cluster.gateways[0]?.wsUrl ?? '';
  using admin = listen(wsUrl, cluster.token);
  const who = listen(wsUrl, (await newPerson(admin, 'ada')).token);
  onTestFinished(() => who[Symbol.dispose]());
  return { cluster, store, storeUrl, who };
}

async function say(who: Listener, sessionKey: string, message: string): Promise<string> {
  const runId = randomUUID();
  await who.request('chat.send', { sessionKey, message, idempotencyKey: runId });
  return (await who.end(runId)).state;
}

async function lagSeconds(storeUrl: string): Promise<number> {
  const text = await (await fetch(`${storeUrl}/metrics`)).text();
  return Number(/^moltbot_archive_lag_seconds (.+)$/m.exec(text)?.[1] ?? 0);
}

async function stateOf({ cluster }: Product, key: string) {
  const sid = (await readEntry(cluster.redis, 'ada', `agent:main:${key}`))?.['sid'] ?? '';
  return { sid, state: await readState(cluster.redis, sid) };
}

/** Answers in time that the archive does not. */
async function refusesInTime(asked: Promise<unknown>): Promise<void> {
  const startedAtMs = Date.now();
  await expect(asked).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(Date.now() - startedAtMs).toBeLessThan(15_000);
}

test.runIf(mayBind())(
  'T-9: while the storage hangs chats go on, nothing leaves Redis that is not on disk, and all of it is written after',
  { timeout: 120_000 },
  async () => {
    const base = await folder();
    const below = join(base, 'below');
    await mkdir(below, { mode: 0o700 });
    const mount = await bindMount(below, join(base, 'mount'));
    onTestFinished(async () => await mount[Symbol.asyncDispose]());
    const product = await startOn(mount.path);
    const { cluster, storeUrl, who } = product;
    await say(who, 'past', '#echo long ago');
    await until(async () => (await stateOf(product, 'past')).state?.cold, 'the past session is cold');
    await say(who, 'present', '#echo before');

    onTestFinished(async () => await mount.server.signal('SIGCONT')); // before whatever hangs in it is to end
    await mount.server.signal('SIGSTOP');
    for (let turn = 1; turn <= 6; turn += 1)
      expect(await say(who, 'present', `#echo turn ${turn}`)).toBe('final');
    expect(await say(who, 'fresh', '#echo a new one')).toBe('final');
    const lag = await until(async () => {
      const seen = await lagSeconds(storeUrl);
      return seen > 3 && seen;
    }, 'the lag grows');
    await until(async () => (await lagSeconds(storeUrl)) > lag + 0.5, 'the lag grows on');

    // idle for three times what it takes to be evicted
    for (const [key, seq] of [
      ['present', 14],
      ['fresh', 2],
    ] as const) {
      const { sid, state } = await stateOf(product, key);
      expect(state).toMatchObject({ seq, base: 0, cold: false });
      expect(state?.archivedSeq).toBeLessThan(seq);
      expect(await cluster.redis.llen(sessionKeys.log(sid))).toBe(seq);
    }
    const asking = internalClient(storeUrl, cluster.internalSecret);
    const past = await stateOf(product, 'past');
    await refusesInTime(asking.post('/internal/v1/records', { uid: 'ada', sid: past.sid }, 20_000));
    await refusesInTime(asking.post('/internal/v1/verify', {}, 20_000));
    await refusesInTime(who.request('chat.history', { sessionKey: 'past' }));
    expect((await fetch(`${storeUrl}/readyz`)).status).toBe(200);

    const { sid } = await stateOf(product, 'present');
    const log = await readRecords(cluster.redis, sid, 0, 1, 14);
    await mount.server.signal('SIGCONT');
    await until(async () => (await lagSeconds(storeUrl)) === 0, 'nothing waits any more', 60_000);
    const { state } = await stateOf(product, 'present');
    expect(state).toMatchObject({ seq: 14, archivedSeq: 14 });
    const { records } = (await asking.post('/internal/v1/records', { uid: 'ada', sid })) as {
      records: unknown[];
    };
    expect(JSON.stringify(records)).toBe(JSON.stringify(log));
    const { lines, broken } = await readArchive(below, 'ada', sid);
    expect(broken).toEqual([]);
    expect([...new Set(lines.map(({ seq }) => seq))]).toEqual(log.map(({ seq }) => seq));
    expect(await asking.post('/internal/v1/verify', {})).toMatchObject({
      sessions: 3,
      records: 18,
      faults: [],
    });
    expect(await say(who, 'past', '#echo and again')).toBe('final');
  },
);

/** Until the store has said that it could not write. */
async function talkUntilRefused(redis: Redis, store: Store, refs: readonly SessionRef[]): Promise<void> {
  await until(
    async () => {
      await Promise.all(refs.map(async (ref) => await runTurns(redis, ref, 10)));
      return (await store.metric('moltbot_archive_records_total{result="failed"}')) > 0;
    },
    'the store cannot write',
    60_000,
  );
}

const newSessions = async (redis: Redis, count: number): Promise<SessionRef[]> =>
  await Promise.all(Array.from({ length: count }, async () => await newSession(redis, archive.newUser())));

async function allArchivedAndWhole(redis: Redis, store: Store, refs: readonly SessionRef[]): Promise<void> {
  for (const ref of refs) await untilArchived(redis, ref);
  for (const ref of refs)
    expect(await ask(store, 'verify', { uid: ref.uid })).toMatchObject({ sessions: 1, faults: [] });
}

test.runIf(mayLoop())(
  'T-9: records whose writing succeeded and whose sync failed are not called archived, and are written again',
  async () => {
    const redis = archive.redis();
    const disk = lyingDisk(await folder(), 1);
    onTestFinished(() => disk[Symbol.dispose]());
    const store = await archive.start(join(disk.path, 'sessions'));
    const refs = await newSessions(redis, 8);
    await talkUntilRefused(redis, store, refs);
    expect(store.lines.some((line) => line.includes('fdatasync'))).toBe(true);
    for (const ref of refs) {
      const page = await askRecords(store, ref).catch(() => ({ records: [] }));
      const known = await recordsInRedis(redis, ref);
      expect(page.records).toEqual(known.slice(0, page.records.length));
    }
    disk.giveRoom();
    await allArchivedAndWhole(redis, store, refs);
  },
);

test.runIf(mayBind() && mayLoop())(
  'T-9: what was called archived is on the disk after it died, and the rest follows when it is back',
  async () => {
    const redis = archive.redis();
    const disk = await mortalDisk(await folder());
    onTestFinished(async () => await disk[Symbol.asyncDispose]());
    const root = join(disk.path, 'sessions');
    const store = await archive.start(root);
    const refs = await newSessions(redis, 8);
    for (const ref of refs) await runTurns(redis, ref, 3);
    for (const ref of refs) await untilArchived(redis, ref);
    const talking = talkUntilRefused(redis, store, refs);
    await until(
      async () => ((await readState(redis, refs[0]?.sid ?? ''))?.archivedSeq ?? 0) > 6,
      'it talks on',
    );
    await disk.die();
    await talking;
    expect(store.lines.some((line) => line.includes('EIO'))).toBe(true);
    const marked = await Promise.all(refs.map(async ({ sid }) => await readState(redis, sid)));
    await disk.revive();
    for (const [at, { uid, sid }] of refs.entries()) {
      const { lines, broken } = await readArchive(root, uid, sid);
      const seqs = new Set(lines.map(({ seq }) => seq));
      const lost = Array.from({ length: marked[at]?.archivedSeq ?? 0 }, (_, n) => n + 1).filter(
        (seq) => !seqs.has(seq),
      );
      expect({ lost, broken }).toEqual({ lost: [], broken: [] });
    }
    await allArchivedAndWhole(redis, store, refs);
    for (const ref of refs) {
      const [page, known] = [await askRecords(store, ref), await recordsInRedis(redis, ref)];
      expect(page.records).toEqual(known.slice(-page.records.length));
    }
  },
);
