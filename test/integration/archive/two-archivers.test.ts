/** A store that was frozen in the middle of a write wakes up where another has long been in its place. */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readState, type SessionRef } from '@moltbot/turns';
import type { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { readArchive } from '../../support/archive-files.ts';
import { bindMount, mayBind } from '../../support/mounts.ts';
import { until } from '../../support/people.ts';
import { freePort } from '../../support/ports.ts';
import { service, type Program } from '../../support/service-process.ts';
import {
  ask,
  newSession,
  recordsInRedis,
  runTurns,
  SECRET,
  segments,
  untilArchived,
  useArchive,
} from './setup.ts';

const archive = useArchive();

async function startStore(name: string, redis: Redis, root: string): Promise<Program> {
  const port = await freePort();
  const store = service('session-store', name, `http://127.0.0.1:${port}`, {
    REDIS_URL: `unix://${String(redis.options.path)}`,
    INTERNAL_SECRET: SECRET,
    SESSION_STORE_PORT: String(port),
    SESSION_STORE_HOST: '127.0.0.1',
    ARCHIVE_DIR: root,
    ARCHIVE_BATCH_MS: '5',
    SHARD_LEASE_MS: '1000',
  });
  onTestFinished(async () => await store[Symbol.asyncDispose]());
  await store.start();
  return store;
}

/** A thread of it waits for the file system: it is in the middle of a write. */
function hangs(store: Program): boolean {
  const threads = `/proc/${store.pid()}/task`;
  const waitsFor = readdirSync(threads).map((thread) => readFileSync(join(threads, thread, 'wchan'), 'utf8'));
  return waitsFor.some((where) => where.includes('request_wait'));
}

test.runIf(mayBind())(
  'T-9: two stores that both believe to own a shard leave two segments, one history and a true archivedSeq',
  { timeout: 120_000 },
  async () => {
    const redis = archive.redis();
    const base = await archive.newRoot();
    const below = join(base, 'below');
    await mkdir(below, { mode: 0o700 });
    // the first sees the storage through a mount of its own, so that its calls alone hang
    const mount = await bindMount(below, join(base, 'mount'));
    onTestFinished(async () => await mount[Symbol.asyncDispose]());
    const first = await startStore('first', redis, mount.path);
    const refs: SessionRef[] = [];
    for (let at = 0; at < 4; at += 1) refs.push(await newSession(redis, archive.newUser()));
    for (const ref of refs) await runTurns(redis, ref, 2);
    for (const ref of refs) await untilArchived(redis, ref);

    onTestFinished(async () => await mount.server.signal('SIGCONT')); // before whatever hangs in it is to end
    await mount.server.signal('SIGSTOP');
    for (const ref of refs) await runTurns(redis, ref, 1);
    await until(() => hangs(first), 'the first store is in the middle of a write');
    await first.signal('SIGSTOP');
    const second = await archive.start(below);
    for (const ref of refs) await untilArchived(redis, ref);
    for (const ref of refs) await runTurns(redis, ref, 1);

    await mount.server.signal('SIGCONT');
    await first.signal('SIGCONT');
    const [one] = refs as [SessionRef];
    await until(async () => {
      const all = await Promise.all(refs.map(async (ref) => await twice(below, ref)));
      return all.some((seqs) => seqs.length > 0);
    }, 'what the first had begun is written as well');
    for (const ref of refs) await runTurns(redis, ref, 1);
    for (const ref of refs) await untilArchived(redis, ref);

    expect((await segments(below, one)).length).toBeGreaterThanOrEqual(2);
    for (const ref of refs) {
      expect(await readState(redis, ref.sid)).toMatchObject({ seq: 10, archivedSeq: 10 });
      expect(await ask(second, 'verify', { uid: ref.uid })).toMatchObject({
        records: 10,
        torn: 0,
        faults: [],
      });
      const { records } = (await ask(second, 'records', { uid: ref.uid, sid: ref.sid })) as {
        records: unknown;
      };
      expect(JSON.stringify(records)).toBe(JSON.stringify(await recordsInRedis(redis, ref)));
    }
  },
);

test.runIf(mayBind())(
  'T-9: a store whose storage hangs leaves its shards to one whose does not, and takes its share when it is back',
  { timeout: 150_000 },
  async () => {
    const redis = archive.redis();
    await redis.flushall();
    const base = await archive.newRoot();
    const below = join(base, 'below');
    await mkdir(below, { mode: 0o700 });
    const mount = await bindMount(below, join(base, 'mount'));
    onTestFinished(async () => await mount[Symbol.asyncDispose]());
    await startStore('hanging', redis, mount.path);
    const well = await archive.start(below);
    const shards = async (): Promise<number> => await well.metric('moltbot_archive_shards');
    await until(async () => (await shards()) === 8, 'the two share');
    const refs: SessionRef[] = [];
    for (let at = 0; at < 48; at += 1) refs.push(await newSession(redis, archive.newUser()));
    for (const ref of refs) await runTurns(redis, ref, 1);
    for (const ref of refs) await untilArchived(redis, ref);

    onTestFinished(async () => await mount.server.signal('SIGCONT')); // before whatever hangs in it is to end
    await mount.server.signal('SIGSTOP');
    for (const ref of refs) await runTurns(redis, ref, 1);
    await until(async () => (await shards()) === 16, 'the other has all shards', 90_000);
    for (const ref of refs) await untilArchived(redis, ref);

    await mount.server.signal('SIGCONT');
    await until(async () => (await shards()) === 8, 'they share again');
    for (const ref of refs) await runTurns(redis, ref, 1);
    for (const ref of refs) await untilArchived(redis, ref);
    for (const ref of refs) {
      const { records } = (await ask(well, 'records', { uid: ref.uid, sid: ref.sid })) as {
        records: unknown;
      };
      expect(JSON.stringify(records)).toBe(JSON.stringify(await recordsInRedis(redis, ref)));
      expect(await ask(well, 'verify', { uid: ref.uid })).toMatchObject({ records: 6, faults: [] });
    }
  },
);

/** Seqs that stand in more than one line. */
async function twice(root: string, { uid, sid }: SessionRef): Promise<number[]> {
  const seqs = (await readArchive(root, uid, sid)).lines.map(({ seq }) => seq);
  return seqs.filter((seq, at) => seqs.indexOf(seq) !== at);
}
