/** Who may run, who must wait, and who is turned away: by two workers that know of each other only through Redis. */
import { randomUUID } from 'node:crypto';
import { RequestError } from '@moltbot/client';
import { QUEUE_PREFIX, queueName } from '@moltbot/shared/contracts';
import { queueKeys, sessionKeys } from '@moltbot/shared/redis';
import { readEntry } from '@moltbot/turns';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startCluster, type Cluster } from '../support/cluster.ts';
import { listen, newPerson, until, type Listener, type Person } from '../support/people.ts';

const ENV = {
  // four turns need both
  WORKER_SLOTS: '3',
  WORKER_SUBAGENT_SLOTS: '3',
  MOLTBOT_MAX_QUEUED_PER_SESSION: '3',
  MOLTBOT_MAX_QUEUED_PER_USER: '5',
  MOLTBOT_MAX_QUEUED: '12',
};
/** Long enough to be cut short: every turn is aborted once it was counted. */
const SLOW = '#tokens 4000 #delay 50';
const QUEUE = `${QUEUE_PREFIX}:${queueName('main', 'default')}`;

let cluster: Cluster;
let admin: Listener;
beforeAll(async () => {
  cluster = await startCluster({ gateways: 1, workers: 2, env: ENV });
  admin = listen(cluster.gateways[0]?.wsUrl ?? '', cluster.token);
}, 90_000);
afterAll(async () => {
  admin?.client.close();
  await cluster?.[Symbol.asyncDispose]();
});

type User = Readonly<{ person: Person; listener: Listener }>;
async function newUser(): Promise<User> {
  const person = await newPerson(admin, `u-${randomUUID().slice(0, 8)}`);
  const listener = listen(cluster.gateways[0]?.wsUrl ?? '', person.token);
  onTestFinished(() => listener.client.close());
  return { person, listener };
}

type Turn = Readonly<{ user: User; key: string; runId: string }>;
async function send(user: User, key = `agent:main:${randomUUID()}`): Promise<Turn> {
  const runId = randomUUID();
  await user.listener.request('chat.send', {
    sessionKey: key,
    message: `${runId} ${SLOW}`,
    idempotencyKey: runId,
  });
  return { user, key, runId };
}

async function abort(turns: readonly Turn[]): Promise<void> {
  for (const { user, key, runId } of turns)
    await user.listener.request('chat.abort', { sessionKey: key, runId });
  await Promise.all(turns.map(async ({ user, runId }) => await user.listener.end(runId)));
}

/** Turns that the provider is answering now. */
const open = (turns: readonly Turn[]): Turn[] => {
  const bodies = cluster.model
    .requests()
    .filter(({ outcome }) => outcome === 'open')
    .map(({ body }) => JSON.stringify(body));
  return turns.filter(({ runId }) => bodies.some((body) => body.includes(runId)));
};

async function defaults(agents: Record<string, unknown>): Promise<void> {
  const { hash: baseHash } = await admin.request<{ hash: string }>('config.get', {});
  await admin.request('config.patch', { raw: JSON.stringify({ agents: { defaults: agents } }), baseHash });
}

const sidOf = async ({ user, key }: Turn): Promise<string> =>
  (await readEntry(cluster.redis, user.person.userId, key))?.['sid'] ?? '';
const workersOf = async (turns: readonly Turn[]): Promise<number> => {
  const owners = turns.map(
    async (turn) => (await cluster.redis.hget(sessionKeys.state(await sidOf(turn)), 'owner'))?.split('/')[0],
  );
  return new Set(await Promise.all(owners)).size;
};

test.each([
  ['main', 'maxConcurrent', (value: number) => ({ maxConcurrent: value })],
  ['subagent', 'subagents.maxConcurrent', (value: number) => ({ subagents: { maxConcurrent: value } })],
] as const)(
  'G-11: of the %s lane, %s holds over two workers, and a change is felt by both',
  async (lane, _path, patch) => {
    const key = (): string => `agent:main:${lane === 'subagent' ? 'subagent:' : ''}${randomUUID()}`;
    const users = await Promise.all([newUser(), newUser()]);
    await defaults(patch(2));
    const turns = await Promise.all([0, 1, 0, 1, 0].map(async (at) => await send(users[at] as User, key())));
    await expect.poll(() => open(turns).length, { timeout: 10_000 }).toBe(2);
    await defaults(patch(4));
    await expect.poll(() => open(turns).length, { timeout: 10_000 }).toBe(4);
    expect(await workersOf(open(turns))).toBe(2);
    await defaults(patch(1));
    const ended = open(turns).slice(0, 3);
    await abort(ended);
    await expect.poll(() => open(turns).length, { timeout: 10_000 }).toBe(1);
    await defaults(patch(4));
    await expect.poll(() => open(turns).length, { timeout: 10_000 }).toBe(2);
    await abort(turns.filter((turn) => !ended.includes(turn)));
  },
);

