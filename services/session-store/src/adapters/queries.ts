import type { NumberedRecord } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';
import type { Redis } from '@moltbot/shared/redis';
import { readState } from '@moltbot/turns';
import { gapsIn, type Gap } from '../domain/merge.ts';
import type { ArchivedSession, ArchiveReader, Damage } from './archive-reader.ts';

export type RecordPage = Readonly<{ records: NumberedRecord[]; hasMore: boolean; missing: Gap[] }>;

export type PastSession = Readonly<{
  sid: string;
  key: string;
  firstAtMs: number;
  lastAtMs: number;
  records: number;
}>;

export type Verification = Readonly<{
  records: number;
  tornSegments: number;
  damaged: readonly Damage[];
  missing: Gap[];
}>;

/** What the archive answers to the other services. A session of another user is a missing one. */
export type Queries = Readonly<{
  records(query: {
    uid: string;
    sid: string;
    beforeSeq?: number | undefined;
    limit: number;
  }): Promise<RecordPage>;
  sessions(uid: string, limit: number): Promise<PastSession[]>;
  verify(uid: string, sid: string): Promise<Verification>;
}>;

/** A page of pictures must not fill the memory of two services. */
const PAGE_BYTES = 16 * 1024 * 1024;

export function createQueries(redis: Redis, reader: ArchiveReader): Queries {
  /** A session that lives in Redis ends where Redis says, whatever a failover has left in the files. */
  async function find(uid: string, sid: string): Promise<{ archived: ArchivedSession; lastSeq: number }> {
    const state = await readState(redis, sid);
    const archived = state && state.uid !== uid ? undefined : await reader.read(uid, sid);
    if (!archived) throw new AppError('NOT_FOUND', 'session not found in the archive');
    return { archived, lastSeq: state?.archivedSeq ?? archived.lines.at(-1)?.seq ?? 0 };
  }

  return {
    async records({ uid, sid, beforeSeq = Number.MAX_SAFE_INTEGER, limit }) {
      const { archived, lastSeq } = await find(uid, sid);
      const toSeq = Math.min(lastSeq, beforeSeq - 1);
      const upTo = archived.lines.filter(({ seq }) => seq <= toSeq);
      const page = newestWithin(upTo, limit);
      const fromSeq = page.length === upTo.length ? 1 : (page[0]?.seq ?? 1);
      return {
        records: page.map(archived.recordOf),
        hasMore: page.length < upTo.length,
        missing: gapsIn(page, fromSeq, toSeq),
      };
    },

    async sessions(uid, limit) {
      const found: PastSession[] = [];
      for (const sid of await reader.list(uid, limit)) {
        const archived = await reader.read(uid, sid);
        const [first, last] = [archived?.lines[0], archived?.lines.at(-1)];
        if (!archived || !first || !last) continue;
        const [firstAtMs, lastAtMs] = [first, last].map((line) => archived.recordOf(line).record.timestamp);
        const { key } = archived.head;
        found.push({
          sid,
          key,
          firstAtMs: firstAtMs ?? 0,
          lastAtMs: lastAtMs ?? 0,
          records: archived.lines.length,
        });
      }
      return found;
    },

    async verify(uid, sid) {
      const { archived, lastSeq } = await find(uid, sid);
      const { lines, tornSegments, damaged } = archived;
      return { records: lines.length, tornSegments, damaged, missing: gapsIn(lines, 1, lastSeq) };
    },
  };
}

function newestWithin<T extends { line: Buffer }>(lines: readonly T[], limit: number): T[] {
  let first = lines.length;
  let bytes = 0;
  while (first > 0 && lines.length - first < limit) {
    bytes += lines[first - 1]?.line.length ?? 0;
    if (bytes > PAGE_BYTES && first < lines.length) break;
    first -= 1;
  }
  return lines.slice(first);
}
