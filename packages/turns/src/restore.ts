import type { Lane } from '@moltbot/shared/contracts';
import { archiveKeys, queueKeys, runScript, sessionKeys, userKeys, type Redis } from '@moltbot/shared/redis';
import { IDEMPOTENCY_SECONDS, type TurnStatus } from './accept.ts';
import { idemRestore1, sessionRestore1 } from './scripts.gen.ts';
import { HIDDEN_SECONDS, type SessionRef } from './session.ts';

/** A session as its archive tells it. */
export type RestoredSession = Readonly<{
  ref: SessionRef;
  lane: Lane;
  hidden: boolean;
  lastSeq: number;
  contextFromSeq: number;
  firstFence: number;
  highestFence: number;
  updatedAtMs: number;
  /** Members of its entry beside `sid`, `key` and `updatedAt`. */
  entry: Readonly<Record<string, string>>;
  answered: readonly AnsweredTurn[];
}>;

/** A message that was answered; within a day its idempotency key still counts. */
export type AnsweredTurn = Readonly<{
  runId: string;
  turnId: string;
  status: Extract<TurnStatus, 'final' | 'aborted' | 'error'>;
  error: string;
  startedAtMs: number;
  endedAtMs: number;
}>;

/** `kept` Redis has the session or uses its key · `older` a newer generation is current · `over` its time has passed. */
export type Restoration = 'restored' | 'kept' | 'older' | 'over';

const REPLIES: Readonly<Record<number, Restoration>> = { 1: 'restored', 0: 'kept', [-1]: 'older' };
const LOOK_AGAIN = 5;

/** Whether this Redis has ever taken a turn; a restore by itself does not count. */
export async function hasTakenTurns(redis: Redis): Promise<boolean> {
  return (await redis.exists(queueKeys.ledger)) === 1;
}

/** Puts a session back, cold: its records follow when somebody asks for it. Sets only what is absent. */
export async function restoreSession(
  redis: Redis,
  session: RestoredSession,
  nowMs: number,
): Promise<Restoration> {
  await Promise.all(session.answered.map(async (turn) => await rememberAnswer(redis, session, turn, nowMs)));
  const leftSeconds = Math.floor(HIDDEN_SECONDS - (nowMs - session.updatedAtMs) / 1_000);
  if (session.hidden && leftSeconds <= 0) return 'over';
  for (let attempt = 0; attempt < LOOK_AGAIN; attempt += 1) {
    const reply = await tryRestore(redis, session, session.hidden ? leftSeconds : '');
    if (reply !== undefined) return reply;
  }
  return 'kept'; // somebody resets it over and over: it is in use
}

async function tryRestore(
  redis: Redis,
  session: RestoredSession,
  lifetimeSeconds: number | '',
): Promise<Restoration | undefined> {
  const { sid, uid, key } = session.ref;
  const there = (await redis.hget(userKeys.entry(uid, key), 'sid')) ?? '';
  const keys = [
    ...[sessionKeys.state(sid), userKeys.entry(uid, key), userKeys.keys(uid), archiveKeys.live],
    ...[
      sessionKeys.state(there),
      sessionKeys.inbox(there),
      sessionKeys.log(there),
      sessionKeys.events(there),
    ],
  ];
  const args = [
    ...[sid, key, uid, session.lane, session.lastSeq, session.contextFromSeq],
    ...[session.highestFence, session.firstFence, there, session.updatedAtMs, lifetimeSeconds],
    ...Object.entries(session.entry).flat(),
  ];
  return REPLIES[Number(await runScript(redis, sessionRestore1, keys, args))];
}

async function rememberAnswer(
  redis: Redis,
  { ref: { sid, uid, key } }: RestoredSession,
  turn: AnsweredTurn,
  nowMs: number,
): Promise<void> {
  const leftSeconds = Math.floor(IDEMPOTENCY_SECONDS - (nowMs - turn.endedAtMs) / 1_000);
  if (leftSeconds <= 0) return;
  const keys = [userKeys.idem(uid, key, turn.runId), userKeys.run(uid, turn.runId)];
  const { turnId, status, error, startedAtMs, endedAtMs } = turn;
  await runScript(redis, idemRestore1, keys, [
    sid,
    turnId,
    status,
    error,
    startedAtMs,
    endedAtMs,
    Math.min(leftSeconds, IDEMPOTENCY_SECONDS),
  ]);
}
