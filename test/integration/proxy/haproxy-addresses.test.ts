/** Who the client is, as the gateways learn it through HAProxy: the address a lockout and the log go by. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect as connectTcp, type AddressInfo, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCluster, type Cluster } from '../../support/cluster.ts';
import { startHaproxy, type Haproxy } from '../../support/haproxy.ts';
import { addressOf, ask, FORGED, GATEWAY_BEHIND_PROXY, textOf } from './ask.ts';

const FRONT = '127.0.0.77';

let cluster: Cluster;
let haproxy: Haproxy;
beforeAll(async () => {
  cluster = await startCluster({ gateways: 1, workers: 1, config: { gateway: GATEWAY_BEHIND_PROXY } });
  haproxy = await startHaproxy({
    gateways: cluster.gateways,
    env: { EDGE_TRUSTED_PROXIES: `${FRONT} fd00::/8` },
  });
});
afterAll(async () => {
  await haproxy?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

const wrong = (url: string, from: string, headers: Record<string, string>) => (path: string) =>
  ask(`${url}${path}`, { token: 'wrong', method: 'GET', from, headers });

test.each(['url', 'httpsUrl'] as const)(
  'P-1: a client cannot say that it is somebody else (%s)',
  async (door) => {
    expect(await addressOf(cluster, wrong(haproxy[door], '127.0.0.2', {}))).toBe('127.0.0.2');
    expect(await addressOf(cluster, wrong(haproxy[door], '127.0.0.2', FORGED))).toBe('127.0.0.2');
  },
);

test('P-1: what a gateway is told is what HAProxy saw, and nothing that a client said', async () => {
  await using told = await startEcho();
  await using proxy = await startHaproxy({ gateways: [{ name: 'echo', port: told.port }] });
  for (const [url, proto] of [
    [proxy.url, 'http'],
    [proxy.httpsUrl, 'https'],
  ] as const) {
    const response = await ask(url, { token: 'any', method: 'GET', from: '127.0.0.2', headers: FORGED });
    const headers = JSON.parse(await textOf(response)) as Record<string, string>;
    expect(headers).toMatchObject({ 'x-forwarded-for': '127.0.0.2', 'x-forwarded-proto': proto });
    expect(Object.keys(headers).filter((name) => name === 'x-real-ip' || name === 'forwarded')).toEqual([]);
  }
});

test('P-1: nor that it is on the machine itself, where metrics need no token', async () => {
  const headers = { 'X-Forwarded-For': '127.0.0.1' };
  const question = { token: 'wrong', method: 'GET', headers } as const;
  expect((await ask(`${haproxy.url}/metrics`, { ...question, from: '127.0.0.2' })).statusCode).toBe(401);
  expect(
    (await ask(`${cluster.gateways[0]?.url}/metrics`, { ...question, from: '127.0.0.3' })).statusCode,
  ).toBe(401);
});

test('P-1: a gateway that is reached past HAProxy does not believe it either', async () => {
  const url = cluster.gateways[0]?.url ?? '';
  expect(await addressOf(cluster, wrong(url, '127.0.0.3', FORGED))).toBe('127.0.0.3');
});

test('P-1: a proxy in front that is named is believed, up to what it was told itself', async () => {
  const told = { 'X-Forwarded-For': '10.9.9.9, 203.0.113.7' };
  expect(await addressOf(cluster, wrong(haproxy.url, FRONT, told))).toBe('203.0.113.7');
});

test('P-1: with the PROXY protocol the client is who it says, and nobody enters without it', async () => {
  await using behind = await startHaproxy({ gateways: cluster.gateways, acceptProxy: true });
  const said = 'PROXY TCP4 203.0.113.9 127.0.0.1 40000 443\r\n';
  const plain = (path: string): Promise<unknown> => {
    const socket = connectTcp(behind.port, '127.0.0.1');
    socket.write(said);
    return talk(socket, path);
  };
  expect(await addressOf(cluster, plain)).toBe('203.0.113.9');
  const inTls = async (path: string): Promise<unknown> => {
    const socket = connectTcp(behind.httpsPort, '127.0.0.1');
    socket.write(said);
    return await talk(connectTls({ socket, rejectUnauthorized: false }), path);
  };
  expect(await addressOf(cluster, inTls)).toBe('203.0.113.9');
  const without = talk(connectTcp(behind.port, '127.0.0.1'), '/v1/models');
  expect(await without).not.toContain('HTTP/1.1 401');
});

/** A request by hand, and everything that was answered until the end of the connection. */
async function talk(socket: Socket, path: string): Promise<string> {
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  socket.on('error', () => undefined); // refused is an answer, too
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: moltbot.company.com\r\nAuthorization: Bearer wrong\r\nConnection: close\r\n\r\n`,
  );
  await new Promise((resolve) => socket.once('close', resolve));
  return answer;
}

/** Stands where a gateway would, and answers with the headers of the request. */
async function startEcho(): Promise<AsyncDisposable & { port: number }> {
  const server = createServer((request, response) => response.end(JSON.stringify(request.headers)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
