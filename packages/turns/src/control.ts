import type { RunEvent, SessionRecord } from '@moltbot/shared/contracts';
import {
  archiveKeys,
  queueKeys,
  runScript,
  sessionKeys,
  shardOf,
  userKeys,
  type Redis,
} from '@moltbot/shared/redis';
import { abort1, inject1 } from './scripts.gen.ts';
import type { SessionRef } from './session.ts';

export type StopReason = 'rpc' | 'stop' | 'timeout';

/** Asks that one run, or every unfinished run, of a session stop; returns the run ids concerned. */
export async function abortTurns(
  redis: Redis,
  ref: SessionRef,
  runId: string | undefined,
  reason: StopReason,
): Promise<string[]> {
  const { sid } = ref;
  const wanted = runId === undefined ? '' : `"run":${JSON.stringify(runId)},`;
  const keys = [sessionKeys.state(sid), sessionKeys.inbox(sid), sessionKeys.turns(sid)];
  const fragments = (await runScript(redis, abort1, keys, [
    wanted,
    reason,
    queueKeys.control,
    sid,
  ])) as string[];
  return fragments.map((fragment) => (JSON.parse(`{${fragment}}`) as { run: string }).run);
}

/** A record that no turn made. False when the session's log is not in Redis. */
export async function injectRecord(
  redis: Redis,
  ref: SessionRef,
  record: SessionRecord,
  event: RunEvent,
): Promise<boolean> {
  const { sid, uid, key } = ref;
  const keys = [
    sessionKeys.state(sid),
    sessionKeys.log(sid),
    sessionKeys.events(sid),
    userKeys.entry(uid, key),
    userKeys.keys(uid),
    archiveKeys.dirty(shardOf(sid)),
    archiveKeys.live,
  ];
  const args = [
    sid,
    JSON.stringify(record),
    JSON.stringify(event),
    userKeys.bell(uid),
    JSON.stringify(key),
    key,
  ];
  return Number(await runScript(redis, inject1, keys, args)) > 0;
}
