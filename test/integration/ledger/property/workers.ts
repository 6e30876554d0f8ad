/** What workers do, those that are right, those that come too late and those that die. */
import {
  beginTurn,
  commitTurn,
  emitEvent,
  findOverdue,
  MAX_ATTEMPTS,
  renewLease,
  type Run,
} from '@moltbot/turns';
import type { EndEvent } from '@moltbot/shared/contracts';
import { queueKeys } from '@moltbot/shared/redis';
import type { Redis } from 'ioredis';
import { expect } from 'vitest';
import { delta, ending, expireLease } from '../setup.ts';
import { pick } from './doors.ts';
import {
  contextFrom,
  holds,
  record,
  runningBesides,
  tell,
  USER_CAP,
  type Model,
  type ModelSession,
} from './model.ts';

export async function begin(model: Model, redis: Redis, worker: string, which: number): Promise<void> {
  const session = pick(model.sessions, which);
  if (session === undefined) return;
  const reply = await beginTurn(redis, session.ref, worker, USER_CAP);
  const refusal = refuses(model, session, worker);
  expect(reply.kind).toBe(refusal ?? 'run');
  if (reply.kind === 'run') begun(model, session, worker, reply.run);
}

/** What keeps a worker out, and what its having looked leaves behind. */
function refuses(model: Model, session: ModelSession, worker: string): string | undefined {
  if (session.gone) return 'gone';
  if (keptOut(session, worker)) return 'busy';
  if (session.inbox.length === 0) {
    session.woken = false;
    return 'empty';
  }
  const away = session.cold && session.wanted !== 'old';
  if (away && session.wanted === 'no') session.wanted = 'new';
  if (!away) session.running = false;
  if (!away && runningBesides(model, session) < USER_CAP) return undefined;
  session.due = 'later';
  session.woken = false;
  return away ? 'cold' : 'capped';
}

/** By the live lease of another; its own a worker may begin over. */
const keptOut = ({ owner, leaseLive }: ModelSession, worker: string): boolean =>
  owner !== '' && owner !== worker && leaseLive;

function begun(model: Model, session: ModelSession, worker: string, run: Run): void {
  const turn = session.inbox[0];
  if (turn === undefined) throw new Error('the model has nothing to begin');
  const again = session.cur === turn;
  expect(BigInt(run.fence)).toBeGreaterThan(BigInt(session.fence));
  Object.assign(session, { cur: turn, owner: worker, fence: run.fence, leaseLive: true, running: true });
  Object.assign(session, { live: true, due: 'later', woken: false });
  session.attempts = again ? session.attempts + 1 : 1;
  if (!again) session.n = 0;
  if (session.recorded !== turn.tid) {
    const text = [{ type: 'text', text: `say ${turn.run}` }];
    record(session, run.fence, {
      type: 'user',
      turnId: turn.tid,
      runId: turn.run,
      content: text,
      timestamp: 1,
    });
    session.recorded = turn.tid;
  }
  const idem = model.idem.get(turn.idem);
  if (idem !== undefined) idem.status = 'running';
  const abortReason = turn.abort || (session.cold ? 'cold' : '');
  if (session.attempts <= MAX_ATTEMPTS && abortReason === '')
    tell(session, { t: 'start', run: turn.run, n: (session.n += 1) });
  expect(run).toMatchObject({
    attempt: session.attempts,
    abortReason,
    content: { turnId: turn.tid, runId: turn.run },
  });
  expect(run.records).toEqual(session.records.slice(contextFrom(session) - 1));
  model.held.set(worker, run);
}

function runOf(model: Model, worker: string): { run: Run; session: ModelSession } | undefined {
  const run = model.held.get(worker);
  const session = model.sessions.find(({ ref }) => ref.sid === run?.ref.sid);
  return run && session && { run, session };
}

export async function emit(model: Model, redis: Redis, worker: string): Promise<void> {
  const at = runOf(model, worker);
  if (at === undefined) return;
  const { run, session } = at;
  const lost = !holds(session, run);
  const abortReason = lost ? '' : (session.cur?.abort ?? '');
  expect(await emitEvent(redis, run, delta(run, 'so far'))).toEqual({ lost, abortReason });
  if (!lost) tell(session, { t: 'delta', run: run.content.runId, n: (session.n += 1) });
}

export async function renew(model: Model, redis: Redis, worker: string): Promise<void> {
  const at = runOf(model, worker);
  if (at === undefined) return;
  const lost = !holds(at.session, at.run);
  expect(await renewLease(redis, at.run)).toMatchObject({ lost });
  if (lost) return;
  Object.assign(at.session, { leaseLive: true, running: true, due: 'later', woken: false });
}

/** The worker keeps its run afterwards, so that it can come again: as a repeat, or too late. */
export async function commit(
  model: Model,
  redis: Redis,
  worker: string,
  outcome: EndEvent['outcome'],
  compacts: boolean,
): Promise<void> {
  const at = runOf(model, worker);
  if (at === undefined) return;
  const { run, session } = at;
  const ends = ending(run, outcome);
  const ctx = compacts ? { contextFromSeq: session.records.length } : {};
  const reply = await commitTurn(redis, run, { ...ends, ...ctx });
  const repeated = !session.gone && session.fence === run.fence && session.ended === run.content.turnId;
  if (repeated || !holds(session, run)) {
    const left = session.inbox.length;
    expect(reply).toEqual(repeated ? { kind: 'committed', left } : { kind: 'stale' });
    return;
  }
  expect(reply).toEqual({ kind: 'committed', left: session.inbox.length - 1 });
  if (compacts) session.ctx = session.records.length;
  for (const body of ends.records) record(session, run.fence, body);
  ended(model, session, run, outcome);
}

function ended(model: Model, session: ModelSession, run: Run, outcome: EndEvent['outcome']): void {
  const idem = model.idem.get(session.inbox.shift()?.idem ?? '');
  if (idem !== undefined) idem.status = outcome;
  tell(session, { t: 'end', run: run.content.runId, n: session.n + 1 });
  const due = session.inbox.length > 0 ? 'later' : 'no';
  Object.assign(session, { cur: undefined, owner: '', leaseLive: false, running: false, attempts: 0, n: 0 });
  Object.assign(session, { ended: run.content.turnId, live: true, dirty: true, due, woken: false });
  model.ended += 1;
}

export async function leaseEnds(model: Model, redis: Redis, which: number): Promise<void> {
  const session = pick(model.sessions, which);
  if (session?.cur === undefined) return;
  await expireLease(redis, session.ref);
  Object.assign(session, { leaseLive: false, running: false, due: 'past' });
}

/** Nobody came for a waiting turn in time. */
export async function neglect(model: Model, redis: Redis, which: number): Promise<void> {
  const session = pick(model.sessions, which);
  if (session === undefined || session.inbox.length === 0) return;
  await redis.zadd(queueKeys.due, 'XX', 1, session.ref.sid);
  session.due = 'past';
}

export async function sweep(model: Model, redis: Redis): Promise<void> {
  const left = model.sessions.filter(({ due }) => due === 'past');
  const found = await findOverdue(redis);
  const order = (a: { sid: string }, b: { sid: string }): number => (a.sid < b.sid ? -1 : 1);
  const expected = left.map(({ ref, woken }) => ({ ...ref, lane: 'main', wokenBefore: woken }));
  expect(found.sort(order)).toEqual(expected.sort(order));
  for (const session of left) Object.assign(session, { due: 'later', woken: true });
}
