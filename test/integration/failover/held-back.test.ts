/** While no replica holds a write, nobody is told of it; then the primary dies with what it alone knew. */
import { randomUUID } from 'node:crypto';
import { RequestError } from '@moltbot/client';
import { findTurn, readEntry } from '@moltbot/turns';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Redis } from 'ioredis';
import { readArchive } from '../../support/archive-files.ts';
import { startClusterOn, type ClusterOn } from '../../support/cluster.ts';
import { listen, newPerson, shownText, until, type Listener, type Person } from '../../support/people.ts';
import { startSentinels, type Sentinels } from '../../support/sentinels.ts';
import type { Program } from '../../support/service-process.ts';

const KEY = 'agent:main:main';

let stack: AsyncDisposableStack;
let sentinels: Sentinels;
let cluster: ClusterOn;
let alice: Person;
let user: Listener;
let looking: Redis;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  // replicas are killed here too, so what they have acknowledged must be in their files
  sentinels = stack.use(await startSentinels({ redis: { appendfsync: 'always' } }));
  cluster = stack.use(await startClusterOn(sentinels.url, { gateways: 1, workers: 1, stores: 1 }));
  const wsUrl = cluster.gateways[0]?.wsUrl ?? '';
  using admin = listen(wsUrl, cluster.token);
  alice = await newPerson(admin, 'alice');
  user = stack.use(listen(wsUrl, alice.token));
  looking = stack.adopt(sentinels.connect(await sentinels.primary()), (redis) => redis.disconnect());
});
afterEach(async () => await stack.disposeAsync());

const send = async (runId: string, message: string): Promise<unknown> =>
  await user.request('chat.send', { sessionKey: KEY, message, idempotencyKey: runId });

const ends = (runId: string): string[] =>
  user.chats(runId).flatMap(({ state }) => (state === 'delta' ? [] : [state]));

const replicas = async (): Promise<Program[]> => {
  const primary = await sentinels.primary();
  return sentinels.servers.filter((server) => server !== primary);
};

async function freezeReplicas(): Promise<void> {
  for (const replica of await replicas()) await replica.signal('SIGSTOP');
}

/**
 * The primary dies with what it alone knew. The replicas are started again and not only woken up: what
 * the primary has sent them since they froze waits in their sockets.
 */
async function failOver(): Promise<void> {
  const [primary, others] = [await sentinels.primary(), await replicas()];
  for (const server of [primary, ...others]) await server.signal('SIGKILL');
  for (const replica of others) await replica.start();
  await until(
    async () => (await sentinels.primary().catch(() => primary)) !== primary,
    'a new primary',
    60_000,
  );
}

test('T-8, T-9: an end that only the primary knows is shown to nobody and archived nowhere', async () => {
  const runId = randomUUID();
  await send(runId, '#delay 300 #tokens 6');
  await until(() => user.chats(runId).some(({ state }) => state === 'delta'), 'the first words');
  await freezeReplicas();
  await until(
    async () => (await findTurn(looking, 'alice', KEY, runId))?.status === 'final',
    'the commit on the primary',
  );
  const sid = (await readEntry(looking, 'alice', KEY))?.['sid'] ?? '';
  await failOver();
  expect(ends(runId)).toEqual([]); // the turn has only now a worker to find again
  await until(() => user.chats(runId).some(({ state }) => state === 'final'), 'the end', 60_000);
  expect(ends(runId)).toEqual(['final']);
  const [end] = user.chats(runId).filter(({ state }) => state === 'final');
  expect(shownText(end ?? {})).toBe('t1 t2 t3 t4 t5 t6');
  // had the first answer been archived, its line would stand beside the second one's; the same line twice is none
  const archived = async (): Promise<Set<string>> =>
    new Set(
      (await readArchive(cluster.archiveDir, 'alice', sid)).lines.map(
        ({ seq, fence, role }) => `${seq} ${role} ${fence}`,
      ),
    );
  await until(async () => (await archived()).size >= 2, 'the archive', 60_000);
  expect([...(await archived())].map((line) => line.split(' ', 2).join(' '))).toEqual([
    '1 user',
    '2 assistant',
  ]);
  expect(cluster.model.requests().length).toBeGreaterThan(1);
});

test('T-8, T-3: a message that only the primary knows is not said to be taken; sent again it makes one turn', async () => {
  const runId = randomUUID();
  await send(randomUUID(), '#tokens 1'); // the session is there, on every server
  await freezeReplicas();
  const refused = await send(runId, '#tokens 3').catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(RequestError);
  expect(refused).toMatchObject({ code: 'UNAVAILABLE', retryable: true, retryAfterMs: 1_000 });
  await failOver();
  await until(
    async () => await send(runId, '#tokens 3').then(Boolean, () => false),
    'the message is taken',
    60_000,
  );
  expect(shownText(await user.end(runId))).toBe('t1 t2 t3');
  expect(ends(runId)).toEqual(['final']);
  const { messages } = await user.request<{ messages: unknown[] }>('chat.history', { sessionKey: KEY });
  expect(messages).toHaveLength(4);
});

test('T-8: a background response that only the primary knows is refused and ended: nobody has its id', async () => {
  await send(randomUUID(), '#tokens 1'); // the worker is there
  await freezeReplicas();
  const response = await fetch(`${cluster.gateways[0]?.url}/v1/responses`, {
    method: 'POST',
    headers: { authorization: `Bearer ${alice.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'moltbot', input: '#fault endless', background: true }),
  });
  expect(response.status).toBe(503);
  for (const replica of await replicas()) await replica.signal('SIGCONT');
  const [run = ''] = await looking.keys('u:alice:run:resp_*');
  const status = async (): Promise<string | null> =>
    await looking.hget((await looking.get(run)) ?? '', 'status');
  await expect.poll(status, { timeout: 30_000 }).toBe('aborted');
});
