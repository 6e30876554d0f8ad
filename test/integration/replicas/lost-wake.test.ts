/** A wake-up that never came: whoever sends the message again gives it another. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { QUEUE_PREFIX, queueName } from '@moltbot/shared/contracts';
import { startCluster, type Cluster } from '../../support/cluster.ts';
import { listen, newPerson, until } from '../../support/people.ts';

const QUEUE = `${QUEUE_PREFIX}:${queueName('main', 'default')}`;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ gateways: 1, workers: 0 });
}, 90_000);
afterAll(() => cluster?.[Symbol.asyncDispose]());

/** Whether a wake-up is on the queue: nobody is there to take it. */
async function woken(): Promise<boolean> {
  return (await cluster.redis.exists(`${QUEUE}:prioritized`, `${QUEUE}:wait`)) > 0;
}

test('a message that still waits and is sent again is woken again', async () => {
  const url = cluster.gateways[0]?.wsUrl ?? '';
  using admin = listen(url, cluster.token);
  using alice = listen(url, (await newPerson(admin, 'alice')).token);
  const message = { sessionKey: 'lost', message: '#echo found', idempotencyKey: randomUUID() };
  expect(await alice.request('chat.send', message)).toMatchObject({ status: 'started' });
  await until(woken, 'the first wake-up');
  const lost = await cluster.redis.keys(`${QUEUE}:*`);
  await cluster.redis.del(...lost);
  expect(await alice.request('chat.send', message)).toMatchObject({ status: 'in_flight' });
  await until(woken, 'another wake-up');
});
