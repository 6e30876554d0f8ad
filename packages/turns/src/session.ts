import { randomUUID } from 'node:crypto';
import type { Lane } from '@moltbot/shared/contracts';
import { archiveKeys, runScript, sessionKeys, shardOf, userKeys, type Redis } from '@moltbot/shared/redis';
import { sessionDelete1, sessionOpen1 } from './scripts.gen.ts';

/** A session as its owner knows it: `key` is canonical, `sid` its present generation. */
export type SessionRef = Readonly<{ sid: string; uid: string; key: string }>;

/** The members of a session's entry, as Redis holds them: all strings. */
export type SessionEntry = Readonly<Record<string, string>>;

/** What a key points at, or undefined when the user has no such session. */
export async function readEntry(redis: Redis, uid: string, key: string): Promise<SessionEntry | undefined> {
  const entry = await redis.hgetall(userKeys.entry(uid, key));
  return entry['sid'] ? entry : undefined;
}

/** The session behind a key, made now when there is none. */
export async function openSession(redis: Redis, uid: string, key: string, lane: Lane): Promise<SessionRef> {
  return await open(redis, { sid: randomUUID(), uid, key }, lane, '');
}

/** Two days without use, longer than an idempotency key lives. */
export const HIDDEN_SECONDS = 2 * 24 * 60 * 60;

/** A session for one request: in no list of the user's, and forgotten when it has not been used for two days. */
export async function openHiddenSession(
  redis: Redis,
  uid: string,
  key: string,
  lane: Lane,
): Promise<SessionRef> {
  return await startHiddenSession(redis, uid, key, lane).opened;
}

/** The same without waiting: what is sent on this connection after it finds `ref` there, if nobody else had the key. */
export function startHiddenSession(
  redis: Redis,
  uid: string,
  key: string,
  lane: Lane,
): Readonly<{ ref: SessionRef; opened: Promise<SessionRef> }> {
  const ref: SessionRef = { sid: randomUUID(), uid, key };
  return { ref, opened: open(redis, ref, lane, '', true) };
}

/**
 * A new generation of a session, unless somebody else has replaced `seen` meanwhile: then theirs.
 * Settings of the entry stay, counters start anew, the old records remain in the archive.
 */
export async function resetSession(redis: Redis, seen: SessionRef, lane: Lane): Promise<SessionRef> {
  return await open(redis, { ...seen, sid: randomUUID() }, lane, seen.sid);
}

/** `fresh` is what the session shall be if it is made now. */
async function open(
  redis: Redis,
  fresh: SessionRef,
  lane: Lane,
  replaces: string,
  hidden = false,
): Promise<SessionRef> {
  const { sid, uid, key } = fresh;
  const keys = [
    userKeys.entry(uid, key),
    userKeys.keys(uid),
    sessionKeys.state(sid),
    sessionKeys.state(replaces),
    archiveKeys.live,
  ];
  const args = [sid, key, uid, lane, replaces, hidden ? '1' : '', HIDDEN_SECONDS];
  const [current] = (await runScript(redis, sessionOpen1, keys, args)) as [string, number];
  return { sid: current, uid, key };
}

/** Newest first; only sessions that still exist. `activeSinceMs` leaves out older ones. */
export async function listEntries(
  redis: Redis,
  uid: string,
  limit: number,
  activeSinceMs = 0,
): Promise<SessionEntry[]> {
  const keys = await redis.zrange(
    userKeys.keys(uid),
    '+inf',
    activeSinceMs,
    'BYSCORE',
    'REV',
    'LIMIT',
    0,
    limit,
  );
  if (keys.length === 0) return [];
  const pipeline = redis.pipeline();
  for (const key of keys) pipeline.hgetall(userKeys.entry(uid, key));
  const replies = (await pipeline.exec()) ?? [];
  return replies.map(([, entry]) => entry as SessionEntry).filter((entry) => entry['sid']);
}

/** Sets members of an entry; null clears. The caller has validated the names. */
export async function patchEntry(
  redis: Redis,
  ref: SessionRef,
  patch: Readonly<Record<string, string | null>>,
): Promise<void> {
  const transaction = redis.multi();
  const key = userKeys.entry(ref.uid, ref.key);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) transaction.hdel(key, name);
    else transaction.hset(key, name, value);
  }
  await transaction.exec();
}

/** False when the key points at another generation by now. */
export async function deleteSession(redis: Redis, ref: SessionRef): Promise<boolean> {
  const keys = [
    userKeys.entry(ref.uid, ref.key),
    userKeys.keys(ref.uid),
    sessionKeys.state(ref.sid),
    archiveKeys.dirty(shardOf(ref.sid)),
  ];
  return (await runScript(redis, sessionDelete1, keys, [ref.key, ref.sid])) === 1;
}
