/** Gateways that end and an HAProxy that reloads, under conversations, streams and new connections. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCluster, type Cluster, type Gateway } from '../../support/cluster.ts';
import { startHaproxy, type Haproxy } from '../../support/haproxy.ts';
import {
  listen,
  newPerson,
  shownText,
  until,
  type ChatPayload,
  type Listener,
} from '../../support/people.ts';
import {
  ask,
  callsFor,
  closesOf,
  completion,
  connectUntil,
  GATEWAY_BEHIND_PROXY,
  idleSockets,
  outcomeOf,
  textOf,
} from './ask.ts';

const WORDS = Array.from({ length: 60 }, (_, at) => `t${at + 1}`).join(' ');

const send = async (user: Listener, runId: string, message: string): Promise<unknown> =>
  await user.request('chat.send', { sessionKey: 'main', message, idempotencyKey: runId });

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ gateways: 2, workers: 2, config: { gateway: GATEWAY_BEHIND_PROXY } });
});
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
});

type Message = NonNullable<ChatPayload['message']>;
type User = Listener & Readonly<{ userId: string }>;

const newUser = async (haproxy: Haproxy): Promise<User> => {
  using admin = listen(cluster.gateways[1]?.wsUrl ?? '', cluster.token);
  const { userId, token } = await newPerson(admin, `u-${randomUUID().slice(0, 8)}`);
  const user = listen(haproxy.wsUrl, token);
  await user.request('health');
  return { ...user, userId };
};

/** The gateway that HAProxy chose for them, by its log. */
const gatewayOf = async ({ userId }: User): Promise<Gateway> =>
  await until(
    () =>
      cluster.gateways.find((one) => {
        const lines = one.output().split('\n');
        return lines.some((line) => line.includes('ws.opened') && line.includes(`user:${userId}`));
      }),
    `the connection of ${userId}`,
  );

/** What was answered, once the run has ended; asked for, since it may have ended while nobody was there. */
async function answerTo(user: User, runId: string): Promise<string> {
  const end = await user.request('agent.wait', { runId, timeoutMs: 60_000 }, 70_000);
  expect(end).toMatchObject({ status: 'ok' });
  const history = await user.request<{ messages: Message[] }>('chat.history', { sessionKey: 'main' });
  const answer = history.messages.at(-1);
  return answer ? shownText({ message: answer }) : '';
}

/** Two answers that take long, one through each gateway, since connections are counted. */
async function twoPosts(haproxy: Haproxy, ids: readonly string[]): Promise<Promise<IncomingMessage>[]> {
  const posts: Promise<IncomingMessage>[] = [];
  for (const id of ids) {
    const body = completion(`${id} #tokens 2 #delay 60000`);
    posts.push(ask(`${haproxy.url}/v1/chat/completions`, { token: cluster.token, body }));
    await until(() => outcomeOf(cluster, id) === 'open', `the call to the provider for ${id}`);
  }
  return posts;
}

describe('a gateway that is killed', () => {
  test('T-7, P-1: costs a reconnect, and the end of the run is heard', async () => {
    await using haproxy = await startHaproxy({ gateways: cluster.gateways });
    using user = await newUser(haproxy);
    const codes = closesOf(user);
    const runId = randomUUID();
    await send(user, runId, '#tokens 60 #delay 40');
    await until(() => user.chats(runId).length > 0, 'the first words');
    const gateway = await gatewayOf(user);
    await gateway.signal('SIGKILL');
    await until(() => codes.length > 0, 'the connection broke');
    expect(await answerTo(user, runId)).toBe(WORDS);
    expect(codes).toEqual([1006]);
    await gateway.start();
  });

  test('P-2: costs no new connection', async () => {
    await using haproxy = await startHaproxy({ gateways: cluster.gateways });
    let over = false;
    const connecting = connectUntil(haproxy.wsUrl, () => over);
    await cluster.gateways[0]?.signal('SIGKILL');
    await until(() => isIn(haproxy, 'gateway-0', 'DOWN'), 'HAProxy knows');
    await cluster.gateways[0]?.start();
    over = true;
    expect(Object.keys(await connecting)).toEqual(['challenged']);
  });

  test('P-1: has its POST answered with 502, which is not sent again', async () => {
    await using haproxy = await startHaproxy({ gateways: cluster.gateways });
    const ids = [randomUUID(), randomUUID()];
    const posts = await twoPosts(haproxy, ids);
    await cluster.gateways[0]?.signal('SIGKILL');
    expect((await Promise.race(posts)).statusCode).toBe(502);
    await cluster.gateways[0]?.start();
    await until(() => isIn(haproxy, 'gateway-0', 'UP'), 'it is back');
    expect(ids.map((id) => callsFor(cluster, id))).toEqual([1, 1]);
    await cluster.gateways[1]?.signal('SIGKILL');
    expect((await Promise.all(posts)).map(({ statusCode }) => statusCode)).toEqual([502, 502]);
    await cluster.gateways[1]?.start();
    expect(ids.map((id) => callsFor(cluster, id))).toEqual([1, 1]);
  });
});

