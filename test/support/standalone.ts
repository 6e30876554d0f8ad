/**
 * The product as `npm start` runs it, in a process, a state folder and a Redis of its own. Without
 * `models` in its configuration it answers from the demo model it brings along.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MAIN = join(ROOT, 'services/standalone/src/main.ts');
const READY_WITHIN_MS = 60_000;
const GONE_WITHIN_MS = 70_000; // it may drain for a minute
const POLL_MS = 50;

export type StandaloneOptions = Readonly<{
  /** Top-level blocks of moltbot.json, beside or instead of the ones below. */
  config?: Readonly<Record<string, unknown>>;
  env?: Readonly<Record<string, string>>;
  /** A folder of an earlier run; without one there is a new folder, removed at the end. */
  stateDir?: string;
}>;

export type Standalone = AsyncDisposable &
  Readonly<{
    url: string;
    wsUrl: string;
    token: string;
    stateDir: string;
    pid: number;
    /** Ends it without a farewell, as a crash would. */
    kill(): Promise<void>;
    /** What it wrote to its outputs lately. */
    output(): string;
  }>;

/** The two HTTP doors are shut unless the configuration opens them. */
const GATEWAY = {
  mode: 'local',
  http: { endpoints: { chatCompletions: { enabled: true }, responses: { enabled: true } } },
};

export async function startStandalone(options: StandaloneOptions = {}): Promise<Standalone> {
  await using started = new AsyncDisposableStack();
  const stateDir = options.stateDir ?? (await mkdtemp(join(tmpdir(), 'moltbot-standalone-')));
  if (options.stateDir === undefined) started.defer(() => rm(stateDir, { recursive: true, force: true }));
  await writeFile(join(stateDir, 'moltbot.json'), JSON.stringify({ gateway: GATEWAY, ...options.config }));

  const port = await freePort();
  const token = 'integration-test-token-'.padEnd(40, '0123456789');
  const url = `http://127.0.0.1:${port}`;
  const { child, output } = launch({
    MOLTBOT_STATE_DIR: stateDir,
    HOME: stateDir,
    MOLTBOT_GATEWAY_PORT: String(port),
    CLAWDBOT_GATEWAY_TOKEN: token,
    ...options.env,
  });
  started.defer(() => end(child, 'SIGTERM'));
  await untilReady(url, child, output);

  const owned = started.move();
  return {
    url,
    wsUrl: url.replace(/^http/, 'ws'),
    token,
    stateDir,
    pid: child.pid ?? 0,
    kill: () => end(child, 'SIGKILL'),
    output,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function launch(env: Readonly<Record<string, string>>): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, ['--conditions=moltbot-source', MAIN], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const keep = (chunk: Buffer): void => {
    said = (said + chunk.toString()).slice(-20_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  return { child, output: () => said };
}

async function untilReady(url: string, child: ChildProcess, output: () => string): Promise<void> {
  const deadlineMs = Date.now() + READY_WITHIN_MS;
  while (!(await isReady(url))) {
    if (child.exitCode !== null || Date.now() > deadlineMs)
      throw new Error(`the product did not become ready; its last words:\n${output()}`);
    await delay(POLL_MS);
  }
}

async function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/readyz`).then(
    (response) => response.ok,
    () => false, // nothing listens yet
  );
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
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
