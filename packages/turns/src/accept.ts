import { randomUUID } from 'node:crypto';
import type { SessionRecord, TurnContent } from '@moltbot/shared/contracts';
import { archiveKeys, queueKeys, runScript, sessionKeys, userKeys, type Redis } from '@moltbot/shared/redis';
import { accept1, sessionOpen1 } from './scripts.gen.ts';

export const IDEMPOTENCY_SECONDS = 24 * 60 * 60;
/** How long an accepted turn may wait for a worker before the sweeper wakes one. */
export const WAKE_AFTER_MS = 5_000;

/** Most turns that wait or run at once: in one session, of one user, of everybody. */
export type Caps = Readonly<{ session: number; user: number; all: number }>;

export type NewTurn = Readonly<{
  content: Omit<TurnContent, 'turnId' | 'acceptedAtMs'>;
  record: Omit<Extract<SessionRecord, { type: 'user' }>, 'turnId' | 'type'>;
  /** First words of the message: the session's name in lists until it gets a label. */
  title: string;
}>;

export type Accepted =
  | Readonly<{ kind: 'accepted'; turnId: string; load: number; cold: boolean }>
  | Readonly<{ kind: 'duplicate'; sid: string; turnId: string; status: TurnStatus; error: string }>
  | Readonly<{ kind: 'moved'; sid: string }>
  | Readonly<{ kind: 'busy'; cap: keyof Caps }>;

export type TurnStatus = 'waiting' | 'running' | 'final' | 'aborted' | 'error';

/** Puts a turn into its session's inbox. `load`: how many of the user's sessions wait or run now. */
export async function acceptTurn(redis: Redis, turn: NewTurn, caps: Caps): Promise<Accepted> {
  const { uid, key, sid, runId } = turn.content;
  const turnId = randomUUID();
  const content: TurnContent = { ...turn.content, turnId, acceptedAtMs: Date.now() };
  const record: SessionRecord = { type: 'user', turnId, ...turn.record };
  const keys = [
    userKeys.idem(uid, key, runId),
    userKeys.entry(uid, key),
    sessionKeys.inbox(sid),
    sessionKeys.turns(sid),
    sessionKeys.state(sid),
    sessionKeys.events(sid),
    userKeys.keys(uid),
    userKeys.open(uid),
    queueKeys.due,
    queueKeys.ledger,
    archiveKeys.live,
    archiveKeys.wanted,
    userKeys.run(uid, runId),
  ];
  const reply = (await runScript(redis, accept1, keys, [
    sid,
    turnId,
    JSON.stringify(content),
    JSON.stringify(record),
    idFragment(turnId, turn.content),
    userKeys.bell(uid),
    JSON.stringify(key),
    IDEMPOTENCY_SECONDS,
    WAKE_AFTER_MS,
    caps.session,
    caps.user,
    caps.all,
    key,
    turn.title,
  ])) as [string, ...(string | number)[]];
  return readReply(reply, turnId);
}

function readReply(reply: [string, ...(string | number)[]], turnId: string): Accepted {
  const [kind, ...rest] = reply;
  if (kind === 'ok') return { kind: 'accepted', turnId, load: Number(rest[0]), cold: rest[1] === 1 };
  if (kind === 'moved') return { kind: 'moved', sid: String(rest[0]) };
  if (kind === 'busy') return { kind: 'busy', cap: rest[0] as keyof Caps };
  const [sid, tid, status, error] = rest.map(String) as [string, string, TurnStatus, string];
  return { kind: 'duplicate', sid, turnId: tid, status, error };
}

/** The members that name a turn in every event; scripts paste them, so they end without a comma. */
export function idFragment(tid: string, { runId: run, shownKey: shown, kind }: NewTurn['content']): string {
  return JSON.stringify({ tid, run, shown, ...(kind === 'command' && { kind }) }).slice(1, -1);
}

export type RunStatus = Readonly<{
  sid: string;
  turnId: string;
  status: TurnStatus;
  error: string;
  startedAtMs?: number;
  endedAtMs?: number;
}>;

/** What became of a message, by its idempotency key; for 24 h. */
export async function findTurn(
  redis: Redis,
  uid: string,
  key: string,
  idempotencyKey: string,
): Promise<RunStatus | undefined> {
  return await readStatus(redis, userKeys.idem(uid, key, idempotencyKey));
}

/** The same by run id alone, in whichever of the user's sessions it last was. */
export async function findRun(redis: Redis, uid: string, runId: string): Promise<RunStatus | undefined> {
  const key = await redis.get(userKeys.run(uid, runId));
  return key === null ? undefined : await readStatus(redis, key);
}

async function readStatus(redis: Redis, key: string): Promise<RunStatus | undefined> {
  const { sid, tid, status, error = '', startedAt, endedAt } = await redis.hgetall(key);
  if (!sid || !tid || !status) return undefined;
  return {
    sid,
    turnId: tid,
    status: status as TurnStatus,
    error,
    ...(startedAt && { startedAtMs: Number(startedAt) }),
    ...(endedAt && { endedAtMs: Number(endedAt) }),
  };
}

/**
 * Puts the scripts of acceptance into Redis' cache. A door calls it whenever its connection is ready:
 * a script that is missing is sent a second time, behind what was meant to follow it.
 */
export async function loadDoorScripts(redis: Redis): Promise<void> {
  await Promise.all([sessionOpen1, accept1].map(async ({ source }) => await redis.script('LOAD', source)));
}
