/** Gateways around one Redis, each with a configuration file of its own, as on hosts that share no disk. */
import { readFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { listen, type Listener } from '../../support/people.ts';
import { startRedis } from '../../support/redis.ts';
import { freePort } from '../../support/ports.ts';
import { service, type Program } from '../../support/service-process.ts';

export type Snapshot = Readonly<{
  raw: string;
  hash: string;
  valid: boolean;
  config: Readonly<{ session: Readonly<{ mainKey: string }>; logging: Readonly<{ level: string }> }>;
}>;

export type Replica = Program &
  Readonly<{
    url: string;
    /** A folder that is this replica's alone. */
    dir: string;
    get(): Promise<Snapshot>;
    /** config.patch on what config.get shows now. */
    patch(change: unknown): Promise<unknown>;
    readFile(): Promise<string>;
    writeFile(text: string): Promise<void>;
  }>;

export type Replicas = AsyncDisposable &
  Readonly<{ redis: Redis; add(text: string, env?: Readonly<Record<string, string>>): Promise<Replica> }>;

const TOKEN = 'replica-test-token-'.padEnd(40, '0123456789');

export async function openReplicas(): Promise<Replicas> {
  await using started = new AsyncDisposableStack();
  const server = started.use(await startRedis());
  const root = await mkdtemp(join(tmpdir(), 'moltbot-replicas-'));
  started.defer(() => rm(root, { recursive: true, force: true }));
  const redis = new Redis(server.socket);
  started.defer(() => redis.disconnect());
  let count = 0;
  const owned = started.move();
  return {
    redis,
    add: async (text, env = {}) => {
      count += 1;
      const dir = join(root, String(count));
      await mkdir(dir);
      const port = await freePort();
      const made = replica(dir, port, { REDIS_URL: `unix://${server.socket}`, ...env });
      await made.writeFile(text);
      owned.use(made);
      await made.start();
      return made;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function replica(dir: string, port: number, env: Readonly<Record<string, string>>): Replica {
  const path = join(dir, 'moltbot.json');
  const url = `http://127.0.0.1:${port}`;
  const process = service('gateway', dir, url, {
    HOME: dir,
    MOLTBOT_CONFIG_PATH: path,
    MOLTBOT_GATEWAY_PORT: String(port),
    MOLTBOT_GATEWAY_HOST: '127.0.0.1',
    CLAWDBOT_GATEWAY_TOKEN: TOKEN,
    ...env,
  });
  const asked = async <T>(ask: (listener: Listener) => Promise<T>): Promise<T> => {
    using listener = listen(url.replace(/^http/, 'ws'), TOKEN);
    return await ask(listener);
  };
  const get = (): Promise<Snapshot> => asked((listener) => listener.request<Snapshot>('config.get', {}));
  return {
    ...process,
    url,
    dir,
    get,
    patch: async (change) => {
      const { hash: baseHash } = await get();
      return await asked((listener) =>
        listener.request('config.patch', { raw: JSON.stringify(change), baseHash }),
      );
    },
    readFile: async () => await readFile(path, 'utf8'),
    writeFile: async (text) => await writeFile(path, text),
  };
}
