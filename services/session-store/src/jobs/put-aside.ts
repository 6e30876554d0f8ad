import { sessionKeys } from '@moltbot/shared/redis';
import { forgetSession, readState } from '@moltbot/turns';
import type { SessionHead } from '../domain/transcript.ts';
import type { ArchiveDeps } from './archive-session.ts';

/**
 * Ends a deleted session once it is at rest: first the directory, then the keys, so that a crash
 * in between is repeated and finds the directory gone. False while a turn of it waits or runs.
 */
export async function putAsideDeleted(
  { redis, durability, writer, events, now }: ArchiveDeps,
  head: SessionHead,
): Promise<boolean> {
  const inbox = sessionKeys.inbox(head.sid);
  // a failover may take a deletion back, and then the files must be where they were
  const [state, waiting] = await durability.settle(
    redis,
    async () => await Promise.all([readState(redis, head.sid), redis.llen(inbox)]),
  );
  if (!state) return true;
  // a deleted session takes no new turns, so once at rest it stays at rest
  if (waiting > 0 || state.currentTurnId !== '' || state.archivedSeq !== state.seq) return false;
  if (await writer.putAside(head, now())) events.putAside(head);
  return await forgetSession(redis, head.sid);
}
