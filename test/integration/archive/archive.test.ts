import { randomBytes, randomUUID } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { chmod, copyFile, mkdir, readdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { archiveKeys, sessionKeys, shardOf } from '@moltbot/shared/redis';
import { deleteSession, forgetSession, injectRecord, readState, type SessionRef } from '@moltbot/turns';
import { describe, test } from 'vitest';
import { answer } from '../ledger/setup.ts';
import {
  ask,
  askRecords,
  newSession,
  recordsInRedis,
  runTurn,
  runTurns,
  segments,
  until,
  untilArchived,
  useArchive,
} from './setup.ts';

const archive = useArchive();

describe('what is written', () => {
  test('T-9: every committed record is archived, in order and to the byte', async ({ expect }) => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    const store = await archive.start(root);
    const refs = await Promise.all(
      Array.from({ length: 20 }, async () => await newSession(redis, archive.newUser())),
    );
    await Promise.all(refs.map(async (ref) => await runTurns(redis, ref, 5)));
    for (const ref of refs) {
      await untilArchived(redis, ref);
      const page = await askRecords(store, ref);
      expect(page).toEqual({ records: await recordsInRedis(redis, ref), hasMore: false, missing: [] });
      expect(page.records.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      expect(JSON.stringify(page.records)).toBe(JSON.stringify(await recordsInRedis(redis, ref)));
    }
    expect(await store.metric('moltbot_archive_records_total{result="written"}')).toBe(200);
    expect(await store.metric('moltbot_archive_lag_seconds')).toBe(0);
  });

  test('a segment reads as a transcript of Moltbot', async ({ expect }) => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    await archive.start(root);
    const ref = await newSession(redis, archive.newUser());
    await runTurn(redis, ref, 'hello');
    await untilArchived(redis, ref);
    const text = (await segments(root, ref)).map((segment) => segment.text).join('');
    const [head, user, assistant] = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string });
    expect(head).toMatchObject({ type: 'session', version: 3, id: ref.sid, key: ref.key, user: ref.uid });
    expect(user).toMatchObject({
      type: 'message',
      id: expect.stringMatching(/^[0-9a-f]{8}$/) as string,
      parentId: null,
      seq: 1,
      message: {
        role: 'user',
        content: [{ type: 'text', text: 'say hello\n[message_id: hello]' }],
        timestamp: 1,
      },
    });
    expect(assistant).toMatchObject({
      type: 'message',
      parentId: user?.id,
      timestamp: '1970-01-01T00:00:00.002Z',
      message: {
        role: 'assistant',
        content: [{ type: 'text', text: 'answer to hello' }],
        provider: 'demo',
        stopReason: 'stop',
        usage: { input: 1, output: 2, totalTokens: 3, cost: { total: 0.000003 } },
      },
    });
  });

  test('directories are 0700 and files 0600, whatever the umask; the corrected command of the guide mends others', async ({
    expect,
  }) => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    const before = process.umask(0);
    try {
      await archive.start(join(root, 'sessions'));
      const ref = await newSession(redis, archive.newUser());
      await runTurn(redis, ref);
      await untilArchived(redis, ref);
      const dir = join(root, 'sessions', ref.uid, ref.sid);
      const file = join(dir, (await readdir(dir))[0] ?? '');
      const mode = async (path: string): Promise<string> => ((await stat(path)).mode & 0o7777).toString(8);
      for (const path of [join(root, 'sessions'), join(root, 'sessions', ref.uid), dir])
        expect(await mode(path)).toBe('700');
      expect(await mode(file)).toBe('600');
      await chmod(file, 0o644);
      execFileSync('find', [join(root, 'sessions'), '-name', '*.jsonl', '-exec', 'chmod', '600', '{}', '+']);
      expect(await mode(file)).toBe('600');
    } finally {
      process.umask(before);
    }
  });

  test('a record that no turn made is archived too', async ({ expect }) => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    const store = await archive.start(root);
    const ref = await newSession(redis, archive.newUser());
    await runTurn(redis, ref);
    const note = answer('note', 'inject-1');
    await injectRecord(redis, ref, note, { t: 'injected', run: 'inject-1', shown: ref.key, message: note });
    await untilArchived(redis, ref);
    expect((await askRecords(store, ref)).records.at(-1)?.record).toEqual(note);
  });
});

