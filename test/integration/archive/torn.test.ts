/** A crash can leave a segment cut at any byte of what was not acknowledged. */
import { copyFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { archiveKeys, sessionKeys, shardOf } from '@moltbot/shared/redis';
import { expect, test } from 'vitest';
import {
  ask,
  askRecords,
  newSession,
  recordsInRedis,
  runTurns,
  segments,
  untilArchived,
  useArchive,
} from './setup.ts';

const archive = useArchive();

type Page = { records: number; torn: number; faults: unknown[]; next?: string };

test(
  'T-9: cut at any byte of its last lines, an archive is whole up to there, and a restarted store goes on in a new segment',
  {
    timeout: 120_000,
  },
  async () => {
    const redis = archive.redis();
    const root = await archive.newRoot();
    const store = await archive.start(root);
    const ref = await newSession(redis, archive.newUser());
    await runTurns(redis, ref, 3);
    await untilArchived(redis, ref);
    const records = await recordsInRedis(redis, ref);
    const [segment] = await segments(root, ref);
    const { path, text } = segment ?? { path: '', text: '' };
    const kept = join(root, 'kept');
    await copyFile(path, kept);
    const ends = [...text.matchAll(/\n/g)].map(({ index }) => Buffer.byteLength(text.slice(0, index)) + 1);
    const dump = await redis.dumpBuffer(sessionKeys.state(ref.sid));
    await redis.del(sessionKeys.state(ref.sid)); // so that the files alone say what there is

    const [from = 0, to = 0] = [ends.at(-4), ends.at(-1)];
    expect(to - from).toBeGreaterThan(600);
    for (let size = from; size <= to; size += 1) {
      await copyFile(kept, path);
      await truncate(path, size);
      const whole = ends.filter((end) => end <= size).length - 1;
      const page = (await ask(store, 'verify', { uid: ref.uid })) as Page;
      const torn = ends.includes(size) ? 0 : 1;
      expect(page, `cut at ${size}`).toMatchObject({ records: whole, torn, faults: [] });
      expect((await askRecords(store, ref)).records).toEqual(records.slice(0, whole));
    }
    await store[Symbol.asyncDispose]();

    // an acknowledged line is never lost, so Redis knows at most the whole ones as archived
    for (let size = from; size < to; size += 61) {
      await copyFile(kept, path);
      await truncate(path, size);
      const whole = ends.filter((end) => end <= size).length - 1;
      await redis.restore(sessionKeys.state(ref.sid), 0, dump ?? '', 'REPLACE');
      await redis.hset(sessionKeys.state(ref.sid), 'archivedSeq', whole);
      await redis.zadd(archiveKeys.dirty(shardOf(ref.sid)), 1, ref.sid);
      const next = await archive.start(root);
      await untilArchived(redis, ref);
      expect(await segments(root, ref)).toHaveLength(2);
      const page = (await ask(next, 'verify', { uid: ref.uid })) as Page;
      expect(page, `cut at ${size}`).toMatchObject({ records: 6, faults: [] });
      expect((await askRecords(next, ref)).records).toEqual(records);
      await next[Symbol.asyncDispose]();
      for (const one of await segments(root, ref)) if (one.path !== path) await rm(one.path);
    }
  },
);
