import { queueKeys, type Redis, type Subscriber } from '@moltbot/shared/redis';
import type { Lease } from './lease.ts';

/**
 * The leases of the turns that run here, by turn. One looks at its ledger at once when somebody wants
 * its turn to stop, and all do when Redis is back: before another worker finds that they have run out.
 */
export async function openRunning(redis: Redis, subscriber: Subscriber): Promise<Map<string, Lease>> {
  const running = new Map<string, Lease>();
  await subscriber.subscribe(queueKeys.control, (message) => {
    void running.get((JSON.parse(message) as { tid: string }).tid)?.check();
  });
  redis.on('ready', () => {
    for (const lease of running.values()) void lease.check();
  });
  return running;
}
