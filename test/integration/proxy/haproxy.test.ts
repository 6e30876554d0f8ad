/** docs/deploy/haproxy.cfg in a real HAProxy, in front of two real gateways. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCluster, type Cluster } from '../../support/cluster.ts';
import { startHaproxy, type Haproxy } from '../../support/haproxy.ts';
import { listen, shownText } from '../../support/people.ts';

let cluster: Cluster;
let haproxy: Haproxy;
beforeAll(async () => {
  cluster = await startCluster({ gateways: 2, workers: 1 });
  haproxy = await startHaproxy({ gateways: cluster.gateways });
});
afterAll(async () => {
  await haproxy?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

test('P-1: a conversation runs through it', async () => {
  using user = listen(haproxy.wsUrl, cluster.token);
  const runId = randomUUID();
  await user.request('chat.send', { sessionKey: 'first', message: '#echo hello', idempotencyKey: runId });
  expect(shownText(await user.end(runId))).toBe('hello');
});

test('P-2: a reload keeps an open conversation', async () => {
  using user = listen(haproxy.wsUrl, cluster.token);
  await user.request('health');
  const states: string[] = [];
  user.client.on('state', ({ status }) => states.push(status));
  await haproxy.reload();
  await user.request('health');
  expect(states).toEqual([]);
});
