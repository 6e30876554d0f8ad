/** The rules of the ledger, in memory and in plain words: what every script must agree with. */
import type { NumberedRecord } from '@moltbot/shared/contracts';
import { expect } from 'vitest';
import type { Caps, Run, SessionRef } from '@moltbot/turns';

export const CAPS: Caps = { session: 4, user: 6, all: 9 };
export const USER_CAP = 2;
type Slot = Readonly<{ uid: string; key: string; hidden?: boolean }>;
export const SLOTS = [
  { uid: 'ann', key: 'agent:main:main' },
  { uid: 'ann', key: 'agent:main:ü "x"/\\y' },
  { uid: 'ann', key: 'agent:main:日本', hidden: true },
  { uid: 'bob', key: 'agent:main:main' },
] as const satisfies readonly Slot[];
export const WORKERS = ['A', 'B', 'C'] as const;

export type ModelTurn = { tid: string; run: string; idem: string; abort: string };
export type ModelEvent = { t: string; run: string; n: number };

export type ModelSession = {
  ref: SessionRef;
  inbox: ModelTurn[];
  /** The turn of the last begin that has not ended. */
  cur: ModelTurn | undefined;
  owner: string;
  fence: string;
  leaseLive: boolean;
  /** Counted against the user's cap. */
  running: boolean;
  attempts: number;
  n: number;
  recorded: string;
  ended: string;
  /** Every record ever, in Redis or not; seq is the place + 1. */
  records: NumberedRecord[];
  base: number;
  archived: number;
  ctx: number;
  cold: boolean;
  deleted: boolean;
  replaced: boolean;
  /** Nothing of it is in Redis any more. */
  gone: boolean;
  /** In no list of its user's. */
  hidden: boolean;
  /** Redis may drop its state after two days: nothing waits, runs or is in Redis alone. */
  mortal: boolean;
  live: boolean;
  dirty: boolean;
  wanted: 'no' | 'new' | 'old';
  due: 'no' | 'later' | 'past';
  woken: boolean;
  /** Since the last eviction, and since ever. */
  events: ModelEvent[];
  told: ModelEvent[];
};

/** While no turn runs the ledger raises the fence with the clock; how far, only Redis knows. */
export function fenceRises(session: ModelSession, fence: string): void {
  expect(BigInt(fence)).toBeGreaterThanOrEqual(BigInt(session.fence));
  session.fence = fence;
}

export type Idem = { sid: string; tid: string; status: string };

export type Model = {
  sessions: ModelSession[];
  /** slot number -> the session its key points at */
  entries: Map<number, ModelSession>;
  idem: Map<string, Idem>;
  accepted: number;
  ended: number;
  /** What each worker believes it runs. */
  held: Map<string, Run>;
};

export function emptyModel(): Model {
  return { sessions: [], entries: new Map(), idem: new Map(), accepted: 0, ended: 0, held: new Map() };
}

export function newSession(ref: SessionRef, hidden: boolean): ModelSession {
  return {
    ref,
    inbox: [],
    cur: undefined,
    owner: '',
    fence: '0',
    leaseLive: false,
    running: false,
    attempts: 0,
    n: 0,
    recorded: '',
    ended: '',
    records: [],
    base: 0,
    archived: 0,
    ctx: 1,
    cold: false,
    deleted: false,
    replaced: false,
    gone: false,
    hidden,
    mortal: hidden,
    live: false,
    dirty: false,
    wanted: 'no',
    due: 'no',
    woken: false,
    events: [],
    told: [],
  };
}

export function tell(session: ModelSession, event: ModelEvent): void {
  session.events.push(event);
  session.told.push(event);
}

/** The next record; `fence` is what the log must name it with. */
export function record(session: ModelSession, fence: string, body: NumberedRecord['record']): void {
  session.records.push({ seq: session.records.length + 1, fence: Number(fence), record: body });
  session.dirty = true;
}

export const sessionsOf = (model: Model, uid: string): ModelSession[] =>
  model.sessions.filter(({ ref }) => ref.uid === uid);

export const openOf = (model: Model, uid: string): number =>
  sessionsOf(model, uid).reduce((sum, { inbox }) => sum + inbox.length, 0);

export const runningBesides = (model: Model, session: ModelSession): number =>
  sessionsOf(model, session.ref.uid).filter((other) => other !== session && other.running).length;

/** Whether the caller of this run still runs it. */
export const holds = (session: ModelSession, run: Run): boolean =>
  !session.gone && session.fence === run.fence && session.cur?.tid === run.content.turnId;

export const contextFrom = (session: ModelSession): number => Math.max(session.ctx, session.base + 1);

export function atRest(session: ModelSession): boolean {
  return !session.gone && session.inbox.length === 0 && session.archived === session.records.length;
}
