/** Every way to name a Redis, through real servers; what is not safe is refused at the start. */
import { expect, test } from 'vitest';
import { closeRedis, openDurability, openRedis, requireSafeRedis } from '@moltbot/shared/redis';
import { startSentinels } from '../../support/sentinels.ts';

test('T-8: through Sentinel with TLS, an ACL user and passwords the product reads, writes and waits for replicas', async () => {
  await using sentinels = await startSentinels({ secured: true });
  const target = { url: sentinels.url, name: 'test' };
  const redis = await openRedis(target, 'request');
  await using durability = await openDurability(target);
  await requireSafeRedis(redis, target.url);
  await durability.settle(redis, async () => await redis.set('a', '1'));
  expect(durability.replicas).toBe(1);
  const replica = sentinels.servers[1]?.port ?? 0;
  const looking = [replica, sentinels.servers[2]?.port ?? 0].map((port) => sentinels.connect(port));
  const held = await Promise.all(looking.map(async (one) => await one.get('a')));
  expect(held).toContain('1');
  for (const one of looking) one.disconnect();
  await closeRedis(redis);
});
