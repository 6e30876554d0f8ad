import type { ArchiveFault, RestorePage, RestorePageRequest } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';
import type { Redis } from '@moltbot/shared/redis';
import { hasTakenTurns, restoreSession, type Restoration } from '@moltbot/turns';
import { faultsOnDisk } from '../domain/faults.ts';
import { toRestored } from '../domain/restored.ts';
import type { ArchiveReader } from './archive-reader.ts';
import { deletedKeys } from './deleted.ts';
import { unreadable } from './verifier.ts';
import { walkPage, type Place } from './walk.ts';

export type Restorer = Readonly<{ page(asked: RestorePageRequest): Promise<RestorePage> }>;

export type RestorerDeps = Readonly<{ root: string; redis: Redis; reader: ArchiveReader; now(): number }>;

const OUTCOMES = { restored: 'restored', kept: 'kept', older: 'older', over: 'empty' } as const;

type Counts = { -readonly [Name in keyof Omit<RestorePage, 'next' | 'faults'>]: RestorePage[Name] };
type Result = Readonly<{ outcome: Restoration; records: number; faults: readonly ArchiveFault[] }>;

/** Sessions out of the archive into a Redis that has lost them. Doing it twice changes nothing more. */
export function createRestorer(deps: RestorerDeps): Restorer {
  return {
    async page({ after = '', merge = false }) {
      if (after === '' && !merge && (await hasTakenTurns(deps.redis)))
        throw new AppError(
          'CONFLICT',
          'this Redis has taken messages already: a restore is for an empty one. To restore only what it does not hold, say --merge',
        );
      const counts: Counts = { restored: 0, kept: 0, older: 0, empty: 0, records: 0 };
      const faults: ArchiveFault[] = [];
      const deleted = rememberLast(async (uid) => await deps.reader.ask(() => deletedKeys(deps.root, uid)));
      const next = await walkPage({ ...deps, after }, async (place) => {
        const result = await restoreOne(deps, place, deleted).catch((error: unknown): Result => {
          return { ...unreadable(place, error), outcome: 'over' };
        });
        counts[OUTCOMES[result.outcome]] += 1;
        if (result.outcome === 'restored') counts.records += result.records;
        faults.push(...result.faults);
      });
      return { ...counts, faults, ...(next !== undefined && { next }) };
    },
  };
}

type DeletedKeys = (uid: string) => Promise<ReadonlyMap<string, number>>;

/** Sessions of one user follow one another. */
function rememberLast(look: DeletedKeys): DeletedKeys {
  let last: { uid: string; keys: ReadonlyMap<string, number> } | undefined;
  return async (uid) => {
    if (last?.uid !== uid) last = { uid, keys: await look(uid) };
    return last.keys;
  };
}

async function restoreOne(
  { redis, reader, now }: RestorerDeps,
  { uid, sid }: Place,
  deleted: DeletedKeys,
): Promise<Result> {
  const scan = await reader.scan(uid, sid);
  const { head, lines } = scan;
  const faults = faultsOnDisk(scan, uid, sid, lines.at(-1)?.seq ?? 0).map((fault) => ({
    uid,
    sid,
    ...fault,
  }));
  const nothing: Result = { outcome: 'over', records: 0, faults };
  if (head?.uid !== uid || head.sid !== sid || head.key === '') return nothing;
  const session = toRestored(head, scan, now());
  if (!session) return nothing;
  // somebody who deletes a session does not want the one before it back under its key
  const deletedAfter = (await deleted(uid)).get(head.key) ?? 0;
  if (deletedAfter > session.firstFence) return { ...nothing, outcome: 'older' };
  return { outcome: await restoreSession(redis, session, now()), records: lines.length, faults };
}
