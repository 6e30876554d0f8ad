import { AppError } from '@moltbot/shared/errors';
import { isErrorCode } from '../domain/error-code.ts';
import type { EndOfRun, RunView } from '../domain/ports.ts';
import type { RunEvent } from '@moltbot/shared/contracts';
import { answerOf } from './answer.ts';

export type RunSink = Readonly<{
  /** The run was accepted; the answer may begin. */
  accepted?(): void;
  /** A worker has it. */
  begun?(): void;
  /** `cursor`: the event that said it; '' when it comes from the session's record. */
  delta?(text: string, cursor: string): void;
}>;

export type RunEnd = Readonly<{ event: EndOfRun; cursor: string }>;

export type AppendOnly = Readonly<{
  hear(event: RunEvent, view: Pick<RunView, 'text' | 'cursor'>): void;
  /** Rejects when the run did not end well: a cut answer must never look whole. */
  end: Promise<RunEnd>;
}>;

/**
 * A run's text for a reader that cannot take anything back. It goes on after a lost worker only while
 * the new text extends what was said; else it ends with INTERRUPTED. What it says, and where it
 * stops, follows from the events alone, so it is the same on every replica and in every replay.
 */
export function appendOnly(sink: RunSink): AppendOnly {
  const { promise, resolve, reject } = Promise.withResolvers<RunEnd>();
  promise.catch(() => undefined); // it may be rejected before anybody waits for it
  let said = '';
  let over = false;
  const fail = (error: AppError): void => {
    over = true;
    reject(error);
  };
  const say = (text: string, cursor: string): void => {
    if (text.length > said.length) sink.delta?.(text.slice(said.length), cursor);
    said = text;
  };
  const finish = (event: EndOfRun, cursor: string): void => {
    const problem = problemOf(event);
    if (problem) return fail(problem);
    const { text } = answerOf(event);
    if (!text.startsWith(said)) return fail(interrupted('the answer was interrupted and ended differently'));
    say(text, cursor);
    over = true;
    resolve({ event, cursor });
  };
  return {
    hear: (event, { text, cursor }) => {
      if (over) return;
      if (event.t === 'start') sink.begun?.();
      if (event.t === 'delta' && text.startsWith(said)) say(text, cursor);
      else if (event.t === 'delta' && !said.startsWith(text))
        fail(interrupted('the answer was interrupted and started over differently'));
      if (event.t === 'end') finish(event, cursor);
    },
    end: promise,
  };
}

const interrupted = (what: string): AppError => new AppError('INTERRUPTED', `${what}; ask again`);

/** Why a run did not end well. `stopped` is among the facts when its user wanted it to end. */
export function problemOf({ outcome, stopReason = 'rpc', error }: EndOfRun): AppError | undefined {
  if (outcome === 'final') return undefined;
  if (outcome === 'aborted')
    return stopReason === 'timeout'
      ? new AppError('TIMEOUT', `the run was aborted (${stopReason})`)
      : new AppError('INTERRUPTED', `the run was aborted (${stopReason})`, { facts: { stopped: true } });
  const code = error?.code ?? 'INTERNAL';
  return new AppError(isErrorCode(code) ? code : 'INTERNAL', error?.message ?? 'the turn failed');
}
