import type {
  EndEvent,
  NumberedRecord,
  RunEvent,
  SessionRecord,
  TurnContent,
  Usage,
} from '@moltbot/shared/contracts';
import {
  archiveKeys,
  budgetKeys,
  queueKeys,
  runScript,
  sessionKeys,
  shardOf,
  userKeys,
  type Redis,
  type ScriptArgument,
} from '@moltbot/shared/redis';
import { IDEMPOTENCY_SECONDS, WAKE_AFTER_MS } from './accept.ts';
import { decodeItem } from './log.ts';
import { begin1, commit1, emit1, leaseRenew1, release1 } from './scripts.gen.ts';
import type { SessionRef } from './session.ts';
import { USAGE_KEPT_SECONDS, usageMembers, wholeNumber } from './usage.ts';

export const LEASE_MS = 8_000;
export const MAX_ATTEMPTS = 3;
/** How long a turn waits for its session to come back from the archive. */
export const COLD_WAIT_MS = 10_000;
const EVENTS_KEPT_MS = 10 * 60_000;

/** One attempt at a turn by one worker; `fence` proves it to every script. */
export type Run = Readonly<{
  ref: SessionRef;
  fence: string;
  content: TurnContent;
  attempt: number;
  /** Not empty: end it without asking the model. */
  abortReason: string;
  records: readonly NumberedRecord[];
  emitted: Emitted;
}>;

/** How many events this attempt has said, and the last of them on its way. */
export type Emitted = { count: number; last: Promise<unknown> };

export type Begun =
  | Readonly<{ kind: 'run'; run: Run }>
  | Readonly<{ kind: 'busy'; untilMs: number }>
  | Readonly<{ kind: 'empty' | 'capped' | 'cold' | 'gone' }>;

/**
 * Takes the head of a session's inbox. `owner` names this one taking (not the process): only the
 * same taking, asked again after a lost reply, may begin over a live lease.
 * `userCap`: how many sessions of one user may run at once.
 */
export async function beginTurn(
  redis: Redis,
  ref: SessionRef,
  owner: string,
  userCap: number,
): Promise<Begun> {
  const { sid, uid, key } = ref;
  const keys = [
    sessionKeys.state(sid),
    sessionKeys.inbox(sid),
    sessionKeys.turns(sid),
    sessionKeys.log(sid),
    sessionKeys.events(sid),
    userKeys.running(uid),
    queueKeys.due,
    queueKeys.woken,
    archiveKeys.dirty(shardOf(sid)),
    archiveKeys.live,
    archiveKeys.wanted,
  ];
  const args = [
    owner,
    LEASE_MS,
    userCap,
    userKeys.bell(uid),
    sid,
    JSON.stringify(key),
    MAX_ATTEMPTS,
    COLD_WAIT_MS,
    WAKE_AFTER_MS,
  ];
  const reply = (await runScript(redis, begin1, keys, args)) as [string, ...unknown[]];
  if (reply[0] === 'busy') return { kind: 'busy', untilMs: Number(reply[1]) };
  if (reply[0] !== 'run') return { kind: reply[0] as 'empty' | 'capped' | 'cold' | 'gone' };
  const [, fence, content, attempt, abortReason, firstSeq, items] = reply as [
    string,
    string,
    string,
    number,
    string,
    number,
    string[],
  ];
  const records = items.map((item, index) => decodeItem(item, firstSeq + index));
  return {
    kind: 'run',
    run: {
      ref,
      fence,
      content: JSON.parse(content) as TurnContent,
      attempt,
      abortReason,
      records,
      emitted: { count: 0, last: Promise.resolve() },
    },
  };
}

/** `lost`: the turn has ended or another worker runs it; say nothing more about it. */
export type Held = Readonly<{ lost: boolean; abortReason: string }>;

/**
 * Adds an event of the running turn. One at a time and numbered, so that one that a new connection
 * sends again, because the reply was lost with the old one, is not said twice.
 */
