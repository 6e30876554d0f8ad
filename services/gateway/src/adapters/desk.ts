import { randomBytes } from 'node:crypto';
import type { MoltbotConfig, SessionRecord } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';
import type { Redis } from '@moltbot/shared/redis';
import { resetPolicyFor } from '@moltbot/config';
import {
  abortTurns,
  acceptTurn,
  findRun,
  findTurn,
  injectRecord,
  openHiddenSession,
  openSession,
  readEntry,
  resetSession,
  startHiddenSession,
  type Accepted,
  type Caps,
  type SessionEntry,
  type SessionRef,
} from '@moltbot/turns';
import { sendAllowed } from '../domain/send-policy.ts';
import { newTurn } from '../domain/new-turn.ts';
import type { Desk, Hub, RunState, Submitted, TurnRequest } from '../domain/ports.ts';
import type { Principal } from '../domain/principal.ts';
import { toMessage } from '../domain/transcript.ts';
import { isStale } from '../domain/staleness.ts';
import type { ResolvedKey } from '../domain/session-key.ts';
import type { RecentLoad } from '../domain/recent-load.ts';
import type { Waker } from './wake.ts';

export type DeskDeps = Readonly<{
  redis: Redis;
  waker: Waker;
  hub: Pick<Hub, 'expect'>;
  recentLoad: RecentLoad;
  config(): MoltbotConfig;
  caps: Caps;
  /** Share of Redis' memory in use. */
  memoryShare(): number;
  wakeArchive(ref: SessionRef): Promise<void>;
  onAccepted(result: string, userId: string): void;
}>;

const ENDED: ReadonlySet<RunState> = new Set(['final', 'aborted', 'error']);
const MEMORY_LIMIT = 0.8;
const BUSY_RETRY_MS = 1_000;
const MOVED_RETRIES = 5;

/** Where messages are handed in. Every call is on behalf of one principal and reaches that principal's sessions alone. */
export function createDesk(deps: DeskDeps): Desk {
  const { redis } = deps;
  return {
    submit: async (principal, request) => {
      const submitted = await submit(deps, principal.userId, request);
      deps.onAccepted(submitted.kind, principal.userId);
      const { sid, turnId } = submitted;
      const goesOn = submitted.kind === 'accepted' || !ENDED.has(submitted.status);
      if (goesOn) deps.hub.expect(principal.userId, { sid, key: request.session.key }, turnId);
      return submitted;
    },
    abort: async (principal, key, runId, reason) => {
      const entry = await readEntry(redis, principal.userId, key);
      if (!entry) return [];
      return await abortTurns(redis, { sid: entry['sid'] ?? '', uid: principal.userId, key }, runId, reason);
    },
    inject: async (principal, session, message, label) =>
      await inject(deps, principal, session, message, label),
    findRun: async (principal, runId) => await findRun(redis, principal.userId, runId),
  };
}

async function submit(deps: DeskDeps, uid: string, request: TurnRequest): Promise<Submitted> {
  if (deps.memoryShare() > MEMORY_LIMIT) throw busy('the service is short of memory');
  if (request.fresh) return await submitFresh(deps, uid, request);
  const { key } = request.session;
  const [seen, entry] = await Promise.all([
    findTurn(deps.redis, uid, key, request.runId),
    readEntry(deps.redis, uid, key),
  ]);
  requireSending(deps, request, entry);
  // @NOTE before any reset: the same message sent again must not start another session
  if (seen) return wakeWaiting(deps, request, { kind: 'duplicate', ...seen }, { sid: seen.sid, uid, key });
  const { ref, settings } = await currentSession(deps, uid, request, entry);
  const accepted = await acceptTurn(deps.redis, newTurn(ref, request, settings, Date.now()), deps.caps);
  return await settle(deps, ref, request, accepted);
}

/**
 * Opened, accepted and woken in one go: all three are on their way before the first is answered. A
 * wake-up for a turn that was refused finds an empty inbox, and nothing happens.
 */
async function submitFresh(deps: DeskDeps, uid: string, request: TurnRequest): Promise<Submitted> {
  const { key, lane } = request.session;
  requireSending(deps, request, undefined);
  const { ref, opened } = startHiddenSession(deps.redis, uid, key, lane);
  const accepting = acceptTurn(deps.redis, newTurn(ref, request, undefined, Date.now()), deps.caps);
  deps.waker.wake(ref, lane, deps.recentLoad.of(uid));
  const [accepted] = await Promise.all([accepting, opened]);
  return await settle(deps, ref, request, accepted);
}

