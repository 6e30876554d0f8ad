/** A Redis that is gone, then back, then frozen, then full: doors refuse soon and clearly, and nothing accepted is lost. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { RequestError } from '@moltbot/client';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startCluster, type Cluster } from '../../support/cluster.ts';
import { atRest, checkLedger, type SentTurn } from '../../support/ledger-checker.ts';
import { listen, newPerson, shownText, until, type Listener } from '../../support/people.ts';

const REFUSED_WITHIN_MS = 8_000;
const KEY = 'agent:main:main';

const words = (count: number): string => Array.from({ length: count }, (_, at) => `t${at + 1}`).join(' ');

function message(count: number, delayMs: number): SentTurn {
  const text = `#tokens ${count} #delay ${delayMs}`;
  return { runId: randomUUID(), text, answer: words(count), seenEnds: [] };
}

const send = async (user: Listener, { runId, text }: SentTurn): Promise<unknown> =>
  await user.request('chat.send', { sessionKey: KEY, message: text, idempotencyKey: runId });

/** Both doors, asked while Redis does not answer. */
async function refusals(cluster: Cluster, user: Listener, token: string, turn: SentTurn): Promise<void> {
  const askedAtMs = Date.now();
  const overSocket = send(user, turn).then(
    () => undefined,
    (error: unknown) => error,
  );
  const [error, response] = await Promise.all([
    overSocket,
    fetch(`${cluster.gateways[0]?.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ model: 'moltbot', messages: [{ role: 'user', content: 'hello' }] }),
    }),
  ]);
  expect(error).toBeInstanceOf(RequestError);
  expect(error).toMatchObject({ code: 'UNAVAILABLE', retryable: true, retryAfterMs: 1_000 });
  expect(String(error)).toContain('try again');
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('1');
  expect(Date.now() - askedAtMs).toBeLessThan(REFUSED_WITHIN_MS);
  expect(await greeting(cluster, token)).toEqual({
    said: { code: 'UNAVAILABLE', message: expect.stringContaining('try again'), retryAfterMs: 1_000 },
    closeCode: 1013,
  });
  const url = `${cluster.gateways[0]?.url}/readyz`;
  const failing = async (): Promise<unknown> =>
    ((await (await fetch(url)).json()) as { failing: unknown }).failing;
  await until(async () => JSON.stringify(await failing()) === '["redis"]', 'a gateway that is not ready');
}

/** What a connection that is opened meanwhile is told, and how it is closed. */
async function greeting(cluster: Cluster, token: string): Promise<unknown> {
  const socket = new WebSocket(cluster.gateways[0]?.wsUrl ?? '');
  const client = { id: 'test', mode: 'test', version: '1', platform: 'linux' };
  const params = { minProtocol: 3, maxProtocol: 4, client, auth: { token } };
  let said: unknown;
  socket.on('message', (data: Buffer) => {
    const frame = JSON.parse(data.toString()) as { type: string; error?: Record<string, unknown> };
    if (frame.type === 'event')
      return socket.send(JSON.stringify({ type: 'req', id: '1', method: 'connect', params }));
    const { code, message, retryAfterMs } = frame.error ?? {};
    said = { code, message, retryAfterMs };
  });
  const [closeCode] = (await once(socket, 'close')) as [number];
  return { said, closeCode };
}

/** Sent again under the same key until it is taken. */
async function insist(user: Listener, turn: SentTurn): Promise<void> {
  await until(async () => await send(user, turn).then(Boolean, () => undefined), 'the message is taken');
  expect(shownText(await user.end(turn.runId))).toBe(turn.answer);
}

test(
  'T-1, T-3: while Redis is gone, frozen or full every door says so within seconds, and then goes on',
  { timeout: 90_000 },
  async () => {
    await using cluster = await startCluster({ gateways: 1, workers: 1 });
    const wsUrl = cluster.gateways[0]?.wsUrl ?? '';
    using admin = listen(wsUrl, cluster.token);
    const person = await newPerson(admin, 'somebody');
    using user = listen(wsUrl, person.token);
    const turns = [message(60, 50), message(5, 5), message(5, 5), message(5, 5)];
    const [long, refused, frozen, full] = turns as [SentTurn, SentTurn, SentTurn, SentTurn];
    await send(user, long);
    await until(() => user.chats(long.runId).length > 0, 'its first words');

    await cluster.redisServer.signal('SIGKILL');
    await refusals(cluster, user, person.token, refused);
    await cluster.redisServer.start();
    await insist(user, refused);
    expect(shownText(await user.end(long.runId))).toBe(long.answer);

    await cluster.redisServer.signal('SIGSTOP');
    await refusals(cluster, user, person.token, frozen);
    await cluster.redisServer.signal('SIGCONT');
    await insist(user, frozen);

    await cluster.redis.config('SET', 'maxmemory', '1mb');
    const error: unknown = await send(user, full).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'UNAVAILABLE', retryable: true, retryAfterMs: 1_000 });
    await cluster.redis.config('SET', 'maxmemory', '0');
    await insist(user, full);

    await until(() => atRest(cluster.redis), 'everything is archived');
    const sessions = [{ userId: person.userId, key: KEY, turns }];
    const { redis, archiveDir: archiveRoot } = cluster;
    expect(await checkLedger({ redis, archiveRoot, sessions })).toEqual([]);
  },
);