export async function emitEvent(redis: Redis, run: Run, event: RunEvent): Promise<Held> {
  const { sid, uid, key } = run.ref;
  const args = [
    run.fence,
    userKeys.bell(uid),
    sid,
    JSON.stringify(key),
    run.content.turnId,
    JSON.stringify(event),
    (run.emitted.count += 1),
  ];
  const keys = [sessionKeys.state(sid), sessionKeys.events(sid)];
  const sent = run.emitted.last.then(async () => await runScript(redis, emit1, keys, args));
  run.emitted.last = sent.catch(() => undefined);
  return held(await sent);
}

export async function renewLease(redis: Redis, run: Run): Promise<Held> {
  const { sid, uid } = run.ref;
  const keys = [sessionKeys.state(sid), userKeys.running(uid), queueKeys.due, queueKeys.woken];
  return held(await runScript(redis, leaseRenew1, keys, [run.fence, LEASE_MS, sid, run.content.turnId]));
}

/** Gives the turn back for another worker to begin at once; false when it was no longer ours. */
export async function releaseTurn(redis: Redis, run: Run): Promise<boolean> {
  const { sid, uid } = run.ref;
  const keys = [sessionKeys.state(sid), userKeys.running(uid), queueKeys.due, queueKeys.woken];
  return (await runScript(redis, release1, keys, [run.fence, sid, run.content.turnId])) === 1;
}

function held(reply: unknown): Held {
  const [granted, abortReason] = reply as [number, string?];
  return { lost: granted !== 1, abortReason: abortReason ?? '' };
}

export type Ending = Readonly<{
  event: EndEvent;
  records: readonly SessionRecord[];
  /** Members of the session's entry to set, such as its token counts. */
  entry: Readonly<Record<string, string | number>>;
  usage?: Readonly<{ model: string; usage: Usage }>;
  /** The hold to be settled and what the call really cost. */
  money?: Readonly<{ scope: string; day: string; holdId: string; costMicroUsd: number }>;
  /** Set by a compaction: the seq that the context starts at from now on. */
  contextFromSeq?: number;
}>;

export type Committed = Readonly<{ kind: 'committed'; left: number }> | Readonly<{ kind: 'stale' }>;

/** Ends the turn. `stale`: it is no longer ours to end, and nothing was written. */
export async function commitTurn(redis: Redis, run: Run, ending: Ending): Promise<Committed> {
  const reply = await runScript(redis, commit1, commitKeys(run, ending), commitArguments(run, ending));
  const [granted, left] = reply as [number, number?];
  return granted === 1 ? { kind: 'committed', left: left ?? 0 } : { kind: 'stale' };
}

function commitKeys({ ref, content }: Run, { money }: Ending): string[] {
  const { sid, uid, key } = ref;
  const day = new Date().toISOString().slice(0, 10);
  return [
    ...[sessionKeys.state(sid), sessionKeys.inbox(sid), sessionKeys.turns(sid)],
    ...[sessionKeys.log(sid), sessionKeys.events(sid)],
    ...[userKeys.idem(uid, key, content.runId), userKeys.entry(uid, key)],
    ...[userKeys.open(uid), userKeys.running(uid)],
    ...[queueKeys.due, queueKeys.ledger, archiveKeys.dirty(shardOf(sid)), archiveKeys.live],
    ...[userKeys.usage(uid, day), userKeys.usage('*', day)],
    ...[budgetKeys.day(money?.scope ?? '', money?.day ?? day), budgetKeys.holds(money?.scope ?? '')],
    queueKeys.woken,
  ];
}

function commitArguments({ ref, fence, content }: Run, ending: Ending): ScriptArgument[] {
  const { event, money } = ending;
  const records = ending.records.map((record) => JSON.stringify(record));
  const entry = Object.entries(ending.entry).flat();
  return [
    ...[fence, content.turnId, ref.sid, userKeys.bell(ref.uid), JSON.stringify(ref.key)],
    ...[JSON.stringify(event), event.outcome, event.error?.message ?? '', IDEMPOTENCY_SECONDS, WAKE_AFTER_MS],
    ...[money?.holdId ?? '', wholeNumber(money?.costMicroUsd ?? 0), ending.contextFromSeq ?? ''],
    ...[EVENTS_KEPT_MS, USAGE_KEPT_SECONDS],
    ...[records.length, ...records, entry.length / 2, ...entry],
    ...(ending.usage ? usageMembers(ending.usage.model, ending.usage.usage) : []),
  ];
}
