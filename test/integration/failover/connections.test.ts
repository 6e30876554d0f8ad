/** Every way to name a Redis, through real servers; what is not safe is refused at the start. */
import { expect, test } from 'vitest';
import { closeRedis, openDurability, openRedis, requireSafeRedis } from '@moltbot/shared/redis';
import { until } from '../../support/people.ts';
import { startSentinels } from '../../support/sentinels.ts';

test('T-8: through Sentinel with TLS, an ACL user and passwords the product reads, writes and waits for replicas', async () => {
  await using sentinels = await startSentinels({ secured: true });
  const target = { url: sentinels.url, name: 'test' };
  const redis = await openRedis(target, 'request');
  await using durability = await openDurability(target);
  await requireSafeRedis(redis, target.url);
  await durability.settle(redis, async () => await redis.set('a', '1'));
  expect(durability.replicas).toBe(1);
  const wrong = { ...target, url: target.url.replace('moltbot:a-', 'moltbot:b-') };
  await expect(openRedis(wrong, 'request')).rejects.toThrow(
    /WRONGPASS.*correct the user and password of REDIS_URL/,
  );
  const unnamed = { ...target, url: target.url.replace('/moltbot?', '/nobody?') };
  await expect(openRedis(unnamed, 'request')).rejects.toThrow(
    /No such master.*correct the name of the master in REDIS_URL/,
  );
  const looking = sentinels.servers.slice(1).map((server) => sentinels.connect(server));
  const held = await Promise.all(looking.map(async (one) => await one.get('a')));
  expect(held).toContain('1');
  for (const one of looking) one.disconnect();
  await closeRedis(redis);
});

test('T-8: a primary that takes writes which no replica holds is refused at the start, and so is a replica', async () => {
  await using sentinels = await startSentinels({ redis: { 'min-replicas-to-write': '0' } });
  const redis = await openRedis({ url: sentinels.url, name: 'test' }, 'request');
  await expect(requireSafeRedis(redis, sentinels.url)).rejects.toThrow('Set min-replicas-to-write 1');
  await requireSafeRedis(redis, `${sentinels.url}?replicas=0`);
  await closeRedis(redis);
  const url = `redis://127.0.0.1:${sentinels.servers[1]?.place.port}`;
  const replica = await openRedis({ url, name: 'test' }, 'request');
  await expect(requireSafeRedis(replica, url)).rejects.toThrow('name the primary, or its Sentinels');
  await closeRedis(replica);
});

test(
  'T-8: with both replicas gone nothing is said to be safe, and with one of them back it is',
  { timeout: 120_000 },
  async () => {
    await using sentinels = await startSentinels();
    const target = { url: sentinels.url, name: 'test' };
    const redis = await openRedis(target, 'request');
    const rounds: boolean[] = [];
    await using durability = await openDurability(target, (held) => void rounds.push(held));
    const primary = await sentinels.primary();
    const replicas = sentinels.servers.filter((server) => server !== primary);
    for (const replica of replicas) await replica.signal('SIGSTOP');
    const settled = durability.settle(redis, async () => await redis.set('a', '1'));
    await expect(settled).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: 1_000 });
    expect(rounds.every((held) => !held)).toBe(true);
    await replicas[0]?.signal('SIGCONT');
    await until(
      async () =>
        await durability.settle(redis, async () => await redis.set('a', '2')).then(Boolean, () => false),
      'a write that a replica holds',
    );
    await closeRedis(redis);
  },
);

test('T-8: what one primary has said is not vouched for by the next', { timeout: 120_000 }, async () => {
  await using sentinels = await startSentinels();
  const target = { url: sentinels.url, name: 'test' };
  const redis = await openRedis(target, 'request');
  await using durability = await openDurability(target);
  await durability.settle(redis, async () => await redis.set('a', '1'));
  const during = durability.settle(redis, async () => {
    const said = await redis.get('a');
    const primary = await sentinels.primary();
    await primary.signal('SIGKILL');
    await until(
      async () => (await sentinels.primary().catch(() => primary)) !== primary,
      'another primary',
      60_000,
    );
    await until(async () => await redis.set('b', '1').then(Boolean, () => false), 'the next primary', 60_000);
    return said;
  });
  await expect(during).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await closeRedis(redis);
});