describe('who writes', () => {
  test('T-9: stores share the shards, and one that leaves hands over at once', async ({ expect }) => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    const first = await archive.start(root);
    expect(await first.metric('moltbot_archive_shards')).toBe(16);
    const second = await archive.start(root);
    await until(async () => (await second.metric('moltbot_archive_shards')) === 8);
    expect(await first.metric('moltbot_archive_shards')).toBe(8);
    const ref = await newSession(redis, archive.newUser());
    await runTurns(redis, ref, 3);
    await untilArchived(redis, ref);
    await first[Symbol.asyncDispose]();
    await until(async () => (await second.metric('moltbot_archive_shards')) === 16);
    await runTurns(redis, ref, 3);
    await untilArchived(redis, ref);
    expect((await askRecords(second, ref)).records).toEqual(await recordsInRedis(redis, ref));
  });

  test('T-9: two archivers of one shard leave two segments and one history', async ({ expect }) => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    const ref = await newSession(redis, archive.newUser());
    const first = await archive.start(root, { shardLeaseMs: 60_000 });
    await runTurns(redis, ref, 2);
    await untilArchived(redis, ref);
    // what a paused owner looks like: its lease is over, it does not know, and nothing it did was marked
    await redis.hset(archiveKeys.lease(shardOf(ref.sid)), 'until', 1);
    await redis.zrem(archiveKeys.owners, await redis.zrange(archiveKeys.owners, 0, -1));
    await redis.hset(sessionKeys.state(ref.sid), 'archivedSeq', 1);
    const second = await archive.start(root, { shardLeaseMs: 60_000 });
    await runTurns(redis, ref, 2);
    await untilArchived(redis, ref);
    const files = await segments(root, ref);
    expect(files).toHaveLength(2);
    expect(files[1]?.text).toContain('"seq":2,');
    const whole = await recordsInRedis(redis, ref);
    expect((await askRecords(second, ref)).records).toEqual(whole);
    expect((await askRecords(first, ref)).records).toEqual(whole);
  });
});

describe('what a crash leaves', () => {
  test('T-9: cut off at any byte of its last line, an archive is what was archived before that line', async ({
    expect,
  }) => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    const store = await archive.start(root);
    const ref = await newSession(redis, archive.newUser());
    await runTurns(redis, ref, 3);
    await untilArchived(redis, ref);
    const records = await recordsInRedis(redis, ref);
    const [segment] = await segments(root, ref);
    const { path, text } = segment ?? { path: '', text: '' };
    const whole = Buffer.byteLength(text);
    const lastLine = Buffer.byteLength(text.trimEnd().split('\n').at(-1) ?? '') + 1;
    await copyFile(path, `${path}.whole`);
    for (let size = whole - lastLine; size < whole; size += 1) {
      await copyFile(`${path}.whole`, path);
      await truncate(path, size);
      const page = await askRecords(store, ref);
      expect(page.records, `${size} of ${whole} bytes`).toEqual(records.slice(0, 5));
      expect(page.missing).toEqual([{ fromSeq: 6, toSeq: 6 }]);
    }
    expect(await store.metric('moltbot_archive_torn_lines_total')).toBe(lastLine - 1);
    expect(await store.metric('moltbot_archive_damaged_lines_total')).toBe(0);
  });

  test('T-9: a file that was cut is never appended to: what follows stands in a new segment', async ({
    expect,
  }) => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    const store = await archive.start(root, { batchMs: 0 });
    const ref = await newSession(redis, archive.newUser());
    await runTurns(redis, ref, 2);
    await untilArchived(redis, ref);
    const [segment] = await segments(root, ref);
    await store[Symbol.asyncDispose]();
    await truncate(segment?.path ?? '', Buffer.byteLength(segment?.text ?? '') - 7);
    await redis.hset(sessionKeys.state(ref.sid), 'archivedSeq', 3);
    await redis.zadd(archiveKeys.dirty(shardOf(ref.sid)), 1, ref.sid);
    const next = await archive.start(root);
    await runTurns(redis, ref, 1);
    await untilArchived(redis, ref);
    expect(await segments(root, ref)).toHaveLength(2);
    expect((await askRecords(next, ref)).records).toEqual(await recordsInRedis(redis, ref));
    await expect(ask(next, 'verify', { uid: ref.uid, sid: ref.sid })).resolves.toMatchObject({
      tornSegments: 1,
    });
  });

  test('a damaged line before the last is an alarm; history serves the rest and says what is missing', async ({
    expect,
  }) => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    const store = await archive.start(root);
    const ref = await newSession(redis, archive.newUser());
    await runTurns(redis, ref, 2);
    await untilArchived(redis, ref);
    const records = await recordsInRedis(redis, ref);
    const [segment] = await segments(root, ref);
    await writeFile(segment?.path ?? '', (segment?.text ?? '').replace('"seq":2,', '"seq":7,'));
    expect(await askRecords(store, ref)).toEqual({
      records: records.filter(({ seq }) => seq !== 2),
      hasMore: false,
      missing: [{ fromSeq: 2, toSeq: 2 }],
    });
    expect(await store.metric('moltbot_archive_damaged_lines_total')).toBe(1);
    expect(store.lines.filter((line) => line.includes('"archive.damaged"'))).toHaveLength(1);
    await expect(ask(store, 'verify', { uid: ref.uid, sid: ref.sid })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
  });
});

