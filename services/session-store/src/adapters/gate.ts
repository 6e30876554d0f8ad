import { AppError } from '@moltbot/shared/errors';

/** Lets so many tasks run at once and the rest wait in line. */
export type Gate = <T>(task: () => Promise<T>) => Promise<T>;

/**
 * @NOTE file operations on a hung NFS each keep one of libuv's few threads, and name lookups need
 * one too; so the sum of all gates' permits stays below the number of threads.
 */
export function createGate(permits: number): Gate {
  let free = permits;
  const waiting: (() => void)[] = [];
  return async (task) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((enter) => waiting.push(enter));
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}

/** Answers in time even when the file system does not; a task that has not begun by then never will. */
export async function withDeadline<T>(gate: Gate, timeoutMs: number, task: () => Promise<T>): Promise<T> {
  const late = new AppError('UNAVAILABLE', 'the archive did not answer in time', { facts: { timeoutMs } });
  let expired = false;
  const work = gate(async () => {
    if (expired) throw late;
    return await task();
  });
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    expired = true;
    reject(late);
  }, timeoutMs);
  return await Promise.race([work, promise]).finally(() => clearTimeout(timer));
}
