/** One person with much to do beside many with little: whose turn it is, and how long the others wait for theirs. */
import { randomUUID } from 'node:crypto';
import { userKeys } from '@moltbot/shared/redis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCluster, type Cluster } from '../support/cluster.ts';
import { listen, newPerson, until, type Listener } from '../support/people.ts';

const LIGHT_USERS = 49;
const HEAVY_TURNS = 200;
/** 16 slots in all, of which one person has at most 8. */
const ENV = { WORKER_SLOTS: '8', MOLTBOT_MAX_RUNNING_PER_USER: '8', MOLTBOT_MAX_QUEUED_PER_USER: '400' };
/** A quarter of a second. */
const MESSAGE = '#tokens 1 #delay 250';

type Member = Readonly<{ userId: string; listener: Listener }>;

let cluster: Cluster;
let light: Member[];
let heavy: Member;
beforeAll(async () => {
  cluster = await startCluster({ gateways: 1, workers: 2, env: ENV });
  const url = cluster.gateways[0]?.wsUrl ?? '';
  using admin = listen(url, cluster.token);
  const join = async (name: string): Promise<Member> => {
    const { userId, token } = await newPerson(admin, name);
    return { userId, listener: listen(url, token) };
  };
  heavy = await join('heavy');
  light = await Promise.all(Array.from({ length: LIGHT_USERS }, async (_, at) => await join(`light-${at}`)));
}, 120_000);
afterAll(async () => {
  for (const { listener } of [heavy, ...(light ?? [])]) listener?.client.close();
  await cluster?.[Symbol.asyncDispose]();
});

type Turn = Readonly<{ userId: string; key: string; runId: string }>;
async function send({ userId, listener }: Member, key: string): Promise<Turn> {
  const runId = randomUUID();
  await listener.request('chat.send', { sessionKey: key, message: MESSAGE, idempotencyKey: runId });
  return { userId, key, runId };
}

/** From acceptance to the run's start, by the ledger's own clock; waits for the end. */
async function waitOf({ userId, key, runId }: Turn): Promise<number> {
  const idem = userKeys.idem(userId, key, runId);
  await until(
    async () => (await cluster.redis.hexists(idem, 'endedAt')) === 1,
    `the end of ${runId}`,
    90_000,
  );
  const { acceptedAt, startedAt } = await cluster.redis.hgetall(idem);
  return Number(startedAt) - Number(acceptedAt);
}

/** Everybody who has little to do says one thing at the same moment; how long they waited. */
async function lightWaits(): Promise<number[]> {
  const turns = await Promise.all(
    light.map(async (member) => await send(member, `agent:main:${randomUUID()}`)),
  );
  return await Promise.all(turns.map(waitOf));
}

const p95 = (waits: readonly number[]): number =>
  waits.toSorted((a, b) => a - b)[Math.ceil(waits.length * 0.95) - 1] ?? Number.NaN;

// with a session for each of its turns, a backlog is as many askers as there are others, four times over
test.each([20, 200])(
  'T-10: beside a backlog of two hundred turns in %i sessions the others wait at most twice as long, and it moves on',
  { timeout: 240_000 },
  async (sessions) => {
    await lightWaits(); // the first of everything is slow
    const alone = p95(await lightWaits());
    const bulk = randomUUID();
    const backlog = Array.from({ length: HEAVY_TURNS }, (_, at) => `agent:main:${bulk}-${at % sessions}`);
    const queued = await Promise.all(backlog.map(async (key) => await send(heavy, key)));
    const beside = p95(await lightWaits());
    await Promise.all(queued.map(waitOf)); // each of them has an end
    expect(beside).toBeLessThanOrEqual(2 * alone);
  },
);
