/** docs/deploy/haproxy.cfg in a real HAProxy, in front of two real gateways: what passes, and what does not. */
import { createClient } from '@moltbot/client';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCluster, type Cluster } from '../../support/cluster.ts';
import { startHaproxy, type Haproxy } from '../../support/haproxy.ts';
import { listen, until } from '../../support/people.ts';
import { ask, CLIENT, completion, GATEWAY_BEHIND_PROXY, outcomeOf, textOf } from './ask.ts';

let cluster: Cluster;
let haproxy: Haproxy;
beforeAll(async () => {
  cluster = await startCluster({ gateways: 2, workers: 1, config: { gateway: GATEWAY_BEHIND_PROXY } });
  haproxy = await startHaproxy({ gateways: cluster.gateways });
});
afterAll(async () => {
  await haproxy?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

describe('what passes HAProxy', () => {
  test('P-1: a conversation over wss', async () => {
    const client = createClient({ ...CLIENT, url: haproxy.wssUrl, token: cluster.token });
    const params = { message: '#echo hello', sessionKey: 'tls', idempotencyKey: 'tls-1' };
    await client.request('agent', params);
    expect(await client.request('agent.wait', { runId: 'tls-1' })).toMatchObject({ status: 'ok' });
    const history = await client.request('chat.history', { sessionKey: 'tls' });
    expect(JSON.stringify(history)).toContain('"text":"hello"');
    client.close();
  });

  test('P-1: a WebSocket that a browser opens inside its HTTP/2 connection', async () => {
    const session = connectHttp2(haproxy.httpsUrl, { rejectUnauthorized: false });
    await once(session, 'remoteSettings');
    expect(session.remoteSettings.enableConnectProtocol).toBe(true);
    const stream = session.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': '/',
      'sec-websocket-version': '13',
    });
    const [headers] = (await once(stream, 'response')) as [{ ':status': number }];
    expect(headers[':status']).toBe(200);
    const [frame] = (await once(stream, 'data')) as [Buffer];
    expect(String(frame)).toContain('connect.challenge');
    stream.close();
    session.close();
  });

  test('P-1: an answer in the words it is made of, not in bundles', async () => {
    const response = await ask(`${haproxy.url}/v1/chat/completions`, {
      token: cluster.token,
      body: completion('#tokens 40 #delay 50', true),
    });
    let arrivals = 0;
    for await (const chunk of response) if (String(chunk).includes('"content"')) arrivals += 1;
    expect(arrivals).toBeGreaterThan(20); // ten without http-no-delay; TLS never waits
  });

  test('P-1: a body of the size that the gateway allows', async () => {
    const body = completion(`#echo long ${'x'.repeat(900_000)}`);
    const { statusCode } = await ask(`${haproxy.url}/v1/chat/completions`, { token: cluster.token, body });
    expect(statusCode).toBe(200);
  });

  test('P-1: that a client has left, though its answer is not streamed', async () => {
    const id = randomUUID();
    const leaving = new AbortController();
    const asked = ask(`${haproxy.url}/v1/chat/completions`, {
      token: cluster.token,
      body: completion(`${id} #fault endless`),
      signal: leaving.signal,
    });
    await until(() => outcomeOf(cluster, id) === 'open', 'the call to the provider');
    leaving.abort();
    await expect(asked).rejects.toThrow('aborted');
    await until(() => outcomeOf(cluster, id) === 'aborted', 'the call to the provider has ended');
  });
});

test('P-1: a request that never says what it wants is turned away', async () => {
  await using short = await startHaproxy({
    gateways: cluster.gateways,
    env: { EDGE_TIMEOUT_HTTP_REQUEST: '500ms' },
  });
  const socket = connectTcp(short.port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: moltbot.company.com\r\nX-Slow: ');
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  await once(socket, 'close');
  expect(answer).toMatch(/^HTTP\/1.1 408 /);
});

test('P-1: the access log holds the path and no secret', async () => {
  const secret = 'mbt_secret-in-an-address';
  const paths = [`/?token=${secret}`, `/v1/models?token=${secret}`, `/chat?token=${secret}`];
  for (const path of paths)
    await ask(`${haproxy.httpsUrl}${path}`, { token: secret, method: 'GET' }).then(textOf);
  using user = listen(`${haproxy.wsUrl}/inside?token=${secret}`, cluster.token);
  await user.request('health');
  user.client.close();
  await until(() => haproxy.output().includes(' GET /inside'), 'the WebSocket in the log');
  expect(haproxy.output()).toMatch(
    /^127\.0\.0\.1:\d+ https~ gateways\/gateway-\d \S+ 401 .* GET \/v1\/models$/m,
  );
  expect(haproxy.output()).not.toContain(secret);
  expect(haproxy.output()).not.toContain(cluster.token);
});

test('P-1: metrics and state are on a port of their own', async () => {
  const metrics = await fetch(`${haproxy.statsUrl}/metrics`);
  expect(await metrics.text()).toMatch(
    /haproxy_server_status\{proxy="gateways",server="gateway-0",state="UP"\} 1/,
  );
  expect((await fetch(`${haproxy.statsUrl}/`)).status).toBe(200);
  const outside = await ask(`${haproxy.url}/metrics`, { token: 'none', method: 'GET', from: '127.0.0.2' });
  expect(outside.statusCode).toBe(401);
});
