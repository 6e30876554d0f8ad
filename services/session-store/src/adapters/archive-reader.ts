import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { NumberedRecord } from '@moltbot/shared/contracts';
import { mergeHistory } from '../domain/merge.ts';
import { readRecord, type SessionHead } from '../domain/transcript.ts';
import { withDeadline, type Gate } from './gate.ts';
import { inWritingOrder, isSessionId, sessionDir, userDir } from './paths.ts';
import { scanSegment, type Found, type SegmentScan } from './scan.ts';

export type Damage = Readonly<{ file: string; line: number }>;

/** What lies in a session's directory, whatever it says it is. */
export type ScannedSession = Readonly<{
  head: SessionHead | undefined;
  segments: number;
  lines: readonly Found[];
  tornSegments: number;
  damaged: readonly Damage[];
  /** Lines stay bytes until somebody wants them: a long session is read for a page of it. */
  recordOf(this: void, line: Found): NumberedRecord;
}>;

/** Everything that was written of a session, merged. */
export type ArchivedSession = ScannedSession & Readonly<{ head: SessionHead }>;

export type ArchiveReader = Readonly<{
  /** undefined when the archive has nothing of this user under that id. */
  read(uid: string, sid: string): Promise<ArchivedSession | undefined>;
  /** Ids of a user's archived sessions, the last written first. */
  list(uid: string, limit: number): Promise<string[]>;
  scan(uid: string, sid: string): Promise<ScannedSession>;
  has(uid: string, sid: string): Promise<boolean>;
  /** What a page's own look at the files may take, in the line of all other questions. */
  ask<T>(look: () => Promise<T>): Promise<T>;
}>;

export type ReaderOptions = Readonly<{
  root: string;
  gate: Gate;
  timeoutMs: number;
  onRead(session: ArchivedSession): void;
}>;

export function createArchiveReader({ root, gate, timeoutMs, onRead }: ReaderOptions): ArchiveReader {
  const ask = async <T>(look: () => Promise<T>): Promise<T> => await withDeadline(gate, timeoutMs, look);
  return {
    ask,
    async read(uid, sid) {
      const dir = sessionDir(root, uid, sid);
      const { head, ...found } = await ask(async () => await scanSession(dir));
      // A file system that takes two spellings for one name must not show one user another's session.
      if (head?.uid !== uid || head.sid !== sid) return undefined;
      onRead({ head, ...found });
      return { head, ...found };
    },
    async list(uid, limit) {
      const dir = userDir(root, uid);
      return await ask(async () => await newestSessions(dir, limit));
    },
    async scan(uid, sid) {
      const dir = sessionDir(root, uid, sid);
      return await ask(async () => await scanSession(dir));
    },
    async has(uid, sid) {
      const dir = sessionDir(root, uid, sid);
      return await ask(async () => inWritingOrder(await namesIn(dir)).length > 0);
    },
  };
}

const recordOf = ({ line }: Found): NumberedRecord => readRecord(JSON.parse(line.toString()));

async function scanSession(dir: string): Promise<ScannedSession> {
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
  return {
    head: scans.map((scan) => scan.head).findLast((one) => one !== undefined),
    segments: scans.length,
    lines: mergeHistory(scans.flatMap(({ found }) => found)),
    tornSegments: scans.filter(({ torn }) => torn).length,
    damaged,
    recordOf,
  };
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

/** Nothing where there is no such directory. */
export async function namesIn(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
