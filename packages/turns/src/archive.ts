import type { NumberedRecord } from '@moltbot/shared/contracts';
import { archiveKeys, runScript, sessionKeys, shardOf, type Redis } from '@moltbot/shared/redis';
import { encodeItem } from './log.ts';
import {
  archived1,
  evict1,
  forget1,
  logTrim1,
  rehydrate1,
  shardClaim1,
  shardRelease1,
} from './scripts.gen.ts';

/** The fence of a shard's owner; undefined while another owns it. */
export async function claimShard(
  redis: Redis,
  shard: number,
  owner: string,
  leaseMs: number,
): Promise<string | undefined> {
  const [fence] = (await runScript(redis, shardClaim1, [archiveKeys.lease(shard)], [owner, leaseMs])) as [
    string,
  ];
  return fence === '' ? undefined : fence;
}

/** Lets another archiver have the shard at once, instead of when the lease runs out. */
export async function releaseShard(redis: Redis, shard: number, owner: string): Promise<void> {
  await runScript(redis, shardRelease1, [archiveKeys.lease(shard)], [owner]);
}

/** `deleted`: all is archived, and the session waits to be put aside and forgotten. */
export type ArchiveMark = 'complete' | 'deleted' | 'more' | 'not-owner';

const MARKS: Readonly<Record<number, ArchiveMark>> = { 0: 'more', 1: 'complete', 2: 'deleted' };

/**
 * Moves `archivedSeq` after the records up to it are safely on disk; `recordFence` is the fence of
 * the record at `seq`, so that a record that a failover has put in its place is not taken for it.
 */
export async function markArchived(
  redis: Redis,
  sid: string,
  shardFence: string,
  seq: number,
  recordFence: number,
): Promise<ArchiveMark> {
  const shard = shardOf(sid);
  const keys = [
    sessionKeys.state(sid),
    archiveKeys.lease(shard),
    archiveKeys.dirty(shard),
    sessionKeys.log(sid),
  ];
  const reply = Number(await runScript(redis, archived1, keys, [shardFence, sid, seq, recordFence]));
  return MARKS[reply] ?? 'not-owner';
}

/** Takes an idle session's log out of Redis; false while anything of it is not on disk or not at rest. */
export async function evictSession(redis: Redis, sid: string, idleSinceMs: number): Promise<boolean> {
  const keys = [
    sessionKeys.state(sid),
    sessionKeys.inbox(sid),
    sessionKeys.log(sid),
    sessionKeys.events(sid),
    sessionKeys.turns(sid),
    archiveKeys.live,
  ];
  return (await runScript(redis, evict1, keys, [sid, idleSinceMs])) === 1;
}

/** Puts the newest records of a cold session back; they must end where it went cold. */
export async function rehydrateSession(
  redis: Redis,
  sid: string,
  records: readonly NumberedRecord[],
  lastSeq: number,
): Promise<boolean> {
  const first = records[0]?.seq ?? lastSeq + 1;
  const items = records.map(({ fence, record }) => encodeItem(fence, record));
  const keys = [sessionKeys.state(sid), sessionKeys.log(sid), archiveKeys.live, archiveKeys.wanted];
  return (await runScript(redis, rehydrate1, keys, [sid, first - 1, lastSeq, ...items])) === 1;
}

/** Removes what is left of a deleted session once its archive has been put aside. */
export async function forgetSession(redis: Redis, sid: string): Promise<boolean> {
  const keys = [
    sessionKeys.state(sid),
    sessionKeys.inbox(sid),
    sessionKeys.turns(sid),
    sessionKeys.log(sid),
    sessionKeys.events(sid),
    archiveKeys.live,
    archiveKeys.dirty(shardOf(sid)),
    archiveKeys.wanted,
  ];
  return (await runScript(redis, forget1, keys, [sid])) === 1;
}

export async function trimLog(redis: Redis, sid: string, keep: number): Promise<number> {
  return Number(await runScript(redis, logTrim1, [sessionKeys.state(sid), sessionKeys.log(sid)], [keep]));
}
