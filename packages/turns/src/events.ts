import type { LoggedEvent, RunEvent } from '@moltbot/shared/contracts';
import { sessionKeys, type Redis } from '@moltbot/shared/redis';
import type { SessionRef } from './session.ts';

/** What the user's channel carries, as the scripts wrote it. */
export function decodeBell(message: string): LoggedEvent {
  return JSON.parse(message) as LoggedEvent;
}

/** A cursor comes from a client: what is no id is answered like one that is gone. */
const EVENT_ID = /^\d{1,19}-\d{1,19}$/;

/** A long stream is read in pieces, so that neither Redis nor this process keeps others waiting. */
const PAGE = 1_000;

type Stream = Pick<SessionRef, 'sid' | 'key'>;

/**
 * Events after a cursor, in order. `gap`: the cursor's own entry is gone (trimmed, evicted or
 * lost in a failover), so the list starts at the oldest that is left.
 */
export async function readEvents(
  redis: Redis,
  ref: Stream,
  after: string,
): Promise<{ events: LoggedEvent[]; gap: boolean }> {
  if (after === '') return { events: await readFrom(redis, ref, '-'), gap: false };
  const [known] = EVENT_ID.test(after) ? await redis.xrange(sessionKeys.events(ref.sid), after, after) : [];
  const events = known ? await readFrom(redis, ref, after) : [];
  if (events[0]?.id === after) return { events: events.slice(1), gap: false };
  return { events: await readFrom(redis, ref, '-'), gap: true };
}

async function readFrom(redis: Redis, ref: Stream, from: string): Promise<LoggedEvent[]> {
  const stream = sessionKeys.events(ref.sid);
  const events: LoggedEvent[] = [];
  for (let next = from; ;) {
    const page = decodeEvents(ref, await redis.xrange(stream, next, '+', 'COUNT', PAGE));
    const before = events.at(-1);
    // trimmed meanwhile, or answered by another primary: two pages that do not fit are no stream
    if (before && page[0] && page[0].prev !== before.id)
      return decodeEvents(ref, await redis.xrange(stream, from, '+'));
    events.push(...page);
    const last = page.at(-1);
    if (!last || page.length < PAGE) return events;
    next = `(${last.id}`;
  }
}

/** The newest event's id, '' without one; and whether no turn waits or runs after it. */
export async function readNewest(redis: Redis, sid: string): Promise<{ id: string; atRest: boolean }> {
  const replies = await redis
    .multi()
    .hget(sessionKeys.state(sid), 'cur')
    .llen(sessionKeys.inbox(sid))
    .xrevrange(sessionKeys.events(sid), '+', '-', 'COUNT', 1)
    .exec();
  const [current, waiting, newest] = (replies ?? []).map(([error, reply]) => {
    if (error) throw error;
    return reply;
  }) as [string | null, number, [string, string[]][]];
  return { id: newest[0]?.[0] ?? '', atRest: (current ?? '') === '' && waiting === 0 };
}

/** Entries of a session's stream as events. */
export function decodeEvents(ref: Stream, entries: readonly [string, string[]][]): LoggedEvent[] {
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
