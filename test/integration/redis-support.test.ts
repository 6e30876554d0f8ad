import { Redis } from 'ioredis';
import { inject, test } from 'vitest';

test('the tests run on a Redis that refuses to forget', async ({ expect, onTestFinished }) => {
  const redis = new Redis(inject('redisSocket'));
  onTestFinished(() => redis.disconnect());
  expect(await redis.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
  expect(await redis.config('GET', 'appendonly')).toEqual(['appendonly', 'yes']);
});
