import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { NumberedRecord } from '@moltbot/shared/contracts';
import { mergeHistory } from '../domain/merge.ts';
import { readRecord, type SessionHead } from '../domain/transcript.ts';
import { withDeadline, type Gate } from './gate.ts';
import { inWritingOrder, isSessionId, sessionDir, userDir } from './paths.ts';
import { scanSegment, type Found, type SegmentScan } from './scan.ts';

export type Damage = Readonly<{ file: string; line: number }>;

/** Everything that was written of a session, merged. */
export type ArchivedSession = Readonly<{
  head: SessionHead;
  lines: readonly Found[];
  tornSegments: number;
  damaged: readonly Damage[];
  /** Lines stay bytes until somebody wants them: a long session is read for a page of it. */
  recordOf(this: void, line: Found): NumberedRecord;
}>;

export type ArchiveReader = Readonly<{
  /** undefined when the archive has nothing of this user under that id. */
  read(uid: string, sid: string): Promise<ArchivedSession | undefined>;
  /** Ids of a user's archived sessions, the last written first. */
  list(uid: string, limit: number): Promise<string[]>;
}>;

export type ReaderOptions = Readonly<{
  root: string;
  gate: Gate;
  timeoutMs: number;
  onRead(session: ArchivedSession): void;
}>;

export function createArchiveReader({ root, gate, timeoutMs, onRead }: ReaderOptions): ArchiveReader {
  return {
    async read(uid, sid) {
      const dir = sessionDir(root, uid, sid);
      const session = await withDeadline(gate, timeoutMs, async () => await readSession(dir, uid, sid));
      if (session) onRead(session);
      return session;
    },
    async list(uid, limit) {
      const dir = userDir(root, uid);
      return await withDeadline(gate, timeoutMs, async () => await newestSessions(dir, limit));
    },
  };
}

const recordOf = ({ line }: Found): NumberedRecord => readRecord(JSON.parse(line.toString()));

async function readSession(dir: string, uid: string, sid: string): Promise<ArchivedSession | undefined> {
  const scans: SegmentScan[] = [];
  const damaged: Damage[] = [];
  let order = 0;
  for (const file of inWritingOrder(await namesIn(dir))) {
    const scan = scanSegment(await readFile(join(dir, file)), order);
    // above every order this segment has used: a line's number is its place among all lines
    order += scan.found.length + scan.damaged.length + 2;
    scans.push(scan);
    damaged.push(...scan.damaged.map((line) => ({ file, line })));
  }
  // A file system that takes two spellings for one name must not show one user another's session.
  const head = scans.map((scan) => scan.head).find((one) => one !== undefined);
  if (head?.uid !== uid || head.sid !== sid) return undefined;
  const lines = mergeHistory(scans.flatMap(({ found }) => found));
  return { head, lines, tornSegments: scans.filter(({ torn }) => torn).length, damaged, recordOf };
}

async function newestSessions(dir: string, limit: number): Promise<string[]> {
  const written: { sid: string; atMs: number }[] = [];
  for (const sid of (await namesIn(dir)).filter(isSessionId)) {
    const newest = inWritingOrder(await namesIn(join(dir, sid))).at(-1);
    if (newest) written.push({ sid, atMs: (await stat(join(dir, sid, newest))).mtimeMs });
  }
  return written
    .toSorted((a, b) => b.atMs - a.atMs)
    .slice(0, limit)
    .map(({ sid }) => sid);
}

async function namesIn(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
