import type { Response } from 'express';
import { AppError } from '@moltbot/shared/errors';
import type { AssistantRecord, EndOfRun, Submitted, TurnRequest } from '../domain/ports.ts';
import type { Principal } from '../domain/principal.ts';
import type { Services } from '../services.ts';
import { appendOnly, type AppendOnly, type RunEnd, type RunSink } from './append-only.ts';
import { principalOf } from './authenticate.ts';
import { hearRun, type Hearing, type Steps } from './hear-run.ts';
import { goneAway } from './place.ts';

export type FollowOptions = Readonly<{
  /** The client can come back for the answer, so the run goes on without it. */
  mayReturn: boolean;
  /** The event that a client which comes back has seen last. */
  after?: string | undefined;
}>;

/**
 * Hands a turn in and follows it to its end. A client that leaves aborts its run, because nobody would
 * read the answer, unless it may return; and unless it is we who leave: a replica that stops
 * closes connections whose clients ask the next one.
 */
export async function followRun(
  services: Services,
  turn: TurnRequest,
  response: Response,
  sink: RunSink,
  { mayReturn, after }: FollowOptions,
): Promise<RunEnd> {
  const principal = principalOf(response);
  const { key } = turn.session;
  const told = appendOnly(sink);
  using heard = await hearRun(services.hub, principal.userId, { runId: turn.runId, key }, told.hear);
  const abandon = (): void => {
    if (mayReturn) return;
    void services.desk.abort(principal, key, turn.runId, 'rpc').catch(() => undefined);
  };
  const left = (): void => {
    if (!response.writableEnded && services.lifecycle.phase() !== 'draining') abandon();
  };
  response.once('close', left);
  try {
    const joining = { services, principal, turn, sink, heard, told };
    await (after === undefined ? submit(joining) : goOn(joining, after));
    if (response.destroyed) left(); // it left before there was a run to abort
    return await told.end;
  } catch (cause) {
    // it may have been taken all the same, and without a key of its own nobody can come for it
    if (cause instanceof AppError && cause.code === 'UNAVAILABLE') abandon();
    throw cause;
  } finally {
    response.off('close', left);
  }
}

type Joining = Readonly<{
  services: Services;
  principal: Principal;
  turn: TurnRequest;
  sink: RunSink;
  heard: Hearing;
  told: AppendOnly;
}>;

async function submit({ services, principal, turn, sink, heard, told }: Joining): Promise<void> {
  const submitted = await services.desk.submit(principal, turn);
  const steps = submitted.kind === 'duplicate' ? await pastOf(heard, turn, submitted) : [];
  const before =
    submitted.kind === 'duplicate' && !steps
      ? await endedBefore(services, principal, turn, submitted)
      : undefined;
  sink.accepted?.();
  if (before) told.hear(before, { text: '', cursor: '' });
  else heard.go(steps);
}

async function pastOf(
  heard: Hearing,
  { session }: TurnRequest,
  { sid, turnId, status, error }: Extract<Submitted, { kind: 'duplicate' }>,
): Promise<Steps | undefined> {
  if (status === 'error')
    throw new AppError('CONFLICT', `this idempotency key was used before, and its turn failed: ${error}`);
  if (status === 'aborted') throw usedBefore();
  return await heard.past({ sid, key: session.key, turnId });
}

/** The turn is there already: what was said after an event that the client names, and nothing that would make another. */
async function goOn({ services, principal, turn, sink, heard }: Joining, after: string): Promise<void> {
  const { key } = turn.session;
  const run = await services.runs.find(principal, key, turn.runId);
  const steps = run && (await heard.past({ ...run, key }));
  if (!run || !steps?.some(({ view }) => view.cursor === after)) throw goneAway();
  if (steps.at(-1)?.event.t !== 'end')
    services.hub.expect(principal.userId, { sid: run.sid, key }, run.turnId);
  sink.accepted?.();
  heard.go(steps);
}

/** The end of a run whose events are gone, read from its session; undefined while it goes on. */
async function endedBefore(
  services: Services,
  principal: Principal,
  { session, runId }: TurnRequest,
  { status, sid, turnId }: Extract<Submitted, { kind: 'duplicate' }>,
): Promise<EndOfRun | undefined> {
  if (status !== 'final') return undefined;
  const record = await services.runs.record(principal, { sid, key: session.key }, turnId);
  if (!record) throw usedBefore();
  return endOf(record, runId, session.shownKey);
}

const usedBefore = (): AppError =>
  new AppError(
    'CONFLICT',
    'this idempotency key was used before, and its turn has ended; read the session’s history',
  );

/** The end that a record tells of, when the event itself is no longer kept. */
export function endOf(record: AssistantRecord, runId: string, shownKey: string): EndOfRun {
  const { turnId, stopReason, errorMessage, timestamp } = record;
  const ill = stopReason === 'aborted' || stopReason === 'error' ? stopReason : undefined;
  return {
    t: 'end',
    tid: turnId,
    run: runId,
    shown: shownKey,
    outcome: ill ?? 'final',
    kind: 'chat',
    message: record,
    ...(errorMessage !== undefined && { error: { code: 'INTERNAL', message: errorMessage } }),
    startedAt: timestamp,
    endedAt: timestamp,
  };
}
