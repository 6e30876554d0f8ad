import type { Request, Response } from 'express';
import type { Principal } from '@moltbot/shared/contracts';
import { AppError, isErrorCode } from '@moltbot/shared/errors';
import type { EndOfRun, TurnRequest } from '../domain/ports.ts';
import type { Services } from '../services.ts';

export type RunSink = Readonly<{
  /** The run was accepted; the answer may begin. */
  accepted?(): void;
  delta?(text: string): void;
}>;

/**
 * Hands a turn in and follows it to its end. An append-only stream goes on after a lost worker
 * only while the new text extends what was sent; else it ends with INTERRUPTED. A client that
 * leaves aborts its run: nobody would read the answer.
 */
export async function followRun(services: Services, principal: Principal, turn: TurnRequest, response: Response, sink: RunSink): Promise<EndOfRun> {
  const { promise, resolve, reject } = Promise.withResolvers<EndOfRun>();
  let sent = '';
  const stop = await services.hub.watchRun(principal.userId, turn.runId, (event, view) => {
    if (event.t === 'delta') {
      if (view.text.startsWith(sent)) {
        if (view.text.length > sent.length) sink.delta?.(view.text.slice(sent.length));
        sent = view.text;
      } else if (!sent.startsWith(view.text)) reject(new AppError('INTERRUPTED', 'the answer was interrupted and started over differently; ask again'));
    }
    if (event.t === 'end') resolve(event);
  });
  const left = (): void => {
    if (response.writableEnded) return;
    void services.desk.abort(principal, turn.session.key, turn.runId, 'rpc').catch(() => undefined);
  };
  response.once('close', left);
  try {
    const submitted = await services.desk.submit(principal, turn);
    if (submitted.kind === 'duplicate' && submitted.status !== 'waiting' && submitted.status !== 'running') throw repeated(submitted.status, submitted.error);
    sink.accepted?.();
    return whole(await promise);
  } finally {
    stop();
    response.off('close', left);
  }
}

function repeated(status: string, error: string): AppError {
  if (status === 'error') return new AppError('CONFLICT', `this idempotency key was used before, and its turn failed: ${error}`);
  return new AppError('CONFLICT', 'this idempotency key was used before, and its turn has ended; read the session’s history');
}

/** The end of a run that ended well; everything else throws, so that a cut answer never looks whole. */
function whole(event: EndOfRun): EndOfRun {
  if (event.outcome === 'final') return event;
  if (event.outcome === 'aborted') throw new AppError(event.stopReason === 'timeout' ? 'TIMEOUT' : 'INTERRUPTED', `the run was aborted (${event.stopReason ?? 'rpc'})`);
  const code = event.error?.code ?? 'INTERNAL';
  throw new AppError(isErrorCode(code) ? code : 'INTERNAL', event.error?.message ?? 'the turn failed');
}

/** The caller’s own key: the same request sent again makes one turn. */
export const idempotencyKey = (request: Request): string | undefined => request.get('idempotency-key')?.slice(0, 200);
