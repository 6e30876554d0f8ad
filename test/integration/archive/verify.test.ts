/** Damage done by hand to files and to Redis, and what a check of the whole archive says of it. */
import { mkdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { sessionKeys } from '@moltbot/shared/redis';
import { type SessionRef } from '@moltbot/turns';
import type { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import {
  ask,
  newSession,
  runTurns,
  segments,
  until,
  untilArchived,
  useArchive,
  type Store,
} from './setup.ts';

const archive = useArchive();

type Fault = { uid: string; sid: string; kind: string; where: string };
type Verified = { sessions: number; records: number; torn: number; faults: Fault[]; pages: number };

async function verifyAll(store: Store, asked: object = {}): Promise<Verified> {
  const sum: Verified = { sessions: 0, records: 0, torn: 0, faults: [], pages: 0 };
  let after: string | undefined;
  do {
    const body = { ...asked, ...(after !== undefined && { after }) };
    const page = (await ask(store, 'verify', body)) as Verified & { next?: string };
    for (const name of ['sessions', 'records', 'torn'] as const) sum[name] += page[name];
    sum.faults.push(...page.faults);
    sum.pages += 1;
    after = page.next;
  } while (after !== undefined);
  return sum;
}

/** An archived session of three turns, and the place of its one segment. */
async function archived(): Promise<{
  redis: Redis;
  root: string;
  store: Store;
  ref: SessionRef;
  path: string;
  text: string;
}> {
  const redis = archive.redis();
  const root = await archive.newRoot();
  const store = await archive.start(root);
  const ref = await newSession(redis, archive.newUser());
  await runTurns(redis, ref, 3);
  await untilArchived(redis, ref);
  const [segment] = await segments(root, ref);
  return { redis, root, store, ref, path: segment?.path ?? '', text: segment?.text ?? '' };
}

/** Of this session alone: the Redis of this file keeps what earlier tests have left. */
async function faultsOf(store: Store, { uid, sid }: SessionRef): Promise<string[]> {
  const { faults } = await verifyAll(store, { uid });
  return faults.filter((fault) => fault.sid === sid).map(({ kind, where }) => `${kind}: ${where}`);
}

const lineOf = (text: string, seq: number): string =>
  text.split('\n').find((line) => line.includes(`"seq":${seq},`)) ?? '';

const sealed = (line: string): string => {
  const body = line.replace(/,"crc":"[0-9a-f]{8}"\}$/, '');
  return `${body},"crc":"${crc32(body).toString(16).padStart(8, '0')}"}`;
};

describe('a check of the archive', () => {
  test('T-9: finds nothing in what the store has written, over several pages', async () => {
    const redis = archive.redis();
    await redis.flushall();
    const root = await archive.newRoot();
    const store = await archive.start(root);
    const refs = await Promise.all(
      Array.from({ length: 120 }, async () => await newSession(redis, archive.newUser())),
    );
    for (const ref of refs) await runTurns(redis, ref, 1);
    for (const ref of refs) await untilArchived(redis, ref);
    const { pages, ...found } = await verifyAll(store);
    expect(found).toEqual({ sessions: 120, records: 240, torn: 0, faults: [] });
    expect(pages).toBeGreaterThanOrEqual(3);
    const [one] = refs;
    expect(await verifyAll(store, { uid: one?.uid })).toMatchObject({ sessions: 1, records: 2, faults: [] });
  });

  test('names the line whose bytes are not what was written, and the number that is missing for it', async () => {
    const { store, ref, path, text } = await archived();
    await writeFile(path, text.replace('answer to', 'answer tp'));
    expect(await faultsOf(store, ref)).toEqual([
      expect.stringMatching(/^damaged: \d+\.jsonl:3$/),
      'missing: seq 2-2',
    ]);
  });

  test('names a hole, though every line is whole', async () => {
    const { store, ref, path, text } = await archived();
    await writeFile(path, text.replace(`${lineOf(text, 3)}\n${lineOf(text, 4)}\n`, ''));
    expect(await faultsOf(store, ref)).toEqual(['missing: seq 3-4']);
  });

  test('says when Redis believes more to be archived than is; the torn end itself is harmless', async () => {
    const { store, ref, path, text } = await archived();
    await truncate(path, Buffer.byteLength(text) - 9);
    expect(await faultsOf(store, ref)).toEqual([
      'missing: seq 6-6',
      'behind: the files end at seq 5, Redis says 6',
    ]);
    expect(await verifyAll(store, { uid: ref.uid })).toMatchObject({ torn: 1 });
  });

  test('compares each record with the one Redis holds, whole and under its fence', async () => {
    const { redis, store, ref, path, text } = await archived();
    const [second, fourth] = [lineOf(text, 2), lineOf(text, 4)];
    const other = sealed(second.replace('answer to', 'an answer to'));
    await writeFile(path, text.replace(second, other));
    const item = (await redis.lindex(sessionKeys.log(ref.sid), 3)) ?? '';
    await redis.lset(sessionKeys.log(ref.sid), 3, item.replace(/^\d+/, '7'));
    expect(fourth).not.toBe('');
    expect(await faultsOf(store, ref)).toEqual(['differs: seq 2, 4']);
  });

  test('finds a session whose directory is gone, and one that lies under another name', async () => {
    const { redis, root, store, ref } = await archived();
    const moved = await newSession(redis, archive.newUser());
    await runTurns(redis, moved, 1);
    await untilArchived(redis, moved);
    const elsewhere = archive.newUser();
    await rename(join(root, moved.uid), join(root, elsewhere));
    await rm(join(root, ref.uid), { recursive: true });
    expect(await faultsOf(store, ref)).toEqual(['missing: seq 1-6: no files']);
    expect(await faultsOf(store, moved)).toEqual(['missing: seq 1-2: no files']);
    const { faults } = await verifyAll(store, { uid: elsewhere });
    expect(faults).toMatchObject([{ uid: elsewhere, sid: moved.sid, kind: 'foreign' }]);
  });

  test('says of a file that cannot be read why, and goes on with the others', async () => {
    const { redis, root, store, ref } = await archived();
    const other = await newSession(redis, ref.uid, 'agent:main:other');
    await runTurns(redis, other, 1);
    await untilArchived(redis, other);
    await mkdir(join(root, ref.uid, ref.sid, '5.jsonl'));
    const { sessions, records, faults } = await verifyAll(store, { uid: ref.uid });
    expect({ sessions, records }).toEqual({ sessions: 2, records: 2 });
    expect(faults).toMatchObject([{ sid: ref.sid, kind: 'unreadable', where: 'EISDIR' }]);
  });

  test('a segment that lost its first line is no session that is not there', async () => {
    const { store, ref, path, text } = await archived();
    await writeFile(path, text.replace('{"type":"session"', '{"type":"sessioN"'));
    expect(await faultsOf(store, ref)).toEqual([
      'damaged: no segment says whose it is',
      expect.stringMatching(/^damaged: \d+\.jsonl:1$/),
    ]);
  });

  test('does not disturb sessions that talk meanwhile', async () => {
    const { redis, store, ref } = await archived();
    let stop = false;
    const talking = (async () => {
      while (!stop) await runTurns(redis, ref, 1);
    })();
    const found: Verified[] = [];
    await until(async () => {
      found.push(await verifyAll(store, { uid: ref.uid }));
      return found.length === 15;
    });
    stop = true;
    await talking;
    expect(found.flatMap(({ faults }) => faults)).toEqual([]);
    expect(new Set(found.map(({ records }) => records)).size).toBeGreaterThan(1);
  });
});