test('G-11: a cap that was lost with the state of its queue is put back', async () => {
  await defaults({ maxConcurrent: 2 });
  const meta = `${QUEUE}:meta`;
  const cap = async (): Promise<string | null> => await cluster.redis.hget(meta, 'concurrency');
  await expect.poll(cap, { timeout: 5_000 }).toBe('2');
  await cluster.redis.del(meta);
  await expect.poll(cap, { timeout: 15_000 }).toBe('2');
});

test('T-10: whoever has waited for half a minute goes before those with less to do', async () => {
  const [blocker, busy, idle] = await Promise.all([newUser(), newUser(), newUser()]);
  await defaults({ maxConcurrent: 1 });
  const first = await send(blocker);
  await expect.poll(() => open([first]).length).toBe(1);
  const turns: Turn[] = [];
  for (const user of [busy, busy, busy, idle]) turns.push(await send(user));
  const [, , last] = turns as [Turn, Turn, Turn, Turn];
  const sid = await sidOf(last);
  const job = `${QUEUE}:${await cluster.redis.get(`${QUEUE}:de:${sid}`)}`;
  expect(await cluster.redis.hget(job, 'priority')).toBe('3');
  await cluster.redis.hset(job, 'timestamp', Date.now() - 31_000);
  await cluster.redis.zadd(queueKeys.due, 0, sid); // looked at now, not in five seconds
  await until(async () => (await cluster.redis.hget(job, 'priority')) === '0', 'it is put in front', 10_000);
  await abort([first]);
  await expect.poll(() => open(turns)).toEqual([last]);
  await abort(turns);
  await defaults({ maxConcurrent: 8 });
});

test('every cap that turns somebody away says when to try again, on sockets and over HTTP', async () => {
  await defaults({ maxConcurrent: 1 });
  const users = await Promise.all([newUser(), newUser(), newUser(), newUser()]);
  const [one, two, three, four] = users as [User, User, User, User];
  const turns: Turn[] = [];
  const key = 'agent:main:full';
  for (let at = 0; at < 3; at += 1) turns.push(await send(one, key));
  expect(await refusals(one, key)).toEqual(turnedAway('this session has too many messages waiting'));
  for (let at = 0; at < 2; at += 1) turns.push(await send(one));
  expect(await refusals(one, 'agent:main:more')).toEqual(turnedAway('you have too many messages waiting'));
  for (let at = 0; at < 5; at += 1) turns.push(await send(two));
  for (let at = 0; at < 2; at += 1) turns.push(await send(three));
  expect(await refusals(four, 'agent:main:more')).toEqual(turnedAway('too many messages are waiting'));
  await abort(turns);
  await defaults({ maxConcurrent: 8 });
});

const turnedAway = (why: string): unknown => {
  const overHttp = [429, '1', expect.stringContaining(why)];
  const onSocket = {
    code: 'UNAVAILABLE',
    retryable: true,
    retryAfterMs: 1_000,
    why: expect.stringContaining(why),
  };
  return [onSocket, overHttp, overHttp];
};

/** What every door says to somebody who is to wait. */
async function refusals({ person, listener }: User, key: string): Promise<unknown[]> {
  const params = { sessionKey: key, message: 'hello', idempotencyKey: randomUUID() };
  const error: unknown = await listener.request('chat.send', params).catch((cause: unknown) => cause);
  if (!(error instanceof RequestError)) throw new Error('it was taken');
  const { code, retryable, retryAfterMs } = error;
  const answers = ['/v1/chat/completions', '/v1/responses'].map(async (path) => {
    const response = await fetch(`${cluster.gateways[0]?.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${person.token}`, 'x-moltbot-session-key': key },
      body: JSON.stringify({
        model: 'moltbot',
        messages: [{ role: 'user', content: 'hello' }],
        input: 'hello',
      }),
    });
    return [response.status, response.headers.get('retry-after'), await response.text()];
  });
  return [{ code, retryable, retryAfterMs, why: error.message }, ...(await Promise.all(answers))];
}
