import type { Response } from 'express';
import { AppError } from '@moltbot/shared/errors';
import { isErrorCode } from '../domain/error-code.ts';
import type { EndOfRun, RunListener, Submitted, TurnRequest } from '../domain/ports.ts';
import type { Principal } from '../domain/principal.ts';
import type { Services } from '../services.ts';
import { answerOf } from './answer.ts';
import { idempotencyKey } from './request-id.ts';

export type RunSink = Readonly<{
  /** The run was accepted; the answer may begin. */
  accepted?(): void;
  delta?(text: string): void;
}>;

/**
 * Hands a turn in and follows it to its end. An append-only stream goes on after a lost worker
 * only while the new text extends what was sent; else it ends with INTERRUPTED. A client that
 * leaves aborts its run, because nobody would read the answer; with an idempotency key it may
 * come back for it, so the run goes on.
 */
export async function followRun(
  services: Services,
  principal: Principal,
  turn: TurnRequest,
  response: Response,
  sink: RunSink,
): Promise<EndOfRun> {
  const { promise, resolve, reject } = Promise.withResolvers<EndOfRun>();
  promise.catch(() => undefined); // it may be rejected before anybody waits for it
  let sent = '';
  const send = (text: string): void => {
    if (text.length > sent.length) sink.delta?.(text.slice(sent.length));
    sent = text;
  };
  const hear: RunListener = (event, view) => {
    if (event.t === 'delta') {
      if (view.text.startsWith(sent)) send(view.text);
      else if (!sent.startsWith(view.text))
        reject(
          new AppError('INTERRUPTED', 'the answer was interrupted and started over differently; ask again'),
        );
    }
    if (event.t === 'end') resolve(event);
  };
  const stop = await services.hub.watchRun(principal.userId, turn.runId, hear, turn.session.key);
  const mayReturn = idempotencyKey(response.req) !== undefined;
  const left = (): void => {
    if (response.writableEnded || mayReturn) return;
    void services.desk.abort(principal, turn.session.key, turn.runId, 'rpc').catch(() => undefined);
  };
  response.once('close', left);
  try {
    const submitted = await services.desk.submit(principal, turn);
    const before =
      submitted.kind === 'duplicate' ? await endedBefore(services, principal, turn, submitted) : undefined;
    if (response.destroyed) left(); // it left before there was a run to abort
    sink.accepted?.();
    const end = whole(before ?? (await promise));
    const { text } = answerOf(end);
    if (!text.startsWith(sent))
      throw new AppError('INTERRUPTED', 'the answer was interrupted and ended differently; ask again');
    send(text);
    return end;
  } finally {
    stop();
    response.off('close', left);
  }
}

const LOOK_BACK = 200;

/** The end of a run whose request is repeated, read from its session; undefined while it goes on. */
async function endedBefore(
  services: Services,
  principal: Principal,
  turn: TurnRequest,
  { status, error, turnId }: Extract<Submitted, { kind: 'duplicate' }>,
): Promise<EndOfRun | undefined> {
  if (status === 'waiting' || status === 'running') return undefined;
  if (status === 'error')
    throw new AppError('CONFLICT', `this idempotency key was used before, and its turn failed: ${error}`);
  const { records } =
    status === 'final'
      ? await services.sessions.history(principal, turn.session.key, LOOK_BACK)
      : { records: [] };
  const found = records.findLast(
    ({ record }) => record.type === 'assistant' && record.turnId === turnId,
  )?.record;
  if (found?.type !== 'assistant')
    throw new AppError(
      'CONFLICT',
      'this idempotency key was used before, and its turn has ended; read the session’s history',
    );
  return {
    t: 'end',
    tid: turnId,
    run: turn.runId,
    shown: turn.session.shownKey,
    outcome: 'final',
    kind: 'chat',
    message: found,
    startedAt: found.timestamp,
    endedAt: found.timestamp,
  };
}

/** The end of a run that ended well; everything else throws, so that a cut answer never looks whole. */
function whole(event: EndOfRun): EndOfRun {
  if (event.outcome === 'final') return event;
  if (event.outcome === 'aborted')
    throw new AppError(
      event.stopReason === 'timeout' ? 'TIMEOUT' : 'INTERRUPTED',
      `the run was aborted (${event.stopReason ?? 'rpc'})`,
    );
  const code = event.error?.code ?? 'INTERNAL';
  throw new AppError(isErrorCode(code) ? code : 'INTERNAL', event.error?.message ?? 'the turn failed');
}
