/** Starts that cannot succeed: each ends with exit code 1 and says in words what to do. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, test } from 'vitest';
import { startRedis } from '../../support/redis.ts';
import { freePort } from '../../support/ports.ts';
import { ROOT } from '../../support/service-process.ts';

const TOKEN = 'x'.repeat(40);
const SECRET = 's'.repeat(40);
const EXIT_WITHIN_MS = 25_000;

type Exit = Readonly<{ code: number | null; said: string }>;

/** Runs a service until it ends by itself. */
async function run(room: string, env: Readonly<Record<string, string>>): Promise<Exit> {
  const child = spawn(process.execPath, ['--conditions=moltbot-source', `services/${room}/src/main.ts`], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], CLAWDBOT_GATEWAY_TOKEN: TOKEN, INTERNAL_SECRET: SECRET, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: EXIT_WITHIN_MS,
    killSignal: 'SIGKILL',
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => void (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => void (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said };
}

const opened = new AsyncDisposableStack();
afterAll(() => opened.disposeAsync());

async function newDir(config: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'moltbot-bad-start-'));
  opened.defer(() => rm(dir, { recursive: true, force: true }));
  await writeFile(join(dir, 'moltbot.json'), config);
  return dir;
}

/** The one-server product, and whether it left its Redis behind. */
async function standalone(config: string, env: Readonly<Record<string, string>> = {}): Promise<Exit> {
  const dir = await newDir(config);
  const port = String(await freePort());
  const exit = await run('standalone', {
    HOME: dir,
    MOLTBOT_STATE_DIR: dir,
    MOLTBOT_GATEWAY_PORT: port,
    ...env,
  });
  const left = new Redis(join(dir, 'redis', 'redis.sock'), { retryStrategy: () => null, lazyConnect: true });
  left.on('error', () => undefined); // nothing there is what we want to see
  await expect(left.connect(), 'its redis-server has ended with it').rejects.toThrow(
    /ENOENT|ECONNREFUSED|closed/,
  );
  return exit;
}

const LOCAL = '{ gateway: { mode: "local" } }';

describe.concurrent('a start that cannot succeed says what to do:', { timeout: 60_000 }, () => {
  test('no Redis', async () => {
    const dir = await newDir(LOCAL);
    const env = {
      HOME: dir,
      MOLTBOT_CONFIG_PATH: join(dir, 'moltbot.json'),
      REDIS_URL: `unix://${dir}/none.sock`,
    };
    for (const room of ['gateway', 'llm-worker', 'auth']) {
      const { code, said } = await run(room, env);
      expect(said, room).toContain(`no Redis at unix://${dir}/none.sock`);
      expect(said, room).toContain('start one or set REDIS_URL');
      expect(code, room).toBe(1);
    }
  });

  test('no redis-server for one server', async () => {
    const { code, said } = await standalone(LOCAL, { PATH: '/nowhere' });
    expect(said).toContain('apt-get install redis-server');
    expect(code).toBe(1);
  });

  test('a Redis that evicts', async () => {
    await using redis = await startRedis('--maxmemory-policy', 'allkeys-lru');
    const dir = await newDir(LOCAL);
    const env = {
      HOME: dir,
      MOLTBOT_CONFIG_PATH: join(dir, 'moltbot.json'),
      REDIS_URL: `unix://${redis.socket}`,
    };
    for (const room of ['gateway', 'llm-worker', 'session-store', 'auth']) {
      const { code, said } = await run(room, { ...env, SESSION_STORE_PORT: '0', ARCHIVE_DIR: dir });
      expect(said, room).toContain('CONFIG SET maxmemory-policy noeviction');
      expect(code, room).toBe(1);
    }
  });

  test('a busy port', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    opened.defer(() => void other.close());
    const { port } = other.address() as { port: number };
    const { code, said } = await standalone(LOCAL, { MOLTBOT_GATEWAY_PORT: String(port) });
    expect(said).toContain(`port ${port}`);
    expect(said).toContain('another gateway instance is already listening');
    expect(code).toBe(1);
  });

  test('an unset variable', async () => {
    const config = '{ gateway: { mode: "local" }, logging: { file: "${NO_SUCH_VARIABLE}/x.log" } }';
    const { code, said } = await standalone(config);
    expect(said).toContain('Missing env var "NO_SUCH_VARIABLE" referenced at config path: logging.file');
    expect(code).toBe(1);
  });

  test('a file that is no JSON5', async () => {
    const { code, said } = await standalone('{ gateway: { mode: "local" \n oops');
    expect(said).toMatch(/moltbot\.json[^]*JSON5:[^]* 2:\d+/); // file, reason, line and column
    expect(code).toBe(1);
  });

  test('C-1: a short gateway token', async () => {
    const { code, said } = await standalone(LOCAL, { CLAWDBOT_GATEWAY_TOKEN: 'short' });
    expect(said).toContain('at least 32 are required (generate one: openssl rand -hex 32)');
    expect(code).toBe(1);
  });

  test('several wrong variables, all at once', async () => {
    const { code, said } = await run('gateway', {
      REDIS_URL: 'nonsense',
      INTERNAL_SECRET: 'few',
      GATEWAY_DRAIN_MS: 'soon',
    });
    for (const name of ['REDIS_URL', 'INTERNAL_SECRET', 'GATEWAY_DRAIN_MS']) expect(said).toContain(name);
    expect(code).toBe(1);
  });
});
