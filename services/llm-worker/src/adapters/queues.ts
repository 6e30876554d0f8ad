import { Queue, Worker, type ConnectionOptions, type Job } from 'bullmq';
import { LANES, QUEUE_PREFIX, queueName, TurnJob, type Lane } from '@moltbot/shared/contracts';
import { isRedisOutage, redisOptions, userKeys, type Redis, type RedisTarget } from '@moltbot/shared/redis';
import type { SessionRef } from '@moltbot/turns';

/** BullMQ's lock: a worker that dies is noticed after 8 s and its job is picked up within 3 more (measured). */
const LOCK = { lockDuration: 8_000, stalledInterval: 3_000, maxStalledCount: 1_000 } as const;

/** What the queue holds for a session. */
export type WakeUp = Readonly<{
  /** `gone` also when only a dead key is left: a job whose hash was lost leaves one behind. */
  state: 'queued' | 'delayed' | 'active' | 'gone';
  /** By the clock of whoever woke. */
  sinceMs: number;
  inFront: boolean;
}>;

export type Queues = AsyncDisposable &
  Readonly<{
    /** Whoever has least to do goes first; `front`: before everybody. */
    wake(ref: SessionRef, lane: Lane, place?: 'front'): Promise<void>;
    find(sid: string, lane: Lane): Promise<WakeUp>;
    /** Puts a session that waits before all that do not. */
    toFront(sid: string, lane: Lane): Promise<void>;
    /** Lets a wake-up that was put off be taken now. */
    hurry(sid: string, lane: Lane): Promise<void>;
    /** Removes what the queue believes to hold for a session. */
    unblock(sid: string, lane: Lane): Promise<void>;
    /** Company-wide cap on running turns of a lane; undefined lifts it. */
    cap(lane: Lane, most: number | undefined): Promise<void>;
    capped(lane: Lane): Promise<boolean>;
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
    ...wakeUps(queues, redis),
    cap: async (lane, most) => {
      if (most === undefined) await queues[lane].removeGlobalConcurrency();
      else await queues[lane].setGlobalConcurrency(most);
      await queues[lane].resume(); // workers that found the old cap reached wait for a marker
    },
    capped: async (lane) => (await queues[lane].getGlobalConcurrency()) !== null,
    waiting: async (lane) => await queues[lane].getJobCounts('wait', 'prioritized', 'active', 'delayed'),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(Object.values(queues).map(async (queue) => await queue.close()));
    },
  };
}

type WakeUps = Pick<Queues, 'wake' | 'find' | 'toFront' | 'hurry' | 'unblock'>;

function wakeUps(queues: Readonly<Record<Lane, Queue>>, redis: Redis): WakeUps {
  const jobOf = async (sid: string, lane: Lane): Promise<Job | undefined> => {
    const id = await queues[lane].getDeduplicationJobId(sid);
    return id === null ? undefined : await queues[lane].getJob(id);
  };
  return {
    wake: async ({ sid, uid, key }, lane, place) => {
      const priority = place === 'front' ? FRONT : Math.max(FRONT + 1, await redis.zcard(userKeys.open(uid)));
      await queues[lane].add('turn', TurnJob.parse({ v: 1, sid, uid, key }), {
        priority,
        ...WAKE_OPTIONS,
        deduplication: { id: sid, keepLastIfActive: true },
      });
    },
    find: async (sid, lane) => await wakeUpOf(await jobOf(sid, lane)),
    toFront: async (sid, lane) => await (await jobOf(sid, lane))?.changePriority({ priority: FRONT }),
    hurry: async (sid, lane) => await (await jobOf(sid, lane))?.promote(),
    unblock: async (sid, lane) => {
      await queues[lane].removeDeduplicationKey(sid);
    },
  };
}

/** BullMQ takes jobs of priority 0 before all others, in the order in which they became so. */
const FRONT = 0;

const GONE: ReadonlySet<string> = new Set(['unknown', 'completed', 'failed']);

async function wakeUpOf(job: Job | undefined): Promise<WakeUp> {
  const state = await job?.getState();
  if (job === undefined || state === undefined || GONE.has(state))
    return { state: 'gone', sinceMs: 0, inFront: false };
  const known = state === 'active' || state === 'delayed' ? state : 'queued';
  return { state: known, sinceMs: job.timestamp, inFront: job.priority === FRONT };
}

/** A wake-up leaves no trace; what must not be lost is in the inbox. */
const WAKE_OPTIONS = { attempts: 1, removeOnComplete: true, removeOnFail: true } as const;

export type LaneWorker = AsyncDisposable &
  Readonly<{ start: () => void; pause: () => Promise<void>; resize: (slots: number) => void }>;

/** Takes jobs of one lane; a job's signal tells that its lock is gone. `onError` hears what a job threw and what the connection says. */
export function openLaneWorker(
  target: RedisTarget,
  pool: string,
  lane: Lane,
  concurrency: number,
  processJob: (job: Job, token: string | undefined, lockLost: AbortSignal | undefined) => Promise<void>,
  onError: (error: Error) => void,
): LaneWorker {
  const connection = redisOptions(
    { ...target, name: `${target.name}-${lane}` },
    'blocking',
  ) as ConnectionOptions;
  // @NOTE BullMQ makes a signal only for a processor that is declared with three parameters
  const take = async (job: Job, token?: string, lockLost?: AbortSignal): Promise<void> =>
    await processJob(job, token, lockLost);
  const worker = new Worker(queueName(lane, pool), take, {
    connection,
    prefix: QUEUE_PREFIX,
    concurrency,
    autorun: false,
    drainDelay: 5,
    ...LOCK,
  });
  // each try to reconnect says so again; that Redis is away is told once, by its connection
  worker.on('error', (error) => (isRedisOutage(error) ? undefined : onError(error)));
  worker.on('failed', (_job, error) => onError(error));
  worker.on('lockRenewalFailed', (ids) => {
    for (const id of ids) worker.cancelJob(id, 'lock lost');
  });
  return {
    start: () => void worker.run().catch(onError),
    pause: async () => await worker.pause(),
    resize: (slots) => {
      worker.concurrency = slots;
    },
    [Symbol.asyncDispose]: async () => await worker.close(true),
  };
}
