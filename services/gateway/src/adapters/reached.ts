import { AppError } from '@moltbot/shared/errors';
import { isRedisOutage, type Durability, type Redis } from '@moltbot/shared/redis';

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

/** The same port, except that it answers when a failover cannot take back what the answer rests on. */
export function settled<P extends Port>(port: P, redis: Redis, durability: Durability): P {
  const calls = Object.entries(port).map(([name, call]) => [
    name,
    async (...given: never[]) => await durability.settle(redis, async () => await call(...given)),
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
