/** What the queue loses, the ledger still knows: any worker finds it within fifteen seconds. */
import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import { QUEUE_PREFIX, queueName } from '@moltbot/shared/contracts';
import { queueKeys } from '@moltbot/shared/redis';
import { readEntry } from '@moltbot/turns';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startCluster, type Cluster } from '../../support/cluster.ts';
import { listen, newPerson, shownText, until, type Listener, type Person } from '../../support/people.ts';

const REPAIRED_WITHIN_MS = 15_000;
const NAME = queueName('main', 'default');

let cluster: Cluster;
let person: Person;
let user: Listener;
let queue: Queue;
beforeAll(async () => {
  cluster = await startCluster({ gateways: 1, workers: 2 });
  const url = cluster.gateways[0]?.wsUrl ?? '';
  using admin = listen(url, cluster.token);
  person = await newPerson(admin, 'alice');
  user = listen(url, person.token);
  queue = new Queue(NAME, {
    connection: { path: cluster.redisUrl.replace('unix://', '') },
    prefix: QUEUE_PREFIX,
  });
}, 90_000);
afterAll(async () => {
  await queue?.close();
  user?.client.close();
  await cluster?.[Symbol.asyncDispose]();
});

// or a worker would be faster than we are
beforeEach(async () => await queue.pause());
afterEach(async () => await queue.resume());

type Turn = Readonly<{ key: string; runId: string }>;
async function send(key: string): Promise<Turn> {
  const runId = randomUUID();
  await user.request('chat.send', { sessionKey: key, message: `#echo ${runId}`, idempotencyKey: runId });
  return { key, runId };
}
const newKey = (): string => `agent:main:${randomUUID()}`;

/** The keys of the wake-ups; waits until there is one for each session. */
async function jobsOf(turns: readonly Turn[]): Promise<string[]> {
  const sessions = new Set(turns.map(({ key }) => key)).size;
  const jobs = await until(async () => {
    const found = await queue.getJobs(['prioritized', 'waiting']);
    return found.length === sessions && found;
  }, `${sessions} wake-ups`);
  return jobs.map(({ id }) => `${QUEUE_PREFIX}:${NAME}:${id}`);
}

async function endsOf(turns: readonly Turn[]): Promise<string[]> {
  return await Promise.all(turns.map(async ({ runId }) => shownText(await user.end(runId))));
}

async function loseQueue(): Promise<void> {
  await cluster.redis.del(await cluster.redis.keys(`${QUEUE_PREFIX}:*`));
}

test.each<[string, (jobs: readonly string[]) => Promise<unknown>]>([
  ['the jobs of wake-ups were deleted', async (jobs) => await cluster.redis.del(...jobs)],
  [
    'only dead keys are left of the wake-ups',
    async (jobs) => await cluster.redis.del(...jobs, `${QUEUE_PREFIX}:${NAME}:prioritized`),
  ],
  ['all that the queue knew is gone', loseQueue],
])(
  'T-1: %s, and every turn has its answer within fifteen seconds',
  { timeout: 60_000 },
  async (_what, lose) => {
    const [one, two, three] = [newKey(), newKey(), newKey()];
    const turns: Turn[] = [];
    for (const key of [one, two, three, one, two]) turns.push(await send(key));
    await lose(await jobsOf(turns));
    await queue.resume();
    const lostAtMs = Date.now();
    expect(await endsOf(turns)).toEqual(turns.map(({ runId }) => runId));
    expect(Date.now() - lostAtMs).toBeLessThan(REPAIRED_WITHIN_MS);
  },
);

test('T-1: a session that nobody is told to look after any more is found with its next message', async () => {
  const lost = await send(newKey());
  await jobsOf([lost]);
  const sid = (await readEntry(cluster.redis, person.userId, lost.key))?.['sid'] ?? '';
  await loseQueue();
  expect(await cluster.redis.zrem(queueKeys.due, sid)).toBe(1);
  const next = await send(lost.key);
  expect(await endsOf([lost, next])).toEqual([lost.runId, next.runId]);
});

test(
  'T-1: a wake-up that a wrong clock has put off for an hour is taken within fifteen seconds',
  { timeout: 60_000 },
  async () => {
    const turns = [await send(newKey())];
    await jobsOf(turns);
    const [job] = await queue.getJobs(['prioritized', 'waiting']);
    const { sid, uid, key } = (job?.data ?? {}) as { sid: string; uid: string; key: string };
    await job?.remove(); // its deduplication key goes with it, and the one below takes its place
    await queue.add(
      'turn',
      { v: 1, sid, uid, key },
      { delay: 3_600_000, priority: 1, deduplication: { id: sid } },
    );
    await queue.resume();
    const sentAtMs = Date.now();
    expect(await endsOf(turns)).toEqual(turns.map(({ runId }) => runId));
    expect(Date.now() - sentAtMs).toBeLessThan(REPAIRED_WITHIN_MS);
  },
);
