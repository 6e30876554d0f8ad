import type { LoggedEvent, RunEvent } from '@moltbot/shared/contracts';
import { sessionKeys, type Redis } from '@moltbot/shared/redis';
import type { SessionRef } from './session.ts';

/** What the user's channel carries, as the scripts wrote it. */
export function decodeBell(message: string): LoggedEvent {
  return JSON.parse(message) as LoggedEvent;
}

/** A cursor comes from a client: what is no id is answered like one that is gone. */
const EVENT_ID = /^\d{1,19}-\d{1,19}$/;

/**
 * Events after a cursor, in order. `gap`: the cursor's own entry is gone (trimmed, evicted or
 * lost in a failover), so the list starts at the oldest that is left.
 */
export async function readEvents(
  redis: Redis,
  ref: Pick<SessionRef, 'sid' | 'key'>,
  after: string,
): Promise<{ events: LoggedEvent[]; gap: boolean }> {
  const stream = sessionKeys.events(ref.sid);
  if (after === '') return { events: decodeEvents(ref, await redis.xrange(stream, '-', '+')), gap: false };
  const entries = EVENT_ID.test(after) ? await redis.xrange(stream, after, '+') : [];
  if (entries[0]?.[0] === after) return { events: decodeEvents(ref, entries.slice(1)), gap: false };
  return { events: decodeEvents(ref, await redis.xrange(stream, '-', '+')), gap: true };
}

/** Entries of a session's stream as events. */
export function decodeEvents(
  ref: Pick<SessionRef, 'sid' | 'key'>,
  entries: readonly [string, string[]][],
): LoggedEvent[] {
  return entries.map(([id, fields]) => {
    const value = (name: string): string => fields[fields.indexOf(name) + 1] ?? '';
    return {
      id,
      prev: value('p'),
      sid: ref.sid,
      key: ref.key,
      n: Number(value('n')),
      e: JSON.parse(value('e')) as RunEvent,
    };
  });
}
