/** The guide's reverse proxy: a real nginx with our site file in front of a real gateway. */
import { createClient } from '@moltbot/client';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../support/ports.ts';
import { bash, GATEWAY_TOKEN, ROOT, startGuideServer, type GuideServer, type Ran } from './server.ts';

/** As printed in the guide. */
const PRINTED = `server {
    listen 443 ssl http2;
    server_name moltbot.company.com;

    # SSL 配置
    ssl_certificate /etc/letsencrypt/live/moltbot.company.com/fullchain.pem;
    ssl_certificate_key /etc/letsencrypt/live/moltbot.company.com/privkey.pem;
    ssl_protocols TLSv1.2 TLSv1.3;

    # 代理到 Moltbot
    location / {
        proxy_pass http://127.0.0.1:18789;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_to;
        proxy_set_header X-Forwarded-Proto $scheme;
    }
}`;
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`;

/** The certificate of the test is signed by nobody. */
class TrustingSocket extends WebSocket {
  constructor(url: string) {
    super(url, { rejectUnauthorized: false });
  }
}

type Nginx = AsyncDisposable & Readonly<{ host: string }>;

let server: GuideServer;
let folder: string;
let shipped: Nginx;
beforeAll(async () => {
  server = await startGuideServer();
  folder = await mkdtemp(join(tmpdir(), 'moltbot-nginx-'));
  const subject = '-subj /CN=moltbot.company.com -keyout privkey.pem -out fullchain.pem';
  const made = await bash(`cd ${folder} && openssl req -x509 -newkey rsa:2048 -nodes -days 1 ${subject}`, {
    PATH,
  });
  if (made.code !== 0) throw new Error(made.err);
  shipped = await startNginx(await readFile(join(ROOT, 'docs/deploy/nginx.conf'), 'utf8'));
});
afterAll(async () => {
  await shipped[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test('G-14: the site file of the guide is refused by nginx, for a variable that does not exist', async () => {
  const { path } = await settings(PRINTED, 1);
  const { code, err } = await nginx(path, '-t');
  expect(code).toBe(1);
  expect(err).toMatch(/unknown "proxy_add_x_forwarded_to" variable/);
});

test('G-14: with that variable corrected alone, no WebSocket opens', async () => {
  await using printed = await startNginx(PRINTED.replace('forwarded_to', 'forwarded_for'));
  const socket = new TrustingSocket(`wss://${printed.host}`);
  const [error] = (await once(socket, 'error')) as [Error];
  expect(error.message).toMatch(/Unexpected server response: \d+/);
});

test('G-14: through our site file a conversation runs over wss', async () => {
  const client = createClient({
    url: `wss://${shipped.host}`,
    token: GATEWAY_TOKEN,
    client: { id: 'test', mode: 'test', version: '1', platform: 'linux' },
    WebSocket: TrustingSocket,
  });
  const params = { message: '#echo through nginx', sessionKey: 'proxied', idempotencyKey: 'proxied-1' };
  await client.request('agent', params);
  expect(await client.request('agent.wait', { runId: 'proxied-1' })).toMatchObject({ status: 'ok' });
  const { messages } = await client.request<{ messages: { role: string }[] }>('chat.history', {
    sessionKey: 'proxied',
  });
  expect(JSON.stringify(messages)).toContain('through nginx');
  client.close();
});

test('G-14: a streamed answer comes through word by word, not at its end', async () => {
  const body = JSON.stringify({
    model: 'moltbot',
    stream: true,
    messages: [{ role: 'user', content: '#tokens 40 #delay 50' }],
  });
  const response = await post('/v1/chat/completions', body);
  const arrivals: number[] = [];
  for await (const chunk of response)
    if (String(chunk).includes('"content"')) arrivals.push(performance.now());
  expect(arrivals.length).toBeGreaterThan(5);
  expect((arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0)).toBeGreaterThan(500);
});

test('G-14: the log names the address of the client, and metrics need a token from there', async () => {
  const answered = await post('/v1/models', '', 'GET', 'wrong');
  expect(answered.statusCode).toBe(401);
  answered.resume();
  const scraped = await post('/metrics', '', 'GET', 'wrong');
  expect(scraped.statusCode).toBe(401);
  scraped.resume();
  expect(await server.log()).toMatch(/"event":"auth.refused","ip":"127\.0\.0\.2"/);
});

async function post(path: string, body: string, method = 'POST', token = GATEWAY_TOKEN) {
  const [host = '', port = ''] = shipped.host.split(':');
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  // from an address of its own, so that it is told apart from nginx
  const asked = request({
    host,
    port,
    path,
    method,
    headers,
    rejectUnauthorized: false,
    localAddress: '127.0.0.2',
  });
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return response;
}

/** The site file on a port of its own, with the certificate and the gateway of this test. */
async function settings(site: string, port: number): Promise<{ path: string }> {
  const here = server
    .place(site)
    .replace('listen 443', `listen 127.0.0.1:${port}`)
    .replaceAll('/etc/letsencrypt/live/moltbot.company.com', folder);
  const path = join(folder, `nginx-${port}.conf`);
  const main = `daemon off; pid ${folder}/${port}.pid; error_log stderr; events {}`;
  await writeFile(
    path,
    `${main}\nhttp {\naccess_log off;\nclient_body_temp_path ${folder}/body;\nproxy_temp_path ${folder}/proxy;\n${here}\n}`,
  );
  return { path };
}

const nginx = (path: string, option: string): Promise<Ran> => bash(`nginx ${option} -c ${path}`, { PATH });

async function startNginx(site: string): Promise<Nginx> {
  const port = await freePort();
  const { path } = await settings(site, port);
  const child = spawn('nginx', ['-c', path], { env: { PATH }, stdio: 'ignore' });
  const host = `127.0.0.1:${port}`;
  const listens = (): Promise<boolean> =>
    bash(`curl -ksf https://${host}/health`, { PATH }).then(({ code }) => code === 0);
  while (!(await listens()))
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`);
  return {
    host,
    async [Symbol.asyncDispose]() {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    },
  };
}
