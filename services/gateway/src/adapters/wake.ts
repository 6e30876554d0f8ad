import { Queue, type ConnectionOptions } from 'bullmq';
import { LANES, QUEUE_PREFIX, queueName, TurnJob, type Lane } from '@moltbot/shared/contracts';
import type { Redis } from '@moltbot/shared/redis';
import type { SessionRef } from '@moltbot/turns';

const DEADLINE_MS = 2_000;

export type Waker = AsyncDisposable &
  Readonly<{
    wake(ref: SessionRef, lane: Lane, load: number): void;
    /** At once, also where the queue puts it off: the reason for that may have been repaired. */
    rouse(ref: SessionRef, lane: Lane): Promise<void>;
  }>;

/**
 * Puts wake-ups on the queue. One that fails is the sweeper's to repeat: the turn is accepted already.
 *
 * @NOTE on the same connection as accept: a wake-up sent right behind an accept reaches Redis after it,
 * so the two need not wait for each other
 */
export function openWaker(redis: Redis, pool: string, onError: (error: unknown) => void): Waker {
  const connection = redis as unknown as ConnectionOptions;
  const make = (lane: Lane): Queue => new Queue(queueName(lane, pool), { connection, prefix: QUEUE_PREFIX });
  const queues = Object.fromEntries(LANES.map((lane) => [lane, make(lane)])) as Record<Lane, Queue>;
  for (const queue of Object.values(queues)) queue.on('error', () => undefined);
  const add = async ({ sid, uid, key }: SessionRef, lane: Lane, load: number): Promise<void> => {
    const job = TurnJob.parse({ v: 1, sid, uid, key });
    const options = {
      priority: Math.max(1, load),
      attempts: 1,
      removeOnComplete: true,
      removeOnFail: true,
    } as const;
    await within(
      queues[lane].add('turn', job, { ...options, deduplication: { id: sid, keepLastIfActive: true } }),
    );
  };
  return {
    wake: (ref, lane, load) => void add(ref, lane, load).catch(onError),
    rouse: async (ref, lane) => {
      const id = await queues[lane].getDeduplicationJobId(ref.sid);
      const job = id === null ? undefined : await queues[lane].getJob(id);
      if (await job?.isDelayed()) await job?.promote();
      else await add(ref, lane, 1);
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(Object.values(queues).map(async (queue) => await queue.close()));
    },
  };
}

/** @NOTE an add on a hung connection waits for ever by itself (measured) */
async function within<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`the queue did not answer within ${DEADLINE_MS} ms`)),
      DEADLINE_MS,
    );
  });
  return await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
