import type { WebSocket } from 'ws';
import { AppError } from '@moltbot/shared/errors';
import type { Connection } from './connection.ts';

/** More are read when these are answered; a client notices nothing but that it waits. */
const MOST_AT_WORK = 32;
/** Calls that only await the end of a run cost little, and must not hold up the rest. */
const MOST_AWAITING = 1_000;
const AWAIT_RETRY_MS = 1_000;

/** What a call does with a promise that may take as long as a run: no longer counted as work meanwhile. */
export type AwaitRun = <T>(promise: Promise<T>) => Promise<T>;

export type Intake = Readonly<{ take(frame: unknown): void }>;

/**
 * Lets a connection have so much work under way at once and stops reading from it beyond that, or
 * while its answers are not read: the rest stays in the client's own network buffers.
 */
export function createIntake(
  socket: Pick<WebSocket, 'pause' | 'resume'>,
  connection: Pick<Connection, 'congested' | 'onSent'>,
  work: (frame: unknown, awaitRun: AwaitRun) => Promise<void>,
): Intake {
  const queue: unknown[] = []; // what had been read already when the socket was paused
  let atWork = 0;
  let awaiting = 0;
  const full = (): boolean => atWork >= MOST_AT_WORK || connection.congested();
  const proceed = (): void => {
    while (queue.length > 0 && !full()) begin(queue.shift());
    if (queue.length > 0 || full()) socket.pause();
    else socket.resume();
  };
  const begin = (frame: unknown): void => {
    let counted = true;
    atWork += 1;
    const rest = (): void => {
      if (counted) atWork -= 1;
      counted = false;
    };
    const awaitRun: AwaitRun = async (promise) => {
      if (awaiting >= MOST_AWAITING)
        throw new AppError('BUSY', `this connection awaits ${MOST_AWAITING} runs already`, {
          retryAfterMs: AWAIT_RETRY_MS,
        });
      rest();
      awaiting += 1;
      proceed();
      return await promise.finally(() => (awaiting -= 1));
    };
    void work(frame, awaitRun).finally(() => {
      rest();
      if (queue.length === 0) proceed();
      else setImmediate(proceed); // everybody else first: a thousand quick calls would keep the thread
    });
  };
  connection.onSent(proceed);
  return {
    take: (frame) => {
      queue.push(frame);
      proceed();
    },
  };
}