describe('a gateway that drains', () => {
  test('P-2: gets nobody new, sends its clients away with 1012, and no new connection fails', async () => {
    await using haproxy = await startHaproxy({ gateways: cluster.gateways });
    const users = [await newUser(haproxy), await newUser(haproxy)];
    const codes = users.map(closesOf);
    const runIds = users.map(() => randomUUID());
    for (const [at, user] of users.entries()) await send(user, runIds[at] ?? '', '#tokens 60 #delay 60');
    using _crowd = await idleSockets(cluster.gateways[0]?.wsUrl ?? '', 250); // so that the drain takes 5 s
    let over = false;
    const connecting = connectUntil(haproxy.wsUrl, () => over);
    let gone = false;
    const drained = cluster.gateways[0]?.signal('SIGTERM').finally(() => (gone = true));
    await until(() => isIn(haproxy, 'gateway-0', 'DOWN'), 'HAProxy knows');
    expect(gone).toBe(false); // it was told by the probe, not by a refused connection
    await drained;
    over = true;
    const outcomes = await connecting;
    expect(Object.keys(outcomes)).toEqual(['challenged']);
    expect(outcomes['challenged']).toBeGreaterThan(100);
    for (const [at, user] of users.entries()) expect(shownText(await user.end(runIds[at] ?? ''))).toBe(WORDS);
    expect(codes.flat()).toEqual([1012]); // one of the two was there
    for (const user of users) user.client.close();
    await cluster.gateways[0]?.start();
  });

  test('P-2: is let finish what it answers over HTTP', async () => {
    await using haproxy = await startHaproxy({ gateways: cluster.gateways });
    const answers = [true, false, true, false].map(async (stream) => {
      const body = completion('#tokens 60 #delay 50', stream);
      return await textOf(await ask(`${haproxy.url}/v1/chat/completions`, { token: cluster.token, body }));
    });
    await until(() => callsFor(cluster, '#tokens 60 #delay 50') === 4, 'all are under way');
    await cluster.gateways[0]?.signal('SIGTERM'); // it has two of them
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/t60.*("stop"|\[DONE\])/s);
    await cluster.gateways[0]?.start();
  });
});

describe('an HAProxy that reloads', () => {
  test('P-2: keeps conversations and streams, and no new connection fails', async () => {
    await using haproxy = await startHaproxy({ gateways: cluster.gateways.slice(0, 1) });
    using user = await newUser(haproxy);
    const codes = closesOf(user);
    const stream = await ask(`${haproxy.url}/v1/chat/completions`, {
      token: cluster.token,
      body: completion('#tokens 60 #delay 60', true),
    });
    const streamed = textOf(stream);
    let over = false;
    const connecting = connectUntil(haproxy.wsUrl, () => over);
    for (const gateways of [cluster.gateways, cluster.gateways, cluster.gateways.slice(1)])
      await haproxy.reload(gateways);
    over = true;
    expect(Object.keys(await connecting)).toEqual(['challenged']);
    const runId = randomUUID();
    await send(user, runId, '#echo still there');
    expect(shownText(await user.end(runId))).toBe('still there');
    expect(await streamed).toContain('[DONE]');
    expect(codes).toEqual([]);
    using next = listen(haproxy.wsUrl, cluster.token);
    await next.request('health');
    expect(await metric(haproxy, 'haproxy_server_status')).not.toContain('gateway-0');
  });

  test('P-2: lets go of what is left after hard-stop-after, and the client comes back', async () => {
    const env = { EDGE_HARD_STOP_AFTER: '1s' };
    await using haproxy = await startHaproxy({ gateways: cluster.gateways, env });
    using user = await newUser(haproxy);
    const codes = closesOf(user);
    await haproxy.reload();
    await until(() => codes.length > 0, 'the old worker has ended');
    expect(await user.request('health')).toMatchObject({ ok: true });
    expect(codes).toEqual([1006]);
  });
});

const metric = async (haproxy: Haproxy, name: string): Promise<string> => {
  const text = await (await fetch(`${haproxy.statsUrl}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(name))
    .join('\n');
};

const isIn = async (haproxy: Haproxy, server: string, state: 'UP' | 'DOWN'): Promise<boolean> =>
  (await metric(haproxy, 'haproxy_server_status')).includes(`server="${server}",state="${state}"} 1`);
