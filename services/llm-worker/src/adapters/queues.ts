import { Queue, Worker, type ConnectionOptions, type Job } from 'bullmq';
import { LANES, QUEUE_PREFIX, queueName, TurnJob, type Lane } from '@moltbot/shared/contracts';
import { redisOptions, userKeys, type Redis, type RedisTarget } from '@moltbot/shared/redis';
import type { SessionRef } from '@moltbot/turns';

/** BullMQ's lock: a worker that dies is noticed after 8 s and its job is picked up within 3 more (measured). */
const LOCK = { lockDuration: 8_000, stalledInterval: 3_000, maxStalledCount: 1_000 } as const;

export type Queues = AsyncDisposable &
  Readonly<{
    wake(ref: SessionRef, lane: Lane): Promise<void>;
    /** `gone` also when only a dead key is left: a job whose hash was lost leaves one behind. */
    held(sid: string, lane: Lane): Promise<'waiting' | 'active' | 'gone'>;
    /** Removes what the queue believes to hold for a session. */
    unblock(sid: string, lane: Lane): Promise<void>;
    /** Company-wide cap on running turns of a lane; undefined lifts it. */
    cap(lane: Lane, most: number | undefined): Promise<void>;
    waiting(lane: Lane): Promise<Readonly<Record<string, number>>>;
  }>;

export async function openQueues(target: RedisTarget, pool: string, redis: Redis): Promise<Queues> {
  const connection = redisOptions(
    { ...target, name: `${target.name}-queue` },
    'background',
  ) as ConnectionOptions;
  const make = (lane: Lane): Queue => new Queue(queueName(lane, pool), { connection, prefix: QUEUE_PREFIX });
  const queues = Object.fromEntries(LANES.map((lane) => [lane, make(lane)])) as Record<Lane, Queue>;
  for (const queue of Object.values(queues)) queue.on('error', () => undefined);
  await Promise.all(Object.values(queues).map(async (queue) => await queue.waitUntilReady()));
  return {
    wake: async ({ sid, uid, key }, lane) => {
      const load = await redis.zcard(userKeys.open(uid));
      const job = TurnJob.parse({ v: 1, sid, uid, key });
      await queues[lane].add('turn', job, {
        priority: Math.max(1, load),
        ...WAKE_OPTIONS,
        deduplication: { id: sid, keepLastIfActive: true },
      });
    },
    held: async (sid, lane) => {
      const id = await queues[lane].getDeduplicationJobId(sid);
      const job = id === null ? undefined : await queues[lane].getJob(id);
      const state = await job?.getState();
      if (state === undefined || GONE.has(state)) return 'gone';
      return state === 'active' ? 'active' : 'waiting';
    },
    unblock: async (sid, lane) => {
      await queues[lane].removeDeduplicationKey(sid);
    },
    cap: async (lane, most) => {
      if (most === undefined) await queues[lane].removeGlobalConcurrency();
      else await queues[lane].setGlobalConcurrency(most);
      await queues[lane].resume(); // workers that found the old cap reached wait for a marker
    },
    waiting: async (lane) => await queues[lane].getJobCounts('wait', 'prioritized', 'active', 'delayed'),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(Object.values(queues).map(async (queue) => await queue.close()));
    },
  };
}

const GONE: ReadonlySet<string> = new Set(['unknown', 'completed', 'failed']);

/** A wake-up leaves no trace; what must not be lost is in the inbox. */
const WAKE_OPTIONS = { attempts: 1, removeOnComplete: true, removeOnFail: true } as const;

export type LaneWorker = AsyncDisposable &
  Readonly<{ start: () => void; pause: () => Promise<void>; resize: (slots: number) => void }>;

/** Takes jobs of one lane. `onError` hears what a job threw and what the connection says. */
export function openLaneWorker(
  target: RedisTarget,
  pool: string,
  lane: Lane,
  concurrency: number,
  processJob: (job: Job, token: string | undefined) => Promise<void>,
  onError: (error: Error) => void,
): LaneWorker {
  const connection = redisOptions(
    { ...target, name: `${target.name}-${lane}` },
    'blocking',
  ) as ConnectionOptions;
  const worker = new Worker(queueName(lane, pool), processJob, {
    connection,
    prefix: QUEUE_PREFIX,
    concurrency,
    autorun: false,
    drainDelay: 5,
    ...LOCK,
  });
  worker.on('error', onError);
  worker.on('failed', (_job, error) => onError(error));
  return {
    start: () => void worker.run().catch(onError),
    pause: async () => await worker.pause(),
    resize: (slots) => {
      worker.concurrency = slots;
    },
    [Symbol.asyncDispose]: async () => await worker.close(true),
  };
}
