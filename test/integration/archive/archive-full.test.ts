import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readState, type SessionRef } from '@moltbot/turns';
import type { Redis } from 'ioredis';
import { onTestFinished, test } from 'vitest';
import {
  ask,
  askRecords,
  newSession,
  recordsInRedis,
  runTurns,
  SECRET,
  segments,
  until,
  untilArchived,
  useArchive,
} from './setup.ts';

const archive = useArchive();
const ROOM_BYTES = 64 * 1024;

/** Where this user may mount nothing, the other test alone fills a file; it needs no rights. */
function mayMount(): boolean {
  const root = mkdtempSync(join(tmpdir(), 'moltbot-mount-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', root]);
  if (status === 0) execFileSync('umount', [root]);
  rmdirSync(root);
  return status === 0;
}

async function smallFileSystem(): Promise<string> {
  const root = join(await archive.newRoot(), 'small');
  await mkdir(root);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${ROOM_BYTES}`, 'tmpfs', root]);
  onTestFinished(() => void execFileSync('umount', ['-l', root]));
  return root;
}

/** Turns until a store has said that it could not write. */
async function fill(redis: Redis, ref: SessionRef, failed: () => Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + 20_000;
  while (!(await failed())) {
    if (Date.now() > deadlineMs) throw new Error('the file system does not fill up');
    await runTurns(redis, ref, 10);
  }
}

/**
 * The same as a full disk where nothing may be mounted: a store in a process of its own, whose
 * files may not grow past a limit (EFBIG), until the limit is lifted from outside.
 */
async function limitedStore(redis: Redis, root: string): Promise<{ pid: number; url: string }> {
  const main = new URL('../../../services/session-store/src/main.ts', import.meta.url).pathname;
  const env = {
    ...process.env,
    REDIS_URL: `unix://${String(redis.options.path)}`,
    INTERNAL_SECRET: SECRET,
    SESSION_STORE_PORT: '0',
    SESSION_STORE_HOST: '127.0.0.1',
    ARCHIVE_DIR: root,
    ARCHIVE_BATCH_MS: '5',
  };
  const args = [`--fsize=${ROOM_BYTES / 2}:unlimited`, process.execPath, '--conditions=moltbot-source', main];
  const child = spawn('prlimit', args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await until(() => /"port":\d+/.test(output));
  return { pid: child.pid ?? 0, url: `http://127.0.0.1:${/"port":(\d+)/.exec(output)?.[1] ?? ''}` };
}

async function written(url: string, result: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`archive_records_total\\{result="${result}"\\} (\\d+)`).exec(text)?.[1] ?? 0);
}

test.runIf(mayMount())(
  'T-9: a full disk marks nothing that is not written, and what waited is written once there is room',
  async ({ expect }) => {
    const redis = archive.redis();
    const ref = await newSession(redis, archive.newUser());
    const root = await smallFileSystem();
    const store = await archive.start(root);
    await runTurns(redis, ref, 2);
    await untilArchived(redis, ref);
    await fill(
      redis,
      ref,
      async () => (await store.metric('moltbot_archive_records_total{result="failed"}')) > 0,
    );
    const state = await readState(redis, ref.sid);
    expect(state?.archivedSeq).toBeLessThan(state?.seq ?? 0);
    const page = await askRecords(store, ref);
    expect(page.records).toEqual((await recordsInRedis(redis, ref)).slice(0, page.records.length));
    expect(page.records.length).toBe((await readState(redis, ref.sid))?.archivedSeq);
    for (const { text } of await segments(root, ref)) expect(text.endsWith('\n')).toBe(true);
    expect(store.lifecycle.ready()).toBe(true);
    expect(store.lines.some((line) => line.includes('ENOSPC'))).toBe(true);
    await until(async () => (await store.metric('moltbot_archive_lag_seconds')) > 0.2);
    execFileSync('mount', ['-o', 'remount,size=16m', root]);
    await untilArchived(redis, ref);
    expect((await askRecords(store, ref)).records).toEqual(await recordsInRedis(redis, ref));
    await expect(ask(store, 'verify', { uid: ref.uid, sid: ref.sid })).resolves.toMatchObject({
      missing: [],
    });
  },
);

test('T-9: a file that may not grow is continued in the same place or another, and reads as one history', async ({
  expect,
}) => {
  const redis = archive.redis();
  const root = await archive.newRoot();
  const ref = await newSession(redis, archive.newUser());
  const store = await limitedStore(redis, root);
  await runTurns(redis, ref, 2);
  await untilArchived(redis, ref);
  await fill(redis, ref, async () => (await written(store.url, 'failed')) > 0);
  const before = await readState(redis, ref.sid);
  expect(before?.archivedSeq).toBeLessThan(before?.seq ?? 0);
  expect(before?.archivedSeq).toBeGreaterThan(0);
  execFileSync('prlimit', [`--pid=${store.pid}`, '--fsize=unlimited:unlimited']);
  await untilArchived(redis, ref);
  const reader = await archive.start(root);
  expect((await askRecords(reader, ref)).records).toEqual(await recordsInRedis(redis, ref));
  await expect(ask(reader, 'verify', { uid: ref.uid, sid: ref.sid })).resolves.toMatchObject({ missing: [] });
});
