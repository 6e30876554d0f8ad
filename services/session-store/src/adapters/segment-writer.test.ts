import { copyFile, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NumberedRecord } from '@moltbot/shared/contracts';
import { onTestFinished, test } from 'vitest';
import { createArchiveReader, type ArchiveReader } from './archive-reader.ts';
import { createGate } from './gate.ts';
import { createSegmentWriter, type SegmentWriter } from './segment-writer.ts';

const HEAD = { uid: 'alice', sid: '0f8fad5b-d9cb-469f-a165-70867728950e', key: 'agent:main:main' };

function record(seq: number, text = `message ${seq}`): NumberedRecord {
  const content = [{ type: 'text', text }];
  return {
    seq,
    fence: 7,
    record: { type: 'user', turnId: 't', runId: `run-${seq}`, content, timestamp: seq },
  };
}

async function newRoot(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'moltbot-segments-'));
  onTestFinished(async () => await rm(root, { recursive: true, force: true }));
  return root;
}

/** Each call is a process of its own: it knows nothing of what others have written. */
function newWriter(root: string, now: () => number = Date.now): SegmentWriter {
  const fail = (error: unknown): never => {
    throw error;
  };
  const options = { root, gate: createGate(2), now, onSync: () => undefined, onCloseFailed: fail };
  const writer = createSegmentWriter(options);
  onTestFinished(async () => await writer[Symbol.asyncDispose]());
  return writer;
}

function newReader(root: string): ArchiveReader {
  return createArchiveReader({ root, gate: createGate(1), timeoutMs: 5_000, onRead: () => undefined });
}

async function readBack(root: string): Promise<NumberedRecord[]> {
  const session = await newReader(root).read(HEAD.uid, HEAD.sid);
  return session ? session.lines.map(session.recordOf) : [];
}

test('T-9: after a crash at any byte, what was acknowledged is there and what follows is not glued to it', async ({
  expect,
}) => {
  const root = await newRoot();
  await newWriter(root).append(HEAD, '100', [record(1), record(2)]);
  const dir = join(root, HEAD.uid, HEAD.sid);
  const path = join(dir, '100.jsonl');
  const { size } = await stat(path);
  await newWriter(root).append(HEAD, '101', [record(3)]);
  await copyFile(join(dir, '101.jsonl'), join(root, 'second'));
  const { size: secondSize } = await stat(join(root, 'second'));
  for (let cut = 0; cut <= secondSize; cut += 1) {
    await copyFile(join(root, 'second'), join(dir, '101.jsonl'));
    await truncate(join(dir, '101.jsonl'), cut);
    const expected = [record(1), record(2)].concat(cut === secondSize ? [record(3)] : []);
    expect(await readBack(root), `cut at ${cut}`).toEqual(expected);
    // the same shard fence again, as after a lost lease reply: still a file of its own
    await newWriter(root).append(HEAD, '101', [record(3), record(4)]);
    expect(await readBack(root)).toEqual([1, 2, 3, 4].map((seq) => record(seq)));
    expect(await readdir(dir)).toEqual(['100.jsonl', '101-2.jsonl', '101.jsonl']);
    await rm(join(dir, '101-2.jsonl'));
  }
  expect((await stat(path)).size).toBe(size);
});

test('a writer goes on in its own file, closed for idleness or not, but not in one that somebody cut', async ({
  expect,
}) => {
  const root = await newRoot();
  let nowMs = 0;
  const writer = newWriter(root, () => nowMs);
  await writer.append(HEAD, '100', [record(1)]);
  await writer.append(HEAD, '100', [record(2)]);
  nowMs += 60_000;
  await writer.closeIdle();
  await writer.append(HEAD, '100', [record(3)]);
  const dir = join(root, HEAD.uid, HEAD.sid);
  expect(await readdir(dir)).toEqual(['100.jsonl']);
  nowMs += 60_000;
  await writer.closeIdle();
  await truncate(join(dir, '100.jsonl'), (await stat(join(dir, '100.jsonl'))).size - 1);
  await writer.append(HEAD, '100', [record(3), record(4)]);
  await writer.append(HEAD, '102', [record(5)]);
  expect((await readdir(dir)).toSorted()).toEqual(['100-2.jsonl', '100.jsonl', '102.jsonl']);
  expect(await readBack(root)).toEqual([1, 2, 3, 4, 5].map((seq) => record(seq)));
});

test('a changed byte anywhere is seen', async ({ expect }) => {
  const root = await newRoot();
  await newWriter(root).append(HEAD, '100', [record(1), record(2), record(3)]);
  const path = join(root, HEAD.uid, HEAD.sid, '100.jsonl');
  const whole = await readFile(path);
  const firstByte = whole.indexOf('\n') + 1;
  const lastByte = whole.indexOf('\n', whole.indexOf('\n', firstByte) + 1);
  for (let at = firstByte; at < lastByte; at += 1) {
    const bytes = Buffer.from(whole);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await writeFile(path, bytes);
    const session = await newReader(root).read(HEAD.uid, HEAD.sid);
    expect(session?.damaged.length, `byte ${at}`).toBeGreaterThan(0);
    for (const line of session?.lines ?? []) expect(session?.recordOf(line)).toEqual(record(line.seq));
  }
});

test('text with any line break or quote stays one line', async ({ expect }) => {
  const root = await newRoot();
  const odd = record(1, 'a\nb\r\n"}\u2028\u0000","crc":"00000000"}\n');
  await newWriter(root).append(HEAD, '100', [odd, record(2, 'x'.repeat(2_000_000))]);
  const [first, second] = await readBack(root);
  expect(first).toEqual(odd);
  expect(JSON.stringify(second)).toHaveLength(JSON.stringify(record(2, 'x'.repeat(2_000_000))).length);
});

test('a directory that another spelling of the name leads to shows nothing', async ({ expect }) => {
  const root = await newRoot();
  await newWriter(root).append(HEAD, '100', [record(1)]);
  await newWriter(root).append({ ...HEAD, uid: 'Alice' }, '100', [record(1)]);
  const [from, to] = ['alice', 'Alice'].map((uid) => join(root, uid, HEAD.sid, '100.jsonl'));
  await copyFile(from ?? '', to ?? '');
  expect(await newReader(root).read('Alice', HEAD.sid)).toBeUndefined();
  expect(await newReader(root).read('alice', HEAD.sid)).toBeDefined();
});
