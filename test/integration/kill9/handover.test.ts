/** A worker that is told to end hands over what it cannot finish. */
import { randomUUID } from 'node:crypto';
import { budgetKeys, sessionKeys } from '@moltbot/shared/redis';
import { budgetSpent, readEntry, readEvents } from '@moltbot/turns';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCluster, type Cluster } from '../../support/cluster.ts';
import {
  listen,
  newPerson,
  shownText,
  until,
  type ChatPayload,
  type Listener,
} from '../../support/people.ts';

/** Well before the lease of a worker that says nothing ends, which is 8 s. */
const BEGUN_WITHIN_MS = 2_000;

let cluster: Cluster;
let admin: Listener;
beforeAll(async () => {
  cluster = await startCluster({ gateways: 1, workers: 3, env: { WORKER_SLOTS: '2' } });
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

type Start = Readonly<{ atMs: number; attempt: number }>;
type Running = Readonly<{ uid: string; key: string; runId: string; listener: Listener }>;

const sidOf = async ({ uid, key }: Running): Promise<string> =>
  (await readEntry(cluster.redis, uid, key))?.['sid'] ?? '';

async function startsOf(turn: Running): Promise<Start[]> {
  const { events } = await readEvents(cluster.redis, { sid: await sidOf(turn), key: turn.key }, '');
  return events.flatMap(({ e }) => (e.t === 'start' ? [{ atMs: e.at, attempt: e.attempt }] : []));
}

test('T-5: beside a full queue it hands over at once, and what it handed over goes first', async () => {
  const people = await Promise.all(
    ['bob', 'carol', 'dave'].map(async (name) => await newPerson(admin, name)),
  );
  const listeners = people.map(({ token }) => listen(cluster.gateways[0]?.wsUrl ?? '', token));
  const turns = people.flatMap(({ userId: uid }, at) =>
    Array.from({ length: 4 }, (_, session) => {
      const listener = listeners[at] as Listener;
      return { uid, key: `agent:main:${session}`, runId: randomUUID(), listener };
    }),
  );
  await Promise.all(
    turns.map(async ({ key, runId, listener }) => {
      const message = `${runId} #tokens 60 #delay 90`;
      await listener.request('chat.send', { sessionKey: key, message, idempotencyKey: runId });
    }),
  );
  const [victim] = cluster.workers;
  const ownedBy = async (turn: Running): Promise<boolean> =>
    (await cluster.redis.hget(sessionKeys.state(await sidOf(turn)), 'owner'))?.startsWith(
      `${victim?.name}/`,
    ) === true;
  const owned = async (): Promise<Running[]> => {
    const flags = await Promise.all(turns.map(ownedBy));
    return turns.filter((_, at) => flags[at]);
  };
  const handed = await until(async () => {
    const own = await owned();
    return own.length === 2 && own;
  }, 'both its slots are in use');
  await victim?.signal('SIGTERM');
  const goneAtMs = Date.now();
  const endOf = ({ listener, runId }: Running): ChatPayload | undefined =>
    listener.chats(runId).find(({ state }) => state !== 'delta');
  await until(() => turns.every(endOf), 'every end', 90_000);
  const ends = turns.map((turn) => endOf(turn) ?? {});
  expect(ends.map(shownText)).toEqual(turns.map(() => expect.stringMatching(/^t1 t2 .* t60$/)));
  const again = (await Promise.all(handed.map(startsOf))).map(([, second]) => second);
  expect(again).toEqual(handed.map(() => expect.objectContaining({ attempt: 1 })));
  const last = Math.max(...again.map((start) => start?.atMs ?? 0));
  const others = (await Promise.all(turns.filter((turn) => !handed.includes(turn)).map(startsOf))).flat();
  expect(others.filter(({ atMs }) => atMs > goneAtMs && atMs < last)).toEqual([]);
  for (const { client } of listeners) client.close();
  await victim?.start();
}, 120_000);