describe('a deleted session', () => {
  const setAside = async (root: string, ref: SessionRef): Promise<string[]> =>
    (await readdir(join(root, ref.uid))).filter((name) => name.startsWith(`${ref.sid}.deleted.`));

  test('is put aside when all of it is archived, and leaves nothing in Redis', async ({ expect }) => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    const store = await archive.start(root);
    const ref = await newSession(redis, archive.newUser());
    await runTurns(redis, ref, 2);
    await deleteSession(redis, ref);
    await until(async () => (await redis.keys(`*${ref.sid}*`)).length === 0);
    const [name] = await setAside(root, ref);
    expect(name).toMatch(/\.deleted\.\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z$/);
    const dir = join(root, ref.uid, name ?? '');
    expect(await readdir(dir)).toHaveLength(1);
    await expect(askRecords(store, ref)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await redis.zscore(archiveKeys.dirty(shardOf(ref.sid)), ref.sid)).toBeNull();
  });

  test('whose directory went before a crash is forgotten all the same', async ({ expect }) => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    const ref = await newSession(redis, archive.newUser());
    await mkdir(join(root, ref.uid));
    await deleteSession(redis, ref);
    await archive.start(root);
    await until(async () => (await redis.exists(sessionKeys.state(ref.sid))) === 0);
    expect(await setAside(root, ref)).toEqual([]);
    expect(await forgetSession(redis, ref.sid)).toBe(false);
  });
});

describe('questions', () => {
  test('pages backwards, shows nobody the session of another, and lists past generations', async ({
    expect,
  }) => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    const store = await archive.start(root);
    const ref = await newSession(redis, archive.newUser());
    await runTurns(redis, ref, 5);
    await untilArchived(redis, ref);
    const seqs = async (more: object): Promise<unknown> => {
      const { records, hasMore } = await askRecords(store, ref, more);
      return [records.map(({ seq }) => seq), hasMore];
    };
    expect(await seqs({ limit: 3 })).toEqual([[8, 9, 10], true]);
    expect(await seqs({ limit: 3, beforeSeq: 4 })).toEqual([[1, 2, 3], false]);
    expect(await seqs({ limit: 3, beforeSeq: 1 })).toEqual([[], false]);
    const stranger = { ...ref, uid: archive.newUser() };
    await expect(askRecords(store, stranger)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(askRecords(store, { ...ref, uid: '../x' })).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
    });
    await expect(askRecords(store, { ...ref, sid: randomUUID() })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await expect(ask(store, 'rehydrate', { uid: stranger.uid, sid: ref.sid })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    expect(await ask(store, 'sessions', { uid: ref.uid })).toEqual({
      sessions: [{ sid: ref.sid, key: ref.key, firstAtMs: 1, lastAtMs: 2, records: 10 }],
    });
    expect(await ask(store, 'sessions', { uid: stranger.uid })).toEqual({ sessions: [] });
    const unknown = await fetch(`${store.url}/internal/v1/records`, { method: 'POST' });
    expect(unknown.status).toBe(401);
  });

  test('a record of the archive that Redis took back is not shown', async ({ expect }) => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    const store = await archive.start(root);
    const ref = await newSession(redis, archive.newUser());
    await runTurns(redis, ref, 2);
    await untilArchived(redis, ref);
    // what a failover does: the last commit never was, and another turn comes instead
    await redis.rpop(sessionKeys.log(ref.sid), 1);
    await redis.hset(sessionKeys.state(ref.sid), { seq: 3, archivedSeq: 3 });
    expect((await askRecords(store, ref)).records.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    await runTurn(redis, ref, `after-${randomBytes(2).toString('hex')}`);
    await untilArchived(redis, ref);
    expect((await askRecords(store, ref)).records).toEqual(await recordsInRedis(redis, ref));
    expect((await readState(redis, ref.sid))?.archivedSeq).toBe(5);
  });
});

test('a file that hangs costs the question 5 s, not the service', async ({ expect }) => {
  const redis = archive.redis();
  const root = await archive.newRoot();
  const store = await archive.start(root);
  const [hung, well] = [
    await newSession(redis, archive.newUser()),
    await newSession(redis, archive.newUser()),
  ];
  const pipe = join(root, hung.uid, hung.sid, '1.jsonl');
  await mkdir(join(root, hung.uid, hung.sid), { recursive: true });
  execFileSync('mkfifo', [pipe]); // opening it to read waits for a writer, as a dead NFS waits for its server
  const asked = askRecords(store, hung);
  await expect(asked).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await runTurn(redis, well);
  await untilArchived(redis, well);
  expect((await fetch(`${store.url}/health`)).status).toBe(200);
  await writeFile(pipe, '');
  expect((await askRecords(store, well)).records).toHaveLength(2);
});
