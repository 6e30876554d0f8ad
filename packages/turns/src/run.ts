import { setTimeout as sleep } from 'node:timers/promises';
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
  isRedisOutage,
  queueKeys,
  runScript,
  sessionKeys,
  shardOf,
  userKeys,
  type Redis,
  type ScriptArgument,
} from '@moltbot/shared/redis';
import { IDEMPOTENCY_SECONDS, idFragment, WAKE_AFTER_MS } from './accept.ts';
import { decodeItem } from './log.ts';
import { begin1, commit2, emit2, leaseRenew1, refence1, release1 } from './scripts.gen.ts';
import type { SessionRef } from './session.ts';
import { USAGE_KEPT_SECONDS, usageMembers, wholeNumber } from './usage.ts';

export const LEASE_MS = 8_000;
export const MAX_ATTEMPTS = 3;
/** How long a turn waits for its session to come back from the archive. */
export const COLD_WAIT_MS = 10_000;
const EVENTS_KEPT_MS = 10 * 60_000;

/** One attempt at a turn by one worker; `fence` proves it to every script, and rises when the attempt is said again. */
export type Run = { fence: string } & Readonly<{
  ref: SessionRef;
  content: TurnContent;
  attempt: number;
  /** Not empty: end it without asking the model. */
  abortReason: string;
  records: readonly NumberedRecord[];
  emitted: Emitted;
}>;

/** What this attempt has said, and the last of it on its way. */
export type Emitted = { said: RunEvent[]; last: Promise<unknown> };

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
      emitted: { said: [], last: Promise.resolve() },
    },
  };
}

/** `lost`: the turn has ended or another worker runs it; say nothing more about it. */
export type Held = Readonly<{ lost: boolean; abortReason: string }>;

/**
 * Adds an event of the running turn. One at a time and numbered, so that one that a new connection
 * sends again, because the reply was lost with the old one, is not said twice, and one that a failover
 * has taken back is said again.
 */
export async function emitEvent(redis: Redis, run: Run, event: RunEvent): Promise<Held> {
  const { emitted } = run;
  const number = emitted.said.push(event);
  const sent = emitted.last.then(async () => {
    const keys = [sessionKeys.state(run.ref.sid), sessionKeys.events(run.ref.sid)];
    const reply = await insist(
      async () => await runScript(redis, emit2, keys, [...sayer(run), JSON.stringify(event), number]),
    );
    return (reply as [number])[0] === MISSING ? await sayAgain(redis, run, number) : held(reply);
  });
  emitted.last = sent.catch(() => undefined);
  return await sent;
}

const MISSING = -2;

const sayer = ({ ref: { sid, uid, key }, fence, content }: Run): ScriptArgument[] => [
  ...[fence, userKeys.bell(uid), sid, JSON.stringify(key), content.turnId],
];

/** The whole attempt so far, from its start on: viewers take a start for a new beginning of the text. */
async function sayAgain(redis: Redis, run: Run, number: number): Promise<Held> {
  const { sid } = run.ref;
  const start = `{"t":"start",${idFragment(run.content.turnId, run.content)},`;
  const said = joined(run.emitted.said.slice(0, number)).map((event) => JSON.stringify(event));
  const keys = [sessionKeys.state(sid), sessionKeys.events(sid)];
  const args = [...sayer(run), number, start, ...said];
  const reply = await insist(async () => await runScript(redis, refence1, keys, args));
  const [granted, fence] = reply as [number, string?];
  if (granted === 1 && fence !== undefined) run.fence = fence;
  return { lost: granted !== 1, abortReason: '' };
}

/** Neighbouring pieces of text as one. */
function joined(events: readonly RunEvent[]): RunEvent[] {
  const whole: RunEvent[] = [];
  for (const event of events) {
    const last = whole.at(-1);
    const isPiece = event.t === 'delta' || event.t === 'thinking';
    if (isPiece && last?.t === event.t) whole.splice(-1, 1, { ...last, text: last.text + event.text });
    else whole.push(event);
  }
  return whole;
}

/** After what is being said, because that may raise the fence. */
export async function renewLease(redis: Redis, run: Run): Promise<Held> {
  await run.emitted.last;
  const { sid, uid } = run.ref;
  const keys = [sessionKeys.state(sid), userKeys.running(uid), queueKeys.due, queueKeys.woken];
  return held(await runScript(redis, leaseRenew1, keys, [run.fence, LEASE_MS, sid, run.content.turnId]));
}

/** Gives the turn back for another worker to begin at once; false when it was no longer ours. */
export async function releaseTurn(redis: Redis, run: Run): Promise<boolean> {
  await run.emitted.last;
  const { sid, uid } = run.ref;
  const keys = [sessionKeys.state(sid), userKeys.running(uid), queueKeys.due, queueKeys.woken];
  const args = [run.fence, sid, run.content.turnId];
  return (await insist(async () => await runScript(redis, release1, keys, args))) === 1;
}

/** As long as a worker believes in its lease without hearing of it. */
const INSISTS_FOR_MS = 15_000;
const INSISTS_EVERY_MS = 200;

/** A Redis that takes no writes for a moment (it misses its replicas, or memory) is asked again; the scripts take that for one call. */
async function insist(call: () => Promise<unknown>): Promise<unknown> {
  const untilMs = Date.now() + INSISTS_FOR_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!isRedisOutage(error) || Date.now() > untilMs) throw error;
    }
    await sleep(INSISTS_EVERY_MS);
  }
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
  await run.emitted.last;
  const reply = await insist(
    async () => await runScript(redis, commit2, commitKeys(run, ending), commitArguments(run, ending)),
  );
  const [granted, left] = reply as [number, number?];
  if (granted === 1) return { kind: 'committed', left: left ?? 0 };
  if (granted !== MISSING) return { kind: 'stale' };
  const { lost } = await sayAgain(redis, run, run.emitted.said.length);
  return lost ? { kind: 'stale' } : await commitTurn(redis, run, ending);
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

function commitArguments({ ref, fence, content, emitted }: Run, ending: Ending): ScriptArgument[] {
  const { event, money } = ending;
  const records = ending.records.map((record) => JSON.stringify(record));
  const entry = Object.entries(ending.entry).flat();
  return [
    ...[fence, content.turnId, ref.sid, userKeys.bell(ref.uid), JSON.stringify(ref.key)],
    ...[JSON.stringify(event), event.outcome, event.error?.message ?? '', IDEMPOTENCY_SECONDS, WAKE_AFTER_MS],
    ...[money?.holdId ?? '', wholeNumber(money?.costMicroUsd ?? 0), ending.contextFromSeq ?? ''],
    ...[EVENTS_KEPT_MS, USAGE_KEPT_SECONDS, emitted.said.length],
    ...[records.length, ...records, entry.length / 2, ...entry],
    ...(ending.usage ? usageMembers(ending.usage.model, ending.usage.usage) : []),
  ];
}