/** Somebody has reset or removed the session between our look and our call. */
async function tryAgain(deps: DeskDeps, uid: string, request: TurnRequest): Promise<Settled> {
  const { key, lane } = request.session;
  for (let attempt = 0; attempt < MOVED_RETRIES; attempt += 1) {
    const ref = await (request.fresh ? openHiddenSession : openSession)(deps.redis, uid, key, lane);
    const entry = await readEntry(deps.redis, uid, key);
    const accepted = await acceptTurn(deps.redis, newTurn(ref, request, entry, Date.now()), deps.caps);
    if (accepted.kind !== 'moved') return { ref, accepted };
  }
  throw new AppError('UNAVAILABLE', 'the session is being reset over and over; try again', {
    retryAfterMs: BUSY_RETRY_MS,
  });
}

type Settled = Readonly<{ ref: SessionRef; accepted: Exclude<Accepted, { kind: 'moved' }> }>;

type Place = Readonly<{ ref: SessionRef; settings: SessionEntry | undefined }>;

/** The present generation of the session, a new one after a reset word or when it is stale. */
async function currentSession(
  deps: DeskDeps,
  uid: string,
  { session, intent, channel }: TurnRequest,
  entry: SessionEntry | undefined,
): Promise<Place> {
  const { key, lane, kind } = session;
  if (!entry) return { ref: await openSession(deps.redis, uid, key, lane), settings: undefined };
  const ref = { sid: entry['sid'] ?? '', uid, key };
  const rule = resetPolicyFor(deps.config().session, { channel, kind });
  const stale = isStale(Number(entry['updatedAt']), rule, Date.now());
  if (intent.kind !== 'reset' && !stale) return { ref, settings: entry };
  const { modelOverride: _dropped, ...settings } = entry; // as the reset itself has it
  return { ref: await resetSession(deps.redis, ref, lane), settings };
}

async function settle(
  deps: DeskDeps,
  first: SessionRef,
  request: TurnRequest,
  reply: Accepted,
): Promise<Submitted> {
  const { ref, accepted } =
    reply.kind === 'moved' ? await tryAgain(deps, first.uid, request) : { ref: first, accepted: reply };
  if (accepted.kind === 'busy') {
    deps.onAccepted(`busy_${accepted.cap}`, ref.uid);
    throw busy(
      {
        session: 'this session has too many messages waiting',
        user: 'you have too many messages waiting',
        all: 'too many messages are waiting',
      }[accepted.cap],
    );
  }
  if (accepted.kind === 'duplicate') return wakeWaiting(deps, request, accepted, ref);
  if (accepted.cold) await deps.wakeArchive(ref).catch(() => undefined); // the archive also looks by itself
  deps.recentLoad.note(ref.uid, accepted.load);
  if (!request.fresh || ref !== first) deps.waker.wake(ref, request.session.lane, accepted.load);
  return { kind: 'accepted', sid: ref.sid, turnId: accepted.turnId };
}

/** Whichever door it comes through: what the configuration or the session itself forbids is not sent. */
function requireSending(deps: DeskDeps, { session }: TurnRequest, entry: SessionEntry | undefined): void {
  if (!sendAllowed(deps.config().session.sendPolicy, entry?.['sendPolicy'], session))
    throw new AppError('INVALID_REQUEST', 'send blocked by session policy');
}

/** It is sent again because nothing has come of it: the wake-up of the first time may have been lost. */
function wakeWaiting<D extends Extract<Submitted, { kind: 'duplicate' }>>(
  deps: DeskDeps,
  { session }: TurnRequest,
  duplicate: D,
  ref: SessionRef,
): D {
  const of = { ...ref, sid: duplicate.sid };
  if (duplicate.status === 'waiting') deps.waker.wake(of, session.lane, deps.recentLoad.of(ref.uid));
  return duplicate;
}

function busy(what: string): AppError {
  return new AppError('BUSY', `${what}; try again in a moment`, { retryAfterMs: BUSY_RETRY_MS });
}

async function inject(
  deps: DeskDeps,
  principal: Principal,
  session: ResolvedKey,
  message: string,
  label: string | undefined,
): Promise<string> {
  const uid = principal.userId;
  const entry = await readEntry(deps.redis, uid, session.key);
  if (!entry) throw new AppError('NOT_FOUND', 'session not found');
  const ref = { sid: entry['sid'] ?? '', uid, key: session.key };
  const messageId = randomBytes(4).toString('hex');
  const runId = `inject-${messageId}`;
  const usage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, costMicroUsd: 0 };
  const text = label === undefined ? message : `[${label}]\n\n${message}`;
  const record: SessionRecord = {
    type: 'assistant',
    turnId: runId,
    runId,
    content: [{ type: 'text', text }],
    provider: 'moltbot',
    model: 'gateway-injected',
    api: 'injected',
    usage,
    stopReason: 'injected',
    timestamp: Date.now(),
  };
  const event = { t: 'injected', run: runId, shown: session.shownKey, message: toMessage(record) } as const;
  if (await injectRecord(deps.redis, ref, record, event)) return messageId;
  await deps.wakeArchive(ref);
  if (await injectRecord(deps.redis, ref, record, event)) return messageId;
  throw new AppError('UNAVAILABLE', 'the session could not be read back from the archive; try again');
}
