import type { Redis } from '@moltbot/shared/redis';
import { abortTurns, findTurn, type RunStatus } from '@moltbot/turns';
import type { AssistantRecord } from '../domain/ports.ts';
import type { InternalClient } from './internal-client.ts';
import { readPage, type Owner } from './session-desk.ts';

/** The generation of a session that a run was accepted in; a reset does not move it. */
export type RunPlace = Readonly<{ sid: string; key: string }>;

/** A user's runs by the ids their clients know. */
export type Runs = Readonly<{
  find(owner: Owner, key: string, runId: string): Promise<RunStatus | undefined>;
  /** What it said, by the session's records; undefined where nothing is left of it. */
  record(owner: Owner, place: RunPlace, turnId: string): Promise<AssistantRecord | undefined>;
  /** False when it has ended. */
  stop(owner: Owner, place: RunPlace, runId: string): Promise<boolean>;
}>;

/** Records may be large, and the one that is asked for is nearly always among the last. */
const LOOK_BACK = [10, 200] as const;

export function createRuns(redis: Redis, archive: InternalClient | undefined): Runs {
  return {
    find: async ({ userId }, key, runId) => await findTurn(redis, userId, key, runId),
    record: async ({ userId: uid }, { sid, key }, turnId) => {
      for (const limit of LOOK_BACK) {
        const { records, hasMore } = await readPage({ redis, archive }, { sid, uid, key }, limit);
        const found = records.findLast(
          ({ record }) => record.type === 'assistant' && record.turnId === turnId,
        );
        if (found || !hasMore) return found?.record as AssistantRecord | undefined;
      }
      return undefined;
    },
    stop: async ({ userId: uid }, { sid, key }, runId) =>
      (await abortTurns(redis, { sid, uid, key }, runId, 'rpc')).length > 0,
  };
}
