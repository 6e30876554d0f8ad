import { archiveKeys, SHARDS, type Redis } from '@moltbot/shared/redis';
import { claimShard, releaseShard } from '@moltbot/turns';
import { fairShare } from '../domain/shards.ts';
import type { StoreEvents } from '../events.ts';

export type ShardKeeperDeps = Readonly<{
  redis: Redis;
  events: StoreEvents;
  /** Names this process; never used twice, so that a successor never writes into its files. */
  owner: string;
  leaseMs: number;
  /** True while the archiver hangs at its file system: another store shall have a try. */
  isStuck(): boolean;
  /** Resolves when no round of the archiver that began before is under way. */
  settled(): Promise<void>;
}>;

export type ShardKeeper = Readonly<{
  /** Our shards and the fence of each. */
  shards(this: void): ReadonlyMap<number, string>;
  /** Renews, claims and hands over; resolves to the pause before the next round. */
  round(this: void): Promise<number>;
  /** Hands everything over and leaves the list of stores. */
  leave(): Promise<void>;
}>;

export function createShardKeeper(deps: ShardKeeperDeps): ShardKeeper {
  const { redis, owner, leaseMs } = deps;
  const owned = new Map<number, string>();

  /** Says that we are alive; resolves to how many stores are. The server's clock, for all of them the same. */
  async function announce(): Promise<number> {
    const [seconds] = await redis.time();
    const nowMs = Number(seconds) * 1_000;
    const replies = await redis
      .multi()
      .zadd(archiveKeys.owners, nowMs + leaseMs, owner)
      .zremrangebyscore(archiveKeys.owners, '-inf', nowMs)
      .zcard(archiveKeys.owners)
      .exec();
    return Number(replies?.[2]?.[1] ?? 1);
  }

  async function claim(shard: number): Promise<void> {
    const fence = await claimShard(redis, shard, owner, leaseMs);
    if (fence === undefined) owned.delete(shard);
    else owned.set(shard, fence);
  }

  async function handOver(shards: readonly number[]): Promise<void> {
    if (shards.length === 0) return;
    for (const shard of shards) owned.delete(shard);
    await deps.settled(); // what we have begun to write is finished under our fence
    await Promise.all(shards.map(async (shard) => await releaseShard(redis, shard, owner)));
  }

  async function round(): Promise<number> {
    const before = owned.size;
    if (deps.isStuck()) owned.clear(); // the leases run out
    else {
      const stores = await announce();
      const share = fairShare(SHARDS, stores);
      await Promise.all([...owned.keys()].map(claim));
      await handOver([...owned.keys()].slice(share));
      for (let shard = 0; shard < SHARDS && owned.size < share; shard += 1)
        if (!owned.has(shard)) await claim(shard);
      if (owned.size !== before) deps.events.shardsOwned(owned.size, stores);
    }
    return leaseMs / 4;
  }

  return {
    shards: () => owned,
    round,
    async leave() {
      await handOver([...owned.keys()]);
      await redis.zrem(archiveKeys.owners, owner);
    },
  };
}
