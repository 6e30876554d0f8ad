import type { ArchiveFault, VerifyPage, VerifyPageRequest } from '@moltbot/shared/contracts';
import type { Redis } from '@moltbot/shared/redis';
import { encodeItem, readItems, readState, scanSessions } from '@moltbot/turns';
import { faultsAgainstLog, faultsOnDisk, type InRedis } from '../domain/faults.ts';
import type { ArchiveReader } from './archive-reader.ts';
import type { Found } from './scan.ts';
import { walkPage, type Place } from './walk.ts';

export type Verifier = Readonly<{ page(asked: VerifyPageRequest): Promise<VerifyPage> }>;

/** After the files, Redis: a session whose directory is gone shows nowhere else. No user's id holds a `:`. */
const REDIS_PART = 'redis:';
const REDIS_MS = 2_000;
const READ_AGAIN = 3;

type Counts = { sessions: number; records: number; torn: number; faults: ArchiveFault[] };

export function createVerifier(root: string, redis: Redis, reader: ArchiveReader): Verifier {
  return {
    async page({ after = '', uid }) {
      const counts: Counts = { sessions: 0, records: 0, torn: 0, faults: [] };
      if (after.startsWith(REDIS_PART)) {
        const next = await findWithoutFiles(redis, reader, after.slice(REDIS_PART.length), uid, counts);
        return { ...counts, ...(next !== '0' && { next: `${REDIS_PART}${next}` }) };
      }
      const next = await walkPage({ root, reader, after, uid }, async (place) => {
        const checked = await checkSession(redis, reader, place).catch((error: unknown) =>
          unreadable(place, error),
        );
        counts.sessions += 1;
        counts.records += checked.records;
        counts.torn += checked.torn;
        counts.faults.push(...checked.faults);
      });
      return { ...counts, next: next ?? `${REDIS_PART}0` };
    },
  };
}

type Checked = Pick<Counts, 'records' | 'torn' | 'faults'>;

async function checkSession(redis: Redis, reader: ArchiveReader, place: Place): Promise<Checked> {
  const { uid, sid } = place;
  const inRedis = await readFromRedis(redis, place);
  // after Redis, so that what Redis calls archived must be in what is read
  const scan = await reader.scan(uid, sid);
  const { lines, recordOf } = scan;
  const nothing = { records: 0, torn: 0, faults: [] };
  if (scan.segments === 0) return nothing; // put aside meanwhile
  const lastSeq = inRedis?.archivedSeq ?? lines.at(-1)?.seq ?? 0;
  const itemOf = (line: Found): string => encodeItem(line.fence, recordOf(line).record);
  const faults = [
    ...faultsOnDisk(scan, uid, sid, lastSeq),
    ...(inRedis ? faultsAgainstLog(lines, inRedis, itemOf) : []),
  ];
  return {
    records: lines.length,
    torn: scan.tornSegments,
    faults: faults.map((fault) => ({ uid, sid, ...fault })),
  };
}

/** The archived part of what Redis holds; read again when the log was shortened meanwhile. */
async function readFromRedis(
  redis: Redis,
  { uid, sid }: Place,
  again = READ_AGAIN,
): Promise<InRedis | undefined> {
  const state = await readState(redis, sid);
  if (state?.uid !== uid) return undefined;
  const { archivedSeq, base } = state;
  const fromSeq = base + 1;
  const items = state.cold ? [] : await readItems(redis, sid, base, fromSeq, archivedSeq);
  const after = await readState(redis, sid);
  if (after?.base !== base || after.cold !== state.cold)
    return again > 0 ? await readFromRedis(redis, { uid, sid }, again - 1) : undefined;
  return { archivedSeq, fromSeq, items };
}

async function findWithoutFiles(
  redis: Redis,
  reader: ArchiveReader,
  cursor: string,
  uid: string | undefined,
  counts: Counts,
): Promise<string> {
  const endsAtMs = performance.now() + REDIS_MS;
  let next = /^\d+$/.test(cursor) ? cursor : '0';
  do {
    const step = await scanSessions(redis, next);
    for (const sid of step.sids) {
      const state = await readState(redis, sid);
      if (!state || state.deleted || state.archivedSeq === 0) continue;
      if (uid !== undefined && uid !== state.uid) continue;
      if (await reader.has(state.uid, sid)) continue;
      const where = `seq 1-${state.archivedSeq}: no files`;
      counts.faults.push({ uid: state.uid, sid, kind: 'missing', where });
    }
    next = step.next;
  } while (next !== '0' && performance.now() < endsAtMs);
  return next;
}

/** Of a file the system refuses to read the others must not suffer; a hung one ends the page instead. */
export function unreadable({ uid, sid }: Place, error: unknown): Checked {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined || code === 'UNAVAILABLE') throw error;
  return { records: 0, torn: 0, faults: [{ uid, sid, kind: 'unreadable', where: code }] };
}
