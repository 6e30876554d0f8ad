/** What clients do: open, send, send again, reset, delete, abort. */
import {
  abortTurns,
  deleteSession,
  injectRecord,
  openHiddenSession,
  openSession,
  resetSession,
  type StopReason,
} from '@moltbot/turns';
import type { Redis } from 'ioredis';
import { expect } from 'vitest';
import { accept, answer, LANE } from '../setup.ts';
import { sessionKeys } from '@moltbot/shared/redis';
import {
  CAPS,
  fenceRises,
  newSession,
  openOf,
  record,
  SLOTS,
  tell,
  type Model,
  type ModelSession,
  type ModelTurn,
} from './model.ts';

/** Looks up what to act on among what there is: any number names one of them. */
export function pick<T>(list: readonly T[], which: number): T | undefined {
  return list[which % Math.max(1, list.length)];
}

function slotOf(slot: number): { uid: string; key: string; hidden: boolean } {
  return { hidden: false, ...(SLOTS[slot % SLOTS.length] ?? SLOTS[0]) };
}

export async function open(model: Model, redis: Redis, slot: number): Promise<void> {
  const { uid, key, hidden } = slotOf(slot);
  const ref = await (hidden ? openHiddenSession : openSession)(redis, uid, key, LANE);
  const known = model.entries.get(slot);
  if (known !== undefined) {
    expect(ref).toEqual(known.ref);
    return;
  }
  const session = newSession(ref, slotOf(slot).hidden);
  await readFence(redis, session);
  model.sessions.push(session);
  model.entries.set(slot, session);
}

/** `seen` may be any generation a slow door still believes in. */
export async function reset(model: Model, redis: Redis, slot: number, which: number): Promise<void> {
  const seen = pick(ofSlot(model, slot), which);
  if (seen === undefined) return;
  const current = model.entries.get(slot);
  const ref = await resetSession(redis, seen.ref, LANE);
  if (current !== undefined && current !== seen) {
    expect(ref).toEqual(current.ref);
    return;
  }
  expect(model.sessions.every((session) => session.ref.sid !== ref.sid)).toBe(true);
  if (current !== undefined) Object.assign(current, { replaced: true, live: true });
  const session = newSession(ref, current?.hidden ?? false);
  await readFence(redis, session);
  model.sessions.push(session);
  model.entries.set(slot, session);
}

const ofSlot = (model: Model, slot: number): ModelSession[] => {
  const { uid, key } = slotOf(slot);
  return model.sessions.filter(({ ref }) => ref.uid === uid && ref.key === key);
};

export async function send(
  model: Model,
  redis: Redis,
  slot: number,
  which: number,
  runId: string,
): Promise<void> {
  const session = pick(ofSlot(model, slot), which);
  if (session === undefined) return;
  const reply = await accept(redis, session.ref, runId, CAPS);
  const refusal = refused(model, session, slot, runId);
  if (refusal !== undefined || reply.kind !== 'accepted') {
    expect(reply).toMatchObject(refusal ?? { kind: 'accepted' });
    return;
  }
  expect(reply.cold).toBe(session.cold);
  if (session.cur === undefined) await readFence(redis, session);
  accepted(model, session, { tid: reply.turnId, run: runId, idem: `${slot}|${runId}`, abort: '' });
  const waiting = model.sessions.filter(({ ref, inbox }) => ref.uid === session.ref.uid && inbox.length > 0);
  expect(reply.load).toBe(waiting.length);
}

function refused(model: Model, session: ModelSession, slot: number, runId: string): object | undefined {
  const seen = model.idem.get(`${slot}|${runId}`);
  if (seen !== undefined) return { kind: 'duplicate', sid: seen.sid, turnId: seen.tid, status: seen.status };
  const current = model.entries.get(slot);
  if (current !== session) return { kind: 'moved', sid: current?.ref.sid ?? '' };
  const cap = fullCap(model, session);
  return cap === undefined ? undefined : { kind: 'busy', cap };
}

function accepted(model: Model, session: ModelSession, turn: ModelTurn): void {
  if (session.cold && (session.inbox.length === 0 || session.wanted === 'no')) session.wanted = 'new';
  if (session.due === 'no') session.due = 'later';
  session.inbox.push(turn);
  session.live = true;
  session.mortal = false;
  tell(session, { t: 'accepted', run: turn.run, n: 0 });
  model.idem.set(turn.idem, { sid: session.ref.sid, tid: turn.tid, status: 'waiting' });
  model.accepted += 1;
}

async function readFence(redis: Redis, session: ModelSession): Promise<void> {
  fenceRises(session, (await redis.hget(sessionKeys.state(session.ref.sid), 'fence')) ?? '0');
}

function fullCap(model: Model, session: ModelSession): string | undefined {
  if (session.inbox.length >= CAPS.session) return 'session';
  if (openOf(model, session.ref.uid) >= CAPS.user) return 'user';
  return model.accepted - model.ended >= CAPS.all ? 'all' : undefined;
}

export async function remove(model: Model, redis: Redis, slot: number, which: number): Promise<void> {
  const session = pick(ofSlot(model, slot), which);
  if (session === undefined) return;
  const isCurrent = model.entries.get(slot) === session;
  expect(await deleteSession(redis, session.ref)).toBe(isCurrent);
  if (!isCurrent) return;
  session.deleted = true;
  session.mortal = false;
  session.dirty = true;
  model.entries.delete(slot);
}

/** Every unfinished run when `runId` is undefined. */
export async function abort(
  model: Model,
  redis: Redis,
  which: number,
  runId: string | undefined,
  reason: StopReason,
): Promise<void> {
  const session = pick(model.sessions, which);
  if (session === undefined) return;
  const concerned = session.inbox.filter(({ run }) => runId === undefined || run === runId);
  expect(await abortTurns(redis, session.ref, runId, reason)).toEqual(concerned.map(({ run }) => run));
  for (const turn of concerned) turn.abort ||= reason;
}

export async function inject(model: Model, redis: Redis, which: number): Promise<void> {
  const session = pick(model.sessions, which);
  if (session === undefined) return;
  const note = answer('', 'note');
  const event = { t: 'injected', run: 'note', shown: session.ref.key, message: note } as const;
  const takes = !session.gone && !session.cold && !session.deleted;
  expect(await injectRecord(redis, session.ref, note, event)).toBe(takes);
  if (!takes) return;
  record(session, session.fence, note);
  session.live = true;
  session.mortal = false;
  tell(session, { t: 'injected', run: 'note', n: 0 });
}
