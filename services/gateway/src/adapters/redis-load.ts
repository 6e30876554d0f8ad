import { archiveKeys, type Redis } from '@moltbot/shared/redis';

const LOOK_INTERVAL_MS = 1_000;
const ACTIVE_MS = 15 * 60_000;
const SILENT_AFTER_MS = 4_000;

export type RedisLoad = Disposable &
  Readonly<{
    /** Share of maxmemory in use, 0 when there is no limit. */
    memoryShare: () => number;
    /** False when it has said nothing for longer than a short pause: a frozen server closes no connection. */
    answers: () => boolean;
  }>;

/** How full Redis is and how many sessions are in use: asked once a second, however often it is wanted. */
export function watchRedisLoad(redis: Redis, onSessionsActive: (count: number) => void): RedisLoad {
  let share = 0;
  let heardAtMs = Date.now();
  const look = async (): Promise<void> => {
    share = memoryShare(await redis.info('memory'));
    heardAtMs = Date.now();
    onSessionsActive(await redis.zcount(archiveKeys.live, Date.now() - ACTIVE_MS, '+inf'));
  };
  const timer = setInterval(() => void look().catch(() => undefined), LOOK_INTERVAL_MS);
  return {
    memoryShare: () => share,
    answers: () => redis.status === 'ready' && Date.now() - heardAtMs < SILENT_AFTER_MS,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

function memoryShare(info: string): number {
  const bytes = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  const limit = bytes('maxmemory');
  return limit > 0 ? bytes('used_memory') / limit : 0;
}
