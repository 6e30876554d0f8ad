/** A worker that is told to end hands over what it cannot finish. */
import { randomUUID } from 'node:crypto';
import { budgetKeys } from '@moltbot/shared/redis';
import { budgetSpent } from '@moltbot/turns';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCluster, type Cluster } from '../../support/cluster.ts';
import { listen, newPerson, shownText, until, type Listener } from '../../support/people.ts';

/** Well before the lease of a worker that says nothing ends, which is 8 s. */
const BEGUN_WITHIN_MS = 2_000;

let cluster: Cluster;
let admin: Listener;
beforeAll(async () => {
  cluster = await startCluster({ gateways: 1, workers: 2 });
  admin = listen(cluster.gateways[0]?.wsUrl ?? '', cluster.token);
}, 90_000);
afterAll(async () => {
  admin?.client.close();
  await cluster?.[Symbol.asyncDispose]();
});

/** From now on every word of an answer costs something, of which there is plenty. */
async function priced(): Promise<void> {
  const { hash: baseHash } = await admin.request<{ hash: string }>('config.get', {});
  const cost = { input: 0, output: 10, cacheRead: 0, cacheWrite: 0 };
  const watched = {
    budget: { daily: 1_000 },
    models: [{ id: 'demo-1', name: 'Demo', maxTokens: 64_000, cost }],
  };
  const raw = JSON.stringify({ models: { providers: { watched } } });
  await admin.request('config.patch', { raw, baseHash });
}

const ownerOf = async (): Promise<string | undefined> => {
  for (const key of await cluster.redis.keys('s:*:state')) {
    const owner = await cluster.redis.hget(key, 'owner');
    if (owner) return owner;
  }
  return undefined;
};

test('another one begins within two seconds, as often as it takes, and the answer is whole', async () => {
  await priced();
  const { token } = await newPerson(admin, 'alice');
  using alice = listen(cluster.gateways[0]?.wsUrl ?? '', token);
  const runId = randomUUID();
  await alice.request('chat.send', {
    sessionKey: 'long',
    message: '#tokens 900 #delay 20',
    idempotencyKey: runId,
  });
  const starts = (): readonly unknown[] =>
    alice.agents(runId).filter(({ stream, data }) => stream === 'lifecycle' && data['phase'] === 'start');
  // once more than a turn has attempts
  for (let handover = 1; handover <= 4; handover += 1) {
    await until(() => starts().length === handover, `start ${handover}`);
    const owner = await until(ownerOf, 'its worker');
    const worker = cluster.workers.find(({ name }) => owner.startsWith(`${name}/`));
    await worker?.signal('SIGTERM');
    const goneAtMs = Date.now();
    await until(() => starts().length > handover, 'the next start', BEGUN_WITHIN_MS);
    expect(Date.now() - goneAtMs).toBeLessThan(BEGUN_WITHIN_MS);
    await worker?.start();
  }
  const scope = 'provider:watched';
  expect(await cluster.redis.hlen(budgetKeys.holds(scope)), 'a hold for each attempt').toBe(5);
  const holds = await cluster.redis.hvals(budgetKeys.holds(scope));
  expect(holds.filter((hold) => !hold.endsWith('settled'))).toHaveLength(1);
  expect(await budgetSpent(cluster.redis, scope, new Date().toISOString().slice(0, 10))).toBeGreaterThan(0);
  const end = await alice.end(runId);
  expect(end.state, cluster.output()).toBe('final');
  expect(shownText(end).split(' ')).toHaveLength(900);
}, 120_000);
