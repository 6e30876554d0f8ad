import { AppError } from '@moltbot/shared/errors';
import { archiveKeys, shardOf, type Redis } from '@moltbot/shared/redis';
import { readState, rehydrateSession, type SessionState } from '@moltbot/turns';
import type { ArchiveReader } from '../adapters/archive-reader.ts';
import { unbrokenEnd } from '../domain/merge.ts';
import { createRetries } from '../domain/retries.ts';
import type { StoreEvents } from '../events.ts';

export type RehydratorDeps = Readonly<{
  redis: Redis;
  reader: ArchiveReader;
  events: StoreEvents;
  shards(): ReadonlyMap<number, string>;
  now(): number;
}>;

export type Rehydrator = Readonly<{
  /** Brings a cold session back, unless it is back already. */
  rehydrate(sid: string): Promise<void>;
  /** Brings back what turns wait for; resolves to the pause before the next look. */
  round(this: void): Promise<number>;
}>;

const PAUSE_MS = 100;
/** Bounds what a burst of returning users reads at once; the next look comes soon. */
const AT_ONCE = 16;
/** How long a session is left to the store that has its shard before the others bring it back too. */
const OTHERS_AFTER_MS = 1_000;
/** What a page of history shows without asking the archive; more when the model's context needs it. */
const RECORDS_AT_LEAST = 400;

export function createRehydrator(deps: RehydratorDeps): Rehydrator {
  const { redis, reader, events, now } = deps;
  const retries = createRetries(500, 10_000);

  async function rehydrate(sid: string): Promise<void> {
    const state = await readState(redis, sid);
    if (!state?.cold) return void (await rehydrateSession(redis, sid, [], 0)); // nobody needs to wait any more
    const records = await newestRecords(sid, state);
    const done = await rehydrateSession(redis, sid, records, state.base);
    if (done) events.rehydrated({ sid, uid: state.uid, key: state.key }, records.length);
  }

  async function newestRecords(sid: string, { uid, base, contextFromSeq }: SessionState) {
    if (base === 0) return [];
    const archived = await reader.read(uid, sid);
    const fromSeq = Math.min(contextFromSeq, base - RECORDS_AT_LEAST + 1);
    const lines = archived?.lines ?? [];
    const wanted = lines.filter(({ seq }) => seq >= fromSeq && seq <= base);
    const unbroken = unbrokenEnd(wanted, base);
    // Without its newest record a session would go on as if the last words had not been said.
    if (!archived || unbroken.length === 0)
      throw new AppError('UNAVAILABLE', 'the archive does not hold the newest records of this session', {
        facts: { sid, lastSeq: base, newestArchivedSeq: lines.at(-1)?.seq ?? 0 },
      });
    return unbroken.map(archived.recordOf);
  }

  async function attempt(sid: string): Promise<void> {
    try {
      await rehydrate(sid);
      retries.succeeded(sid);
    } catch (error) {
      retries.failed(sid, now());
      events.notRehydrated(sid, error);
    }
  }

  async function round(): Promise<number> {
    const last = AT_ONCE + retries.size() - 1;
    const wanted = await redis.zrange(archiveKeys.wanted, 0, last, 'WITHSCORES');
    const ours = wanted.filter((sid, place) => {
      if (place % 2 === 1 || !retries.isDue(sid, now())) return false;
      const waitedMs = now() - Number(wanted[place + 1]);
      return deps.shards().has(shardOf(sid)) || waitedMs > OTHERS_AFTER_MS;
    });
    await Promise.all(ours.slice(0, AT_ONCE).map(attempt));
    return PAUSE_MS;
  }

  return { rehydrate, round };
}
