import { archiveKeys, type Redis } from '@moltbot/shared/redis';

const LOOK_INTERVAL_MS = 1_000;
const ACTIVE_MS = 15 * 60_000;

export type RedisLoad = Disposable &
  Readonly<{
    /** Share of maxmemory in use, 0 when there is no limit. */
    memoryShare: () => number;
  }>;

/** How full Redis is and how many sessions are in use: asked once a second, however often it is wanted. */
export function watchRedisLoad(redis: Redis, onSessionsActive: (count: number) => void): RedisLoad {
  let share = 0;
  const look = async (): Promise<void> => {
    share = memoryShare(await redis.info('memory'));
    onSessionsActive(await redis.zcount(archiveKeys.live, Date.now() - ACTIVE_MS, '+inf'));
  };
  const timer = setInterval(() => void look().catch(() => undefined), LOOK_INTERVAL_MS);
  return { memoryShare: () => share, [Symbol.dispose]: () => clearInterval(timer) };
}

function memoryShare(info: string): number {
  const bytes = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  const limit = bytes('maxmemory');
  return limit > 0 ? bytes('used_memory') / limit : 0;
}
