import { randomUUID } from 'node:crypto';
import { AppError } from '@moltbot/shared/errors';
import {
  archiveKeys,
  closeRedis,
  openDurability,
  openSubscriber,
  type Durability,
  type Redis,
} from '@moltbot/shared/redis';
import { readState } from '@moltbot/turns';
import { createArchiveReader, type ArchiveReader } from './adapters/archive-reader.ts';
import { createGate } from './adapters/gate.ts';
import { createQueries } from './adapters/queries.ts';
import { createSegmentWriter, type SegmentWriter } from './adapters/segment-writer.ts';
import type { SessionStoreConfig } from './config.ts';
import type { StoreEvents } from './events.ts';
import type { InternalPorts } from './http/routes.ts';
import { createArchiver } from './jobs/archiver.ts';
import { evictIdle } from './jobs/evictor.ts';
import { startLoop, type Loop } from './jobs/loop.ts';
import { createRehydrator, type Rehydrator } from './jobs/rehydrator.ts';
import { createShardKeeper, type ShardKeeper } from './jobs/shard-keeper.ts';

const READ_TIMEOUT_MS = 5_000;
/** A round that takes longer has a dead file system under it, not a slow one. */
const STUCK_AFTER_MS = 30_000;
/** Below what main.ts allows for the whole end. */
const DRAIN_MS = 8_000;

/** What runs without being asked, and what it lets others ask. */
export type Background = AsyncDisposable & Readonly<{ ports: InternalPorts; drain(): Promise<void> }>;

export async function startBackground(
  config: SessionStoreConfig,
  redis: Redis,
  events: StoreEvents,
): Promise<Background> {
  await using cleanup = new AsyncDisposableStack();
  const bulk = cleanup.adopt(pipelining(redis), closeRedis);
  const target = { url: config.redisUrl, name: 'session-store' };
  const durability = cleanup.use(await openDurability(target));
  const writer = cleanup.use(openWriter(config, events));
  const reader = openReader(config, events);
  const { archiver, keeper } = createOwnership(config, redis, bulk, { writer, durability, events });
  const shards = (): ReadonlyMap<number, string> => keeper.shards();
  const rehydrator = createRehydrator({ redis: bulk, reader, events, shards, now: Date.now });
  const evict = async (): Promise<number> =>
    await evictIdle({ redis: bulk, events, shards, idleMs: config.idleEvictMs });
  const subscriber = cleanup.use(await openSubscriber(target));

  await keeper.round(); // the first round of the archiver shall have shards already
  const loop = (what: string, round: () => Promise<number>): Loop =>
    startLoop(round, (error) => events.failed(error, what));
  const rehydrating = loop('bringing back failed', rehydrator.round);
  const loops = [
    rehydrating,
    loop('evicting failed', evict),
    loop('archiving failed', archiver.next),
    loop('shards not renewed', keeper.round),
  ];
  await subscriber.subscribe(archiveKeys.bell, () => rehydrating.wake());

  const stopAll = async (): Promise<void> => {
    await Promise.all(loops.map(async (one) => await one.stop()));
    await archiver.next(true); // what came in the meantime
    await keeper.leave();
  };
  let stopping: Promise<void> | undefined;
  const owned = cleanup.move();
  return {
    ports: { ...createQueries(redis, reader), rehydrate: checkedRehydrate(redis, rehydrator) },
    drain: async () => {
      stopping ??= stopAll().catch((error: unknown) => events.failed(error, 'hand-over failed'));
      await Promise.race([stopping, new Promise((resolve) => setTimeout(resolve, DRAIN_MS).unref())]);
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

/** A second connection that sends what is asked in one tick together. */
function pipelining(redis: Redis): Redis {
  const bulk = redis.duplicate({ enableAutoPipelining: true, lazyConnect: false });
  bulk.on('error', () => undefined); // as for the first: the phase and the metrics report it
  return bulk;
}

function openWriter({ archiveDir, ioThreads }: SessionStoreConfig, events: StoreEvents): SegmentWriter {
  return createSegmentWriter({
    root: archiveDir,
    gate: createGate(Math.max(1, ioThreads - 2)), // one thread for readers, one for name lookups
    now: Date.now,
    onSync: (seconds) => events.synced(seconds),
    onCloseFailed: (error) => events.failed(error, 'a segment did not close'),
  });
}

function openReader({ archiveDir }: SessionStoreConfig, events: StoreEvents): ArchiveReader {
  return createArchiveReader({
    root: archiveDir,
    gate: createGate(1),
    timeoutMs: READ_TIMEOUT_MS,
    onRead: (session) => events.sessionRead(session),
  });
}

type Ownership = Readonly<{
  archiver: { next(this: void, all?: boolean): Promise<number> };
  keeper: ShardKeeper;
}>;

/** The archiver writes for the shards the keeper holds; the keeper gives none away in the middle of a round. */
function createOwnership(
  config: SessionStoreConfig,
  redis: Redis,
  bulk: Redis,
  tools: Readonly<{ writer: SegmentWriter; durability: Durability; events: StoreEvents }>,
): Ownership {
  const now = Date.now;
  const shards = (): ReadonlyMap<number, string> => keeper.shards();
  const archiver = createArchiver({ ...tools, redis: bulk, shards, batchMs: config.batchMs, now });
  let current: Promise<unknown> = Promise.resolve();
  const keeper = createShardKeeper({
    redis,
    events: tools.events,
    owner: randomUUID(),
    leaseMs: config.shardLeaseMs,
    isStuck: () => now() - (archiver.busySinceMs() ?? now()) > STUCK_AFTER_MS,
    settled: async () => void (await current),
  });
  const next = async (all = false): Promise<number> => {
    const round = archiver.round(all);
    current = round.catch(() => undefined);
    return await round;
  };
  return { archiver: { next }, keeper };
}

function checkedRehydrate(redis: Redis, rehydrator: Rehydrator): InternalPorts['rehydrate'] {
  return async (uid, sid) => {
    const state = await readState(redis, sid);
    if (state?.uid !== uid) throw new AppError('NOT_FOUND', 'session not found');
    await rehydrator.rehydrate(sid);
  };
}
