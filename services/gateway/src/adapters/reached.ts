import { AppError } from '@moltbot/shared/errors';
import { isRedisOutage } from '@moltbot/shared/redis';

type Port = Readonly<Record<string, (...given: never[]) => Promise<unknown>>>;

const RETRY_AFTER_MS = 1_000;

/**
 * The same port, except that a Redis that does not answer is UNAVAILABLE and no internal error.
 * Whoever asked may ask again: a message is sent under its idempotency key, the rest only looks.
 */
export function reached<P extends Port>(port: P): P {
  const calls = Object.entries(port).map(([name, call]) => [
    name,
    async (...given: never[]) => await call(...given).catch(refuse),
  ]);
  return Object.fromEntries(calls) as P;
}

function refuse(cause: unknown): never {
  if (!isRedisOutage(cause)) throw cause;
  throw new AppError('UNAVAILABLE', 'the service cannot reach its memory at the moment; try again', {
    cause,
    retryAfterMs: RETRY_AFTER_MS,
  });
}
