/**
 * The product as a person starts it on one machine: its own process, state folder, Redis and demo
 * model. With MOLTBOT_TARGET_URL and MOLTBOT_TARGET_TOKEN the tests face that gateway instead.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const READY_WITHIN_MS = 60_000;
const GONE_WITHIN_MS = 40_000;

/** What a company's moltbot.json holds at least: the two HTTP doors are shut unless it opens them. */
const CONFIG = {
  gateway: {
    mode: 'local',
    http: { endpoints: { chatCompletions: { enabled: true }, responses: { enabled: true } } },
  },
};

export type Product = AsyncDisposable &
  Readonly<{
    httpUrl: string;
    wsUrl: string;
    port: number;
    token: string;
    /** Ends the process and starts it again on the same port and the same state. */
    restart(): Promise<void>;
  }>;

export async function startProduct(): Promise<Product> {
  const given = process.env['MOLTBOT_TARGET_URL'];
  return given === undefined ? startStandalone() : existing(new URL(given));
}

async function startStandalone(): Promise<Product> {
  await using started = new AsyncDisposableStack();
  const stateDir = await mkdtemp(join(tmpdir(), 'moltbot-clients-'));
  started.defer(() => rm(stateDir, { recursive: true, force: true }));
  await writeFile(join(stateDir, 'moltbot.json'), JSON.stringify(CONFIG));

  const port = await freePort();
  const token = 'clients-test-token-'.padEnd(48, '0123456789');
  const run = (): Promise<ChildProcess> => runStandalone({ stateDir, port, token });
  let child = await run();
  started.defer(() => stop(child));

  const owned = started.move();
  return {
    ...addresses(new URL(`http://127.0.0.1:${port}`), token),
    async restart() {
      await stop(child);
      child = await run();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function existing(url: URL): Product {
  return {
    ...addresses(url, process.env['MOLTBOT_TARGET_TOKEN'] ?? ''),
    restart: () => Promise.reject(new Error('a gateway given by MOLTBOT_TARGET_URL cannot be restarted')),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function addresses(url: URL, token: string): Pick<Product, 'httpUrl' | 'wsUrl' | 'port' | 'token'> {
  return {
    httpUrl: url.origin,
    wsUrl: url.origin.replace(/^http/, 'ws'),
    port: Number(url.port),
    token,
  };
}

type Settings = Readonly<{ stateDir: string; port: number; token: string }>;

async function runStandalone({ stateDir, port, token }: Settings): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    ['--conditions=moltbot-source', join(ROOT, 'services/standalone/src/main.ts')],
    {
      cwd: ROOT,
      env: {
        PATH: process.env['PATH'],
        HOME: stateDir,
        MOLTBOT_STATE_DIR: stateDir,
        MOLTBOT_GATEWAY_PORT: String(port),
        CLAWDBOT_GATEWAY_TOKEN: token,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let said = '';
  const keep = (chunk: Buffer): string => (said = (said + chunk.toString()).slice(-8_000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const deadlineMs = Date.now() + READY_WITHIN_MS;
  while (!(await answers(`http://127.0.0.1:${port}/readyz`))) {
    if (child.exitCode !== null || Date.now() > deadlineMs) {
      await stop(child);
      throw new Error(`the product did not become ready; its last words:\n${said}`);
    }
    await delay(100);
  }
  return child;
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    (response) => response.ok,
    () => false,
  );
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), GONE_WITHIN_MS);
  await gone;
  clearTimeout(late);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
