/** docs/deploy/nginx.conf and Caddyfile with two gateways, in a real nginx and a real Caddy. */
import { createClient, type MoltbotClient } from '@moltbot/client';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startCluster, type Cluster } from '../../support/cluster.ts';
import { until } from '../../support/people.ts';
import {
  addressOf,
  ask,
  callsFor,
  CLIENT,
  closesOf,
  completion,
  connectUntil,
  FORGED,
  GATEWAY_BEHIND_PROXY,
  idleSockets,
  outcomeOf,
  textOf,
} from './ask.ts';
import { startCaddy, startNginx, type ProxyServer, type StartProxy } from './servers.ts';

const SECRET = 'mbt_secret-in-an-address';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ gateways: 2, workers: 1, config: { gateway: GATEWAY_BEHIND_PROXY } });
});
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
});

/** A client that has been answered once, so that its connection is open. */
async function openClient({ wssUrl }: ProxyServer): Promise<MoltbotClient> {
  const client = createClient({ ...CLIENT, url: wssUrl, token: cluster.token });
  onTestFinished(() => client.close());
  await client.request('health');
  return client;
}

const postTo = ({ httpsUrl }: ProxyServer, body: string, signal?: AbortSignal) =>
  ask(`${httpsUrl}/v1/chat/completions`, { token: cluster.token, body, ...(signal && { signal }) });

/** Every connection that is opened while something happens. */
async function connectingWhile(
  proxy: ProxyServer,
  happens: () => Promise<void>,
): Promise<Record<string, number>> {
  let over = false;
  const connecting = connectUntil(proxy.wssUrl, () => over);
  await happens().finally(() => (over = true));
  return await connecting;
}

async function drainFirst(): Promise<void> {
  const [gateway] = cluster.gateways;
  using _crowd = await idleSockets(gateway?.wsUrl ?? '', 150); // so that the drain takes 3 s
  await gateway?.signal('SIGTERM');
  await gateway?.start();
}

describe.each<[string, StartProxy]>([
  ['nginx', startNginx],
  ['Caddy', startCaddy],
])('%s', (_, start) => {
  let proxy: ProxyServer;
  beforeAll(async () => {
    proxy = await start(cluster.gateways);
  });
  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
  });

  test('P-1: passes a conversation', async () => {
    const client = await openClient(proxy);
    const runId = randomUUID();
    await client.request('agent', { message: '#echo hello', sessionKey: runId, idempotencyKey: runId });
    expect(await client.request('agent.wait', { runId })).toMatchObject({ status: 'ok' });
    expect(JSON.stringify(await client.request('chat.history', { sessionKey: runId }))).toContain(
      '"text":"hello"',
    );
  });

  test('P-1: passes an answer in the words it is made of', async () => {
    const response = await postTo(proxy, completion('#tokens 40 #delay 50', true));
    let arrivals = 0;
    for await (const chunk of response) if (String(chunk).includes('"content"')) arrivals += 1;
    expect(arrivals).toBeGreaterThan(20);
  });

  test('P-1: tells that a client has left, though its answer is not streamed', async () => {
    const id = randomUUID();
    const leaving = new AbortController();
    const asked = postTo(proxy, completion(`${id} #fault endless`), leaving.signal);
    await until(() => outcomeOf(cluster, id) === 'open', 'the call to the provider');
    leaving.abort();
    await expect(asked).rejects.toThrow('aborted');
    await until(() => outcomeOf(cluster, id) === 'aborted', 'the call to the provider has ended');
  });

  test('P-1: lets nobody say that they are somebody else, and logs no secret', async () => {
    const send = (path: string): Promise<unknown> =>
      ask(`${proxy.httpsUrl}${path}?token=${SECRET}`, {
        token: SECRET,
        method: 'GET',
        from: '127.0.0.2',
        headers: { ...FORGED, Referer: `https://moltbot.company.com/?token=${SECRET}` },
      }).then(textOf);
    let sent = '';
    expect(await addressOf(cluster, (path) => send((sent = path)))).toBe('127.0.0.2');
    await until(async () => (await proxy.logs()).includes(sent), 'the request in the access log');
    expect(await proxy.logs()).not.toContain(SECRET);
  });

  test('P-1: sends no POST a second time when a gateway is killed under it', async () => {
    const ids = [randomUUID(), randomUUID()];
    const posts = [];
    for (const id of ids) {
      posts.push(postTo(proxy, completion(`${id} #tokens 2 #delay 60000`)));
      await until(() => outcomeOf(cluster, id) === 'open', 'the call to the provider');
    }
    await cluster.gateways[0]?.signal('SIGKILL');
    expect((await Promise.race(posts)).statusCode).toBe(502); // while the other gateway would take it
    await cluster.gateways[1]?.signal('SIGKILL');
    for (const post of posts) expect((await post).statusCode).toBe(502);
    for (const gateway of cluster.gateways) await gateway.start();
    expect(ids.map((id) => callsFor(cluster, id))).toEqual([1, 1]);
  });
});

describe('nginx and its neighbours that end', () => {
  test('P-2: a gateway that drains costs no new connection', async () => {
    await using proxy = await startNginx(cluster.gateways);
    expect(Object.keys(await connectingWhile(proxy, drainFirst))).toEqual(['challenged']);
  });

  test('P-2: a reload keeps conversations and streams, and costs no new connection', async () => {
    await using proxy = await startNginx(cluster.gateways);
    const client = await openClient(proxy);
    const codes = closesOf({ client });
    const streamed = textOf(await postTo(proxy, completion('#tokens 40 #delay 50', true)));
    const reload = (): Promise<void> => proxy.reload(cluster.gateways.slice(1));
    expect(Object.keys(await connectingWhile(proxy, reload))).toEqual(['challenged']);
    expect(await client.request('health')).toMatchObject({ ok: true });
    expect(await streamed).toContain('[DONE]');
    expect(codes).toEqual([]);
  });
});

describe('Caddy and its neighbours that end', () => {
  test('P-1: a gateway that drains costs a new connection or two a 503, which clients come back from', async () => {
    await using proxy = await startCaddy(cluster.gateways);
    const { challenged = 0, ...failed } = await connectingWhile(proxy, drainFirst);
    expect(challenged).toBeGreaterThan(50);
    expect(Object.keys(failed).every((outcome) => outcome.endsWith('503'))).toBe(true);
    expect(Object.values(failed).reduce((sum, count) => sum + count, 0)).toBeLessThan(challenged / 10);
  });

  test('P-1: a reload ends conversations with 1001 and clients come back; streams go on', async () => {
    await using proxy = await startCaddy(cluster.gateways);
    const client = await openClient(proxy);
    const codes = closesOf({ client });
    const streamed = textOf(await postTo(proxy, completion('#tokens 40 #delay 50', true)));
    await proxy.reload(cluster.gateways.slice(1));
    await until(() => codes.length > 0, 'the connection was closed');
    expect(codes).toEqual([1001]);
    expect(await client.request('health')).toMatchObject({ ok: true });
    expect(await streamed).toContain('[DONE]');
  });
});
