import type { NumberedRecord, SessionRecord } from '@moltbot/shared/contracts';
import { sessionKeys, type Redis } from '@moltbot/shared/redis';

/** A log item is `<fence> <record JSON>`; its seq is its place. */
export function decodeItem(item: string, seq: number): NumberedRecord {
  const space = item.indexOf(' ');
  return {
    seq,
    fence: Number(item.slice(0, space)),
    record: JSON.parse(item.slice(space + 1)) as SessionRecord,
  };
}

export const encodeItem = (fence: number, record: SessionRecord): string =>
  `${fence} ${JSON.stringify(record)}`;

export type SessionState = Readonly<{
  uid: string;
  key: string;
  lane: string;
  /** Seq of the last record; records up to `base` are in the archive only. */
  seq: number;
  base: number;
  archivedSeq: number;
  contextFromSeq: number;
  cold: boolean;
  deleted: boolean;
  /** Made for one request: in no list, and gone after two days without use. */
  hidden: boolean;
  /** The turn that runs now, '' when none. */
  currentTurnId: string;
}>;

export async function readState(redis: Redis, sid: string): Promise<SessionState | undefined> {
  const state = await redis.hgetall(sessionKeys.state(sid));
  const { uid, key, lane = 'main' } = state;
  if (!uid || !key) return undefined;
  return {
    uid,
    key,
    lane,
    seq: Number(state['seq']),
    base: Number(state['base']),
    archivedSeq: Number(state['archivedSeq']),
    contextFromSeq: Number(state['ctx']),
    cold: state['cold'] !== undefined,
    deleted: state['deleted'] !== undefined,
    hidden: state['hidden'] !== undefined,
    currentTurnId: state['cur'] ?? '',
  };
}

/** Records `fromSeq..toSeq` that are in Redis; what is older is the archive's to give. */
export async function readRecords(
  redis: Redis,
  sid: string,
  base: number,
  fromSeq: number,
  toSeq: number,
): Promise<NumberedRecord[]> {
  const first = Math.max(fromSeq, base + 1);
  const items = await readItems(redis, sid, base, first, toSeq);
  return items.map((item, index) => decodeItem(item, first + index));
}

/** The same as they lie in Redis, for whoever compares bytes; `fromSeq` is above `base`. */
export async function readItems(
  redis: Redis,
  sid: string,
  base: number,
  fromSeq: number,
  toSeq: number,
): Promise<string[]> {
  if (toSeq < fromSeq) return [];
  return await redis.lrange(sessionKeys.log(sid), fromSeq - 1 - base, toSeq - 1 - base);
}
