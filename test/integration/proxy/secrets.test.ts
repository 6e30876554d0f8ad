/**
 * What the three proxies write about a request that carries secrets, to all of their logs and outputs. Behind them
 * is a gateway that ends in every way: what a proxy writes when it does is its own.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { startHaproxy } from '../../support/haproxy.ts';
import { until } from '../../support/people.ts';
import { startCaddy, startNginx, type Ports } from './servers.ts';

type Proxy = AsyncDisposable & Readonly<{ httpsUrl: string; logs(): Promise<string> }>;
type Start = (gateways: Ports, edit?: (text: string) => string) => Promise<Proxy>;
type Gateway = Awaited<ReturnType<typeof startGateway>>;

const startHaproxyHere: Start = async (gateways) => {
  const haproxy = await startHaproxy({
    gateways: gateways.map(({ port }, at) => ({ name: `g-${at}`, port })),
  });
  const logs = async (): Promise<string> => await Promise.resolve(haproxy.output());
  return { httpsUrl: haproxy.httpsUrl, logs, [Symbol.asyncDispose]: () => haproxy[Symbol.asyncDispose]() };
};

class Secrets {
  readonly query = `query-${randomUUID()}`;
  readonly bearer = `bearer-${randomUUID()}`;
  readonly cookie = `cookie-${randomUUID()}`;
  readonly referer = `referer-${randomUUID()}`;

  head(line: string, extra = ''): string {
    const referer = `https://moltbot.company.com/?token=${this.referer}`;
    return `${line.replace('?', `?token=${this.query}`)}\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Bearer ${this.bearer}\r\nReferer: ${referer}\r\nCookie: session=${this.cookie}\r\n${extra}\r\n`;
  }

  /** Which of them are written there. */
  in(text: string): string[] {
    return [this.query, this.bearer, this.cookie, this.referer].filter((secret) => text.includes(secret));
  }
}

/** Answers by its path; asked by nobody but a proxy. */
async function startGateway() {
  let draining = false;
  const answers: Record<string, (response: ServerResponse, request: IncomingMessage) => void> = {
    '/half': (response) => void response.writeHead(200).write('the first half'),
    '/half-reset': (response, { socket }) =>
      void response
        .writeHead(200)
        .write('the first half', () => setImmediate(() => socket.resetAndDestroy())),
    '/reset': (_, { socket }) => void socket.resetAndDestroy(),
    '/large': (response) => void response.writeHead(413, { connection: 'close' }).end(),
  };
  const server = createServer((request, response) => {
    const answer = answers[request.url?.split('?')[0] ?? ''];
    if (draining) response.writeHead(503).end();
    else if (answer) answer(response, request);
    else response.end('answered');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return {
    port: (server.address() as AddressInfo).port,
    drain: () => void (draining = true),
    stop,
    [Symbol.dispose]: stop,
  };
}

/** What is answered to these bytes, until the end; or until `leaveAt`, where the client leaves. */
async function tell({ httpsUrl }: Proxy, text: string, leaveAt?: string): Promise<string> {
  const socket = connect({
    host: '127.0.0.1',
    port: Number(new URL(httpsUrl).port),
    rejectUnauthorized: false,
  });
  socket.on('error', () => undefined); // cut while the rest is sent
  socket.write(text);
  let answer = '';
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString();
    if (leaveAt !== undefined && answer.includes(leaveAt)) socket.destroy();
  });
  await once(socket, 'close');
  return answer;
}

type Asked = Readonly<{ proxy: Proxy; gateway: Gateway; secrets: Secrets }>;
type Case = readonly [
  name: string,
  path: RegExp | undefined,
  happens: (asked: Asked) => Promise<string>,
  answer: RegExp,
];

/** Often enough that a proxy gives the gateway up and says so, too. */
async function often({ proxy, secrets }: Asked, path: string): Promise<string> {
  const ask = async (): Promise<string> => await tell(proxy, secrets.head(`GET ${path}? HTTP/1.1`));
  await ask();
  await Promise.all(Array.from({ length: 6 }, ask));
  return await ask();
}

