import { LANES, type Lane } from '@moltbot/shared/contracts';
import type { RedisTarget } from '@moltbot/shared/redis';
import { openLaneWorker, type Queues } from './adapters/queues.ts';
import type { LlmWorkerConfig } from './config.ts';
import { processJob, type ProcessDeps } from './jobs/process.ts';
import type { WorkerSettings } from './settings.ts';

export type LanesDeps = Pick<ProcessDeps, 'redis' | 'events' | 'provider' | 'running'> &
  Readonly<{ queues: Queues; settings: () => WorkerSettings }>;

/** What takes turns off the queues, each lane with slots of its own. */
export type Lanes = AsyncDisposable &
  Readonly<{
    start: () => void;
    pause: () => Promise<void>;
    /** Puts the caps of the present settings in force. */
    applyCaps: () => Promise<void>;
    /** The same where the queue has forgotten its cap. */
    keepCaps: () => Promise<void>;
  }>;

/**
 * Of a worker that is alone and capped: then the queue's cap decides.
 *
 * @NOTE BullMQ looks at a worker's own concurrency only when a job ends, so a raise would wait for that.
 */
const MOST_SLOTS = 1_000;

export function openLanes(target: RedisTarget, config: LlmWorkerConfig, deps: LanesDeps): Lanes {
  const cap = (lane: Lane): number | undefined => deps.settings().cap(lane);
  const slots = (lane: Lane): number =>
    config.alone && cap(lane) !== undefined ? MOST_SLOTS : config.slots[lane];
  const process: ProcessDeps = {
    ...deps,
    owner: config.id,
    userCap: config.maxRunningPerUser,
    wakeAgain: deps.queues.wake,
  };
  const lanes = LANES.map((lane) => ({
    lane,
    worker: openLaneWorker(
      target,
      config.pool,
      lane,
      slots(lane),
      async (job, token, lockLost) => await processJob(job, token, lockLost, process),
      (error) => deps.events.failed(error, 'job failed'),
    ),
  }));
  return {
    start: () => {
      for (const { worker } of lanes) worker.start();
    },
    pause: async () => {
      await Promise.all(lanes.map(async ({ worker }) => await worker.pause()));
    },
    applyCaps: async () => {
      for (const { lane, worker } of lanes) {
        await deps.queues.cap(lane, cap(lane));
        worker.resize(slots(lane));
      }
    },
    keepCaps: async () => {
      for (const { lane } of lanes)
        if (cap(lane) !== undefined && !(await deps.queues.capped(lane)))
          await deps.queues.cap(lane, cap(lane));
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(lanes.map(async ({ worker }) => await worker[Symbol.asyncDispose]()));
    },
  };
}
