import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../support/ports.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const READY_WITHIN_MS = 60_000;
const POLL_MS = 100;

export const TOKEN = 'browser-test-token-browser-test-token-01';
export const SHOTS = join(ROOT, 'test-results', 'browser');

export type Product = AsyncDisposable & {
  readonly url: string;
  stop(): Promise<void>;
  start(): Promise<void>;
};

/** The product as one person starts it: every service, its own Redis and the demo model. */
export async function startProduct(): Promise<Product> {
  await buildPage();
  await mkdir(SHOTS, { recursive: true });
  const stateDir = await mkdtemp(join(tmpdir(), 'moltbot-browser-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  let running: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    if (!running || running.exitCode !== null) return;
    const exited = once(running, 'exit');
    running.kill('SIGTERM');
    await exited;
    running = undefined;
  };
  const start = async (): Promise<void> => {
    running = spawnProduct({ ...process.env, ...settings(stateDir, port) });
    await untilReady(url, running);
  };
  await start();
  return {
    url,
    stop,
    start,
    [Symbol.asyncDispose]: async () => {
      await stop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

function settings(stateDir: string, port: number): NodeJS.ProcessEnv {
  return {
    MOLTBOT_STATE_DIR: stateDir,
    MOLTBOT_GATEWAY_PORT: String(port),
    CLAWDBOT_GATEWAY_TOKEN: TOKEN,
    ANTHROPIC_API_KEY: '',
    NODE_ENV: 'production',
  };
}

function spawnProduct(env: NodeJS.ProcessEnv): ChildProcess {
  const main = join(ROOT, 'services/standalone/src/main.ts');
  return spawn(process.execPath, ['--conditions=moltbot-source', main], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  const deadlineMs = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadlineMs && child.exitCode === null) {
    const answer = await fetch(new URL('readyz', url)).catch(() => undefined);
    if (answer?.status === 200) return;
    await pause(POLL_MS);
  }
  child.kill('SIGKILL');
  throw new Error(`the product did not become ready:\n${said.join('').slice(-4_000)}`);
}

let built: Promise<void> | undefined;

/** The gateway serves what was built, and a test of yesterday's page proves nothing. */
export function buildPage(): Promise<void> {
  built ??= (async () => {
    const vite = join(ROOT, 'packages/web/node_modules/vite/bin/vite.js');
    const child = spawn(process.execPath, [vite, 'build', '--logLevel', 'error'], {
      cwd: join(ROOT, 'packages/web'),
      // vitest says NODE_ENV=test, which would build React's development version
      env: { ...process.env, NODE_ENV: 'production' },
      stdio: 'inherit',
    });
    const [code] = (await once(child, 'exit')) as [number];
    if (code !== 0) throw new Error('the page cannot be built');
  })();
  return built;
}
