import { archiveKeys } from '@moltbot/shared/redis';
import { createRetries, type Retries } from '../domain/retries.ts';
import {
  readBatch,
  settleBatch,
  writeBatch,
  type ArchiveDeps,
  type Batch,
  type Waiting,
} from './archive-session.ts';

export type ArchiverDeps = ArchiveDeps &
  Readonly<{
    /** Shards that are ours now, with their fences. */
    shards(): ReadonlyMap<number, string>;
    batchMs: number;
  }>;

export type Archiver = Readonly<{
  /** Archives what has waited long enough, or all that waits; says after which pause to look again. */
  round(all?: boolean): Promise<number>;
  /** Since when the round under way has been at work; undefined when none is. */
  busySinceMs(): number | undefined;
}>;

const SESSIONS_A_SHARD = 64;
/** So many batches go by before a session is written, so that the two ends of a short turn are one write. */
const SETTLE_BATCHES = 10;
const IDLE_PAUSE_MS = 250;
const FAILED_PAUSE_MS = 1_000;

export function createArchiver(deps: ArchiverDeps): Archiver {
  const retries = createRetries(250, 10_000);
  let busySinceMs: number | undefined;

  /** Each step for all sessions before the next, so that a round is a few pipelines; one's failure is its own. */
  async function round(settleMs: number): Promise<number> {
    const waiting = await findWaiting(deps, retries, settleMs);
    const failing = new Set<string>();
    const failed = (one: Waiting & Partial<Batch>, error: unknown): undefined => {
      failing.add(one.sid);
      deps.events.notArchived(one.sid, one.head?.uid ?? '', one.records?.length ?? 0, error);
    };
    // a record that a failover could still take back is not archived
    const batches = await deps.durability.settle(
      deps.redis,
      async () => await each(waiting, async (one) => await readBatch(deps, one), failed),
    );
    await each(batches, async (one) => await writeBatch(deps, one), failed);
    const durable = await deps.writer.settle().then(
      () => true,
      (error: unknown) => {
        for (const one of batches) failed(one, error);
        return false;
      },
    );
    const written = batches.filter(({ sid }) => durable && !failing.has(sid));
    const settle = async (one: Batch): Promise<void> => {
      if (!(await settleBatch(deps, one))) failing.add(one.sid);
    };
    await each(written, settle, failed);
    for (const { sid } of waiting) {
      if (failing.has(sid)) retries.failed(sid, deps.now());
      else retries.succeeded(sid);
    }
    await deps.writer.closeIdle();
    if (waiting.length === 0) return IDLE_PAUSE_MS;
    return failing.size === waiting.length ? FAILED_PAUSE_MS : deps.batchMs;
  }

  return {
    busySinceMs: () => busySinceMs,
    async round(all = false) {
      busySinceMs = deps.now();
      return await round(all ? 0 : deps.batchMs * SETTLE_BATCHES).finally(() => (busySinceMs = undefined));
    },
  };
}

async function findWaiting(
  { redis, events, shards, now }: ArchiverDeps,
  retries: Retries,
  settleMs: number,
): Promise<Waiting[]> {
  const owned = [...shards()];
  const last = SESSIONS_A_SHARD + retries.size() - 1; // those that fail must not hide those behind them
  const [[seconds, micros], ...lists] = await Promise.all([
    redis.time(), // the lists are stamped by the server's clock
    ...owned.map(async ([shard]) => await redis.zrange(archiveKeys.dirty(shard), 0, last, 'WITHSCORES')),
  ]);
  const settledMs = Number(seconds) * 1_000 + Number(micros) / 1_000 - settleMs;
  const oldest = lists.flatMap(([, score]) => (score === undefined ? [] : [Number(score)]));
  events.oldestWaits(oldest.length === 0 ? undefined : Math.min(...oldest));
  return owned.flatMap(([, shardFence], index) => {
    const list = lists[index] ?? [];
    const due = list.filter((sid, place) => {
      return place % 2 === 0 && Number(list[place + 1]) <= settledMs && retries.isDue(sid, now());
    });
    return due.slice(0, SESSIONS_A_SHARD).map((sid) => ({ sid, shardFence }));
  });
}

/** What the step gave for those it gave something for. */
async function each<A, B>(
  list: readonly A[],
  step: (one: A) => Promise<B>,
  failed: (one: A, error: unknown) => undefined,
): Promise<NonNullable<B>[]> {
  const guarded = list.map(async (one) => await step(one).catch((error: unknown) => failed(one, error)));
  return (await Promise.all(guarded)).filter((one) => one != null);
}
