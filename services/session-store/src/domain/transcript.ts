import {
  LANES,
  type Lane,
  type NumberedRecord,
  type SessionRecord,
  type Usage,
} from '@moltbot/shared/contracts';
import { stamp, unstamp } from './message-id.ts';

/**
 * Whose records a directory holds; the first line of every segment says it. Older segments do not say
 * the lane, nor that a session was made for one request.
 */
export type SessionHead = Readonly<{
  sid: string;
  uid: string;
  key: string;
  lane?: Lane;
  hidden?: true;
}>;

type Assistant = Extract<SessionRecord, { type: 'assistant' }>;

/** The first line of a segment, as Moltbot's transcripts have it, and whose it is. */
export function headLine({ sid, uid, key, lane, hidden }: SessionHead, atMs: number): string {
  return JSON.stringify({
    type: 'session',
    version: 3,
    id: sid,
    timestamp: iso(atMs),
    cwd: '/',
    key,
    user: uid,
    lane,
    hidden,
  });
}

export function readHead(line: unknown): SessionHead | undefined {
  const { type, id, key, user, lane, hidden } = line as Record<string, unknown>;
  if (type !== 'session' || typeof id !== 'string' || typeof user !== 'string') return undefined;
  const known = LANES.find((name) => name === lane);
  return {
    sid: id,
    uid: user,
    key: typeof key === 'string' ? key : '',
    ...(known && { lane: known }),
    ...(hidden === true && { hidden }),
  };
}

/**
 * One record as a line of Moltbot's transcript, plus what a restore needs: `record` is our own
 * record without what the message holds already. Seq and fence come before anything a user wrote.
 */
export function recordLine(sid: string, { seq, fence, record }: NumberedRecord): string {
  const entry = {
    id: entryId(sid, seq),
    parentId: seq > 1 ? entryId(sid, seq - 1) : null,
    timestamp: iso(record.timestamp),
    seq,
    fence,
    turnId: record.turnId,
  };
  if (record.type === 'compaction') {
    const { summary, upToSeq } = record;
    const firstKeptEntryId = entryId(sid, upToSeq + 1);
    return JSON.stringify({
      type: 'compaction',
      ...entry,
      summary,
      firstKeptEntryId,
      record: { ...record, summary: '' },
    });
  }
  return JSON.stringify({
    type: 'message',
    ...entry,
    message: messageOf(record),
    record: { ...record, content: [] },
  });
}

/** The exact reverse: the same record with its members in the same order. */
export function readRecord(line: unknown): NumberedRecord {
  const { seq, fence, record, message, summary } = line as {
    seq: number;
    fence: number;
    record: SessionRecord;
    message?: { content: Assistant['content'] };
    summary?: string;
  };
  if (record.type === 'compaction') return { seq, fence, record: { ...record, summary: summary ?? '' } };
  const content = message?.content ?? [];
  if (record.type === 'assistant') return { seq, fence, record: { ...record, content } };
  return { seq, fence, record: { ...record, content: unstamp(content, record.runId) } };
}

function messageOf(record: Exclude<SessionRecord, { type: 'compaction' }>): unknown {
  const { content, timestamp } = record;
  if (record.type === 'user') return { role: 'user', content: stamp(content, record.runId), timestamp };
  const { api, provider, model, stopReason, errorMessage } = record;
  const usage = usageOf(record.usage);
  return { role: 'assistant', content, api, provider, model, usage, stopReason, errorMessage, timestamp };
}

/** Upstream splits the cost by kind of token; we know its sum, and only for models with a price. */
function usageOf({ input, output, cacheRead, cacheWrite, costMicroUsd }: Usage): unknown {
  const total = (costMicroUsd ?? 0) / 1e6;
  return {
    input,
    output,
    cacheRead,
    cacheWrite,
    totalTokens: input + output + cacheRead + cacheWrite,
    cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total },
  };
}

/** Eight hex digits, different for every seq of a session and known without reading what came before. */
function entryId(sid: string, seq: number): string {
  const start = Number.parseInt(sid.slice(0, 8), 16);
  return ((start ^ seq) >>> 0).toString(16).padStart(8, '0');
}

const LATEST_DATE_MS = 8.64e15;
const iso = (ms: number): string => new Date(Math.abs(ms) <= LATEST_DATE_MS ? ms : 0).toISOString();
