/** Connections on which nothing is said for longer than a proxy waits, through each of the three. */
import { createClient } from '@moltbot/client';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCluster, type Cluster } from '../../support/cluster.ts';
import { startHaproxy } from '../../support/haproxy.ts';
import { listen, newPerson, until } from '../../support/people.ts';
import { ask, CLIENT, closesOf, completion, GATEWAY_BEHIND_PROXY, textOf } from './ask.ts';
import { startCaddy, startNginx, type ProxyServer } from './servers.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ gateways: 2, workers: 1, config: { gateway: GATEWAY_BEHIND_PROXY } });
});
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
});

/** Not whoever asks over HTTP: people hear of their own requests on each of their connections. */
async function somebodyElse(): Promise<string> {
  using admin = listen(cluster.gateways[0]?.wsUrl ?? '', cluster.token);
  return (await newPerson(admin, `u-${randomUUID().slice(0, 8)}`)).token;
}

describe.concurrent('HAProxy', () => {
  const SHORT = { EDGE_TIMEOUT_CLIENT: '1s', EDGE_TIMEOUT_SERVER: '1s' };

  test('P-1: an idle WebSocket does not know those of requests', async () => {
    await using short = await startHaproxy({ gateways: cluster.gateways, env: SHORT });
    using user = listen(short.wsUrl, await somebodyElse());
    await user.request('health');
    const states: string[] = [];
    user.client.on('state', ({ status }) => states.push(status));
    for (const _ of [1, 2]) {
      const slow = completion('#tokens 2 #delay 10000');
      const question = { token: cluster.token, body: slow };
      expect((await ask(`${short.url}/v1/chat/completions`, question)).statusCode).toBe(504);
    }
    await user.request('health');
    expect(states).toEqual([]);
  });

  test('P-1: an idle WebSocket knows that of tunnels, and its client comes back', async () => {
    await using short = await startHaproxy({
      gateways: cluster.gateways,
      env: { EDGE_TIMEOUT_TUNNEL: '1s' },
    });
    using user = listen(short.wsUrl, cluster.token);
    await user.request('health');
    const codes: (number | undefined)[] = [];
    user.client.on('state', ({ closeCode }) => codes.push(closeCode));
    await until(() => codes.includes(1006), 'the connection was cut');
    expect(await user.request('health')).toMatchObject({ ok: true });
  });

  test('P-1: a stream whose model thinks for longer is kept by the heartbeat', async () => {
    const env = { EDGE_TIMEOUT_CLIENT: '18s', EDGE_TIMEOUT_SERVER: '18s' };
    await using short = await startHaproxy({ gateways: cluster.gateways, env });
    const response = await ask(`${short.url}/v1/chat/completions`, {
      token: cluster.token,
      body: completion('#tokens 2 #delay 20000', true),
    });
    const text = await textOf(response);
    expect(text.split(': keep-alive').length).toBeGreaterThanOrEqual(3); // after 15 s and 30 s
    expect(text).toContain('[DONE]');
  });
});

describe.concurrent('an idle WebSocket and a stream whose model thinks', () => {
  test('P-1: pass nginx, whose timeout is for both', async () => {
    // longer than the 30 s between two words of the gateway, shorter than what the model takes
    const edit = (text: string): string => text.replace('proxy_read_timeout 1h', 'proxy_read_timeout 34s');
    await using proxy = await startNginx(cluster.gateways, edit);
    expect(await codesWhileIdle(proxy)).toEqual([]);
  });

  test('P-1: pass Caddy, which has none', async () => {
    await using proxy = await startCaddy(cluster.gateways);
    expect(await codesWhileIdle(proxy)).toEqual([]);
  });
});

/** Of the WebSocket; the stream has to come to its end. */
async function codesWhileIdle({ wssUrl, httpsUrl }: ProxyServer): Promise<(number | undefined)[]> {
  const client = createClient({ ...CLIENT, url: wssUrl, token: await somebodyElse() });
  await client.request('health');
  const codes = closesOf({ client });
  const body = completion('#tokens 1 #delay 42000', true);
  const response = await ask(`${httpsUrl}/v1/chat/completions`, { token: cluster.token, body });
  expect(await textOf(response)).toContain('[DONE]');
  expect(await client.request('health')).toMatchObject({ ok: true });
  client.close();
  return codes;
}
