import { LANES, type NumberedRecord } from '@moltbot/shared/contracts';
import type { Durability, Redis } from '@moltbot/shared/redis';
import { markArchived, readRecords, readState, trimLog, type SessionState } from '@moltbot/turns';
import type { SegmentWriter } from '../adapters/segment-writer.ts';
import type { SessionHead } from '../domain/transcript.ts';
import type { StoreEvents } from '../events.ts';
import { putAsideDeleted } from './put-aside.ts';

export type ArchiveDeps = Readonly<{
  /** A connection that pipelines by itself: a round asks the same of hundreds of sessions. */
  redis: Redis;
  durability: Durability;
  writer: SegmentWriter;
  events: StoreEvents;
  now(): number;
}>;

/** A session in the list of what is not archived, and under which fence we own its shard. */
export type Waiting = Readonly<{ sid: string; shardFence: string }>;
export type Batch = Waiting & Readonly<{ head: SessionHead; state: SessionState; records: NumberedRecord[] }>;

/** The rest comes with the next round, so that one session does not keep all others waiting. */
const RECORDS_A_SESSION = 200;
/** A log in Redis is shortened to this many records, once it is so much longer that it is worth a command. */
const LOG_KEEP = 400;
const LOG_SLACK = 50;

/** What of a session is not archived yet; undefined when Redis knows no such session any more. */
export async function readBatch(
  { redis, events }: ArchiveDeps,
  { sid, shardFence }: Waiting,
): Promise<Batch | undefined> {
  const state = await readState(redis, sid);
  if (!state) {
    // takes it from the list
    await markArchived(redis, sid, shardFence, 0, 0);
    return undefined;
  }
  const { archivedSeq, base, seq } = state;
  const head = headOf(sid, state);
  const toSeq = Math.min(seq, archivedSeq + RECORDS_A_SESSION);
  const records = await readRecords(redis, sid, base, archivedSeq + 1, toSeq);
  const first = records[0]?.seq ?? toSeq + 1;
  if (first > archivedSeq + 1) events.recordsMissing(head, archivedSeq + 1, first - 1);
  return { sid, shardFence, head, state, records };
}

function headOf(sid: string, { uid, key, lane, hidden }: SessionState): SessionHead {
  const known = LANES.find((name) => name === lane);
  return { sid, uid, key, ...(known && { lane: known }), ...(hidden && { hidden }) };
}

export async function writeBatch({ writer, events }: ArchiveDeps, batch: Batch): Promise<void> {
  const { head, shardFence, records } = batch;
  if (records.length === 0) return;
  await writer.append(head, shardFence, records);
  events.archived(records.length);
}

/** Only after the write: says so in Redis, and does what had to wait for it. False: look again later. */
export async function settleBatch(deps: ArchiveDeps, batch: Batch): Promise<boolean> {
  const { redis } = deps;
  const { sid, shardFence, state, records } = batch;
  const last = records.at(-1);
  const seq = last?.seq ?? state.archivedSeq;
  const mark = await markArchived(redis, sid, shardFence, seq, last?.fence ?? 0);
  if (mark === 'deleted') return await putAsideDeleted(deps, batch.head);
  const spare = Math.min(state.contextFromSeq - 1, seq, state.seq - LOG_KEEP) - state.base;
  if (spare >= LOG_SLACK && !state.cold) await trimLog(redis, sid, LOG_KEEP);
  return mark !== 'more' || last !== undefined;
}