const CASES: readonly Case[] = [
  [
    'asks for a host that is not served',
    /\/elsewhere/,
    async ({ proxy, secrets }) => {
      const head = secrets.head('GET /elsewhere? HTTP/1.1');
      return await tell(proxy, head.replace('Host: 127.0.0.1', 'Host: elsewhere.test'));
    },
    / 200 /,
  ],
  [
    'is answered',
    /\/answered/,
    async ({ proxy, secrets }) => await tell(proxy, secrets.head('GET /answered? HTTP/1.1')),
    / 200 /,
  ],
  [
    'meets a gateway that is down',
    /\/down/,
    async (asked) => {
      asked.gateway.stop();
      return await often(asked, '/down');
    },
    / 50[23] /,
  ],
  [
    'meets a gateway that drains',
    /\/drains/,
    async (asked) => {
      asked.gateway.drain();
      return await often(asked, '/drains');
    },
    / 50[23] /,
  ],
  ['meets a gateway that resets', /\/reset/, async (asked) => await often(asked, '/reset'), / 50[23] /],
  [
    'is cut by the gateway in mid-answer',
    /\/half-reset/,
    async (asked) => await often(asked, '/half-reset'),
    / 200 |^$| 50[23] /,
  ],
  [
    'is left by its client in mid-answer',
    /\/half/,
    async ({ proxy, secrets }) => await tell(proxy, secrets.head('GET /half? HTTP/1.1'), 'the first half'),
    / 200 /,
  ],
  [
    'has too large a body',
    /\/large/,
    async ({ proxy, secrets }) =>
      await tell(proxy, secrets.head('POST /large? HTTP/1.1', 'Content-Length: 30000000\r\n'), ' 413 '),
    / 413 /,
  ],
  [
    'has too large a header',
    undefined,
    async ({ proxy, secrets }) =>
      await tell(
        proxy,
        secrets.head('GET /long? HTTP/1.1', `Cookie: c=${secrets.cookie}${'x'.repeat(1_200_000)}\r\n`),
      ),
    / 4\d\d |^$/,
  ],
  [
    'has a version that does not exist',
    undefined,
    async ({ proxy, secrets }) => await tell(proxy, secrets.head('GET /bad? HTTP/9.x')),
    / (400|505) /,
  ],
  [
    'has a method that does not exist',
    undefined,
    async ({ proxy, secrets }) => await tell(proxy, secrets.head('G{}T /bad? HTTP/1.1')),
    / 400 /,
  ],
];

describe.each<[string, Start, RegExp]>([
  ['HAProxy', startHaproxyHere, /<BADREQ>/],
  ['nginx', startNginx, / (400|505) /],
  ['Caddy', startCaddy, /^/], // writes nothing about what it could not read
])('no secret is in what %s writes about a request that', (_, start, unread) => {
  test.each(CASES)('P-1: %s', async (_name, path, happens, answer) => {
    using gateway = await startGateway();
    await using proxy = await start([gateway, gateway]);
    const secrets = new Secrets();
    expect(await happens({ proxy, gateway, secrets })).toMatch(answer);
    const written = async (text: RegExp): Promise<boolean> => text.test(await proxy.logs());
    await until(() => written(path ?? unread), 'the request in the access log');
    await tell(proxy, secrets.head('GET /last? HTTP/1.1'));
    await until(() => written(/\/last/), 'the last request in the access log');
    expect(secrets.in(await proxy.logs())).toEqual([]);
  });
});

test('P-1: nor in what nginx writes when its disk fails it, which is worse than an error to it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'moltbot-nginx-body-'));
  using gateway = await startGateway();
  const edit = (text: string): string =>
    text.replace(
      'client_max_body_size 25m;',
      `client_max_body_size 25m; client_body_temp_path ${folder}/body;`,
    );
  await using proxy = await startNginx([gateway], edit);
  await rm(folder, { recursive: true });
  const secrets = new Secrets();
  const head = secrets.head('POST /kept? HTTP/1.1', 'Content-Length: 1000000\r\n');
  expect(await tell(proxy, `${head}${'x'.repeat(1_000_000)}`)).toMatch(/ 500 /);
  await until(async () => (await proxy.logs()).includes('/kept'), 'the request in the access log');
  expect(secrets.in(await proxy.logs())).toEqual([]);
});
