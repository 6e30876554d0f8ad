/** A primary that misses its replicas for a moment takes no writes; answers on their way wait for it. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCluster, type Cluster } from '../../support/cluster.ts';
import { listen, newPerson, shownText, until, type Listener } from '../../support/people.ts';

/** Longer than a few tries, shorter than a worker's patience. */
const REFUSED_MS = 1_500;
const SECRET = 'heron-lantern';

let cluster: Cluster;
let user: Listener;
beforeAll(async () => {
  cluster = await startCluster({ gateways: 1, workers: 1 });
  const wsUrl = cluster.gateways[0]?.wsUrl ?? '';
  using admin = listen(wsUrl, cluster.token);
  user = listen(wsUrl, (await newPerson(admin, 'alice')).token);
}, 90_000);
afterAll(async () => {
  user?.client.close();
  await cluster?.[Symbol.asyncDispose]();
});

const setReplicas = async (count: number): Promise<unknown> =>
  await cluster.redis.config('SET', 'min-replicas-to-write', String(count));

test.for([
  ['in the middle of an answer', 3],
  ['at its end', 11],
] as const)(
  'T-1, T-5: writes that are refused %s cost a pause, and no word of it',
  async ([, afterWords]) => {
    const answer = Array.from({ length: 12 }, (_, at) => `${SECRET}-${at}`).join(' ');
    const runId = randomUUID();
    const params = { sessionKey: 'main', message: `#delay 120 #echo ${answer}`, idempotencyKey: runId };
    const asked = cluster.model.requests().length;
    await user.request('chat.send', params);
    const words = (): number => shownText(user.chats(runId).at(-1) ?? {}).split(' ').length;
    await until(() => words() >= afterWords, `${afterWords} words`);
    await setReplicas(1);
    await sleep(REFUSED_MS);
    await setReplicas(0);
    const end = await user.end(runId);
    expect(end.state, cluster.output()).toBe('final');
    expect(shownText(end)).toBe(answer);
    expect(cluster.model.requests()).toHaveLength(asked + 1);
    expect(cluster.output()).not.toContain(SECRET);
  },
);
