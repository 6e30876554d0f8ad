import type { Response } from 'express';
import { AppError } from '@moltbot/shared/errors';
import type { AssistantRecord, EndOfRun, Submitted, TurnRequest } from '../domain/ports.ts';
import type { Principal } from '../domain/principal.ts';
import type { Services } from '../services.ts';
import { appendOnly, type RunEnd, type RunSink } from './append-only.ts';
import { principalOf } from './authenticate.ts';
import { hearRun, type Hearing, type Steps } from './hear-run.ts';
import { goneAway } from './place.ts';
import { roomIn } from './sse.ts';

export type FollowOptions = Readonly<{
  /** The client can come back for the answer, so the run goes on without it. */
  mayReturn: boolean;
  /** The same request again is the same run; without it, who was refused can only make another. */
  repeatable?: boolean;
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
  { mayReturn, repeatable = mayReturn, after }: FollowOptions,
): Promise<RunEnd> {
  const principal = principalOf(response);
  const { key } = turn.session;
  const told = appendOnly(sink);
  using heard = await hearRun(services.hub, principal.userId, { runId: turn.runId, key }, told.hear);
  const left = (): void => {
    if (mayReturn || response.writableEnded || services.lifecycle.phase() === 'draining') return;
    void services.desk.abort(principal, key, turn.runId, 'rpc').catch(() => undefined);
  };
  response.once('close', left);
  try {
    const joining = { services, principal, turn, heard, repeatable };
    const past = await (after === undefined ? submit(joining) : goOn(joining, after));
    sink.accepted?.();
    if (response.destroyed) left(); // it left before there was a run to abort
    if ('t' in past) told.hear(past, { text: '', cursor: '' });
    else await heard.go(past, roomIn(response));
    return await told.end;
  } finally {
    response.off('close', left);
  }
}

/** Hands a turn in; one that may have been taken although it was refused is ended, where nobody could come for it. */
export async function handIn(
  services: Services,
  principal: Principal,
  turn: TurnRequest,
  repeatable: boolean,
): Promise<Submitted> {
  return await services.desk.submit(principal, turn).catch((cause: unknown) => {
    if (!repeatable && cause instanceof AppError && cause.code === 'UNAVAILABLE')
      void services.desk.abort(principal, turn.session.key, turn.runId, 'rpc').catch(() => undefined);
    throw cause;
  });
}

type Joining = Readonly<{
  services: Services;
  principal: Principal;
  turn: TurnRequest;
  heard: Hearing;
  repeatable: boolean;
}>;

/** What was said before; of a run whose events are gone, its end. */
async function submit(joining: Joining): Promise<Steps | EndOfRun> {
  const { services, principal, turn, heard, repeatable } = joining;
  const submitted = await handIn(services, principal, turn, repeatable);
  if (submitted.kind === 'accepted') return [];
  const steps = await pastOf(heard, turn, submitted);
  return steps ?? (await endedBefore(services, principal, turn, submitted)) ?? [];
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
async function goOn({ services, principal, turn, heard }: Joining, after: string): Promise<Steps> {
  const { key } = turn.session;
  const run = await services.runs.find(principal, key, turn.runId);
  const steps = run && (await heard.past({ ...run, key }));
  if (!run || !steps?.some(({ view }) => view.cursor === after)) throw goneAway();
  if (steps.at(-1)?.event.t !== 'end')
    services.hub.expect(principal.userId, { sid: run.sid, key }, run.turnId);
  return steps;
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
