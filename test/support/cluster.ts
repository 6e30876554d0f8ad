/**
 * The product as separate processes, the way a cluster runs it: gateways, workers, stores and one
 * auth service around a single Redis that syncs every write. Each of them can be killed, frozen and
 * started again. The model is the demo model, in this process, so that a test sees what it was asked.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDemoModel, type DemoModel } from '@moltbot/demo-model';
import { redisOptions } from '@moltbot/shared/redis';
import { Redis } from 'ioredis';
import { freePort } from './ports.ts';
import { program, service, type Program } from './service-process.ts';

export type ClusterOptions = Readonly<{
  gateways?: number;
  workers?: number;
  stores?: number;
  /** Top-level blocks of moltbot.json, beside or instead of the ones below; may need the model's address. */
  config?: Readonly<Record<string, unknown>> | ((modelUrl: string) => Record<string, unknown>);
  /** For every process. */
  env?: Readonly<Record<string, string>>;
}>;

export type Gateway = Program & Readonly<{ url: string; wsUrl: string; port: number }>;

export type Cluster = ClusterOn & Readonly<{ redisServer: Program }>;

export type ClusterOn = AsyncDisposable &
  Readonly<{
    token: string;
    internalSecret: string;
    gateways: readonly Gateway[];
    /** Named as in a session's lease: `worker-0`, … */
    workers: readonly Program[];
    stores: readonly (Program & Readonly<{ url: string }>)[];
    redisUrl: string;
    /** A connection for looking; it survives restarts of the server. */
    redis: Redis;
    model: DemoModel;
    archiveDir: string;
    configPath: string;
    /** What every process said lately, for a failure's message. */
    output(): string;
  }>;

const TOKEN = 'cluster-test-token-'.padEnd(40, '0123456789');
const SECRET = 'cluster-test-internal-secret-'.padEnd(40, '0123456789');
const GATEWAY = {
  mode: 'local',
  http: { endpoints: { chatCompletions: { enabled: true }, responses: { enabled: true } } },
};
const MODEL = { id: 'demo-1', name: 'Demo', input: ['text', 'image'], reasoning: true, maxTokens: 64_000 };

export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  await using started = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), 'moltbot-redis-'));
  started.defer(() => rm(dir, { recursive: true, force: true }));
  const redisServer = started.use(redisProgram(dir));
  await redisServer.start();
  const cluster = started.use(await startClusterOn(`unix://${join(dir, 'redis.sock')}`, options));
  const owned = started.move();
  return { ...cluster, redisServer, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** The same around a Redis that the caller has started. */
export async function startClusterOn(redisUrl: string, options: ClusterOptions = {}): Promise<ClusterOn> {
  const { gateways = 2, workers = 2, stores = 1 } = options;
  await using started = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), 'moltbot-cluster-'));
  started.defer(() => rm(dir, { recursive: true, force: true }));
  const model = started.use(await startDemoModel());
  const configPath = join(dir, 'moltbot.json');
  const blocks = typeof options.config === 'function' ? options.config(model.baseUrl) : options.config;
  await writeFile(configPath, JSON.stringify({ ...defaultConfig(model.baseUrl), ...blocks }));

  const redis = new Redis(redisOptions({ url: redisUrl, name: 'test' }, 'background'));
  redis.on('error', () => undefined); // tests kill the server; the connection comes back with it
  started.defer(() => redis.disconnect());

  const archiveDir = join(dir, 'sessions');
  const [authPort, ...storePorts] = await freePorts(1 + stores);
  const addresses = { AUTH_URL: local(authPort), SESSION_STORE_URL: local(storePorts[0]) };
  const env = {
    HOME: dir,
    REDIS_URL: redisUrl,
    INTERNAL_SECRET: SECRET,
    MOLTBOT_CONFIG_PATH: configPath,
    CLAWDBOT_GATEWAY_TOKEN: TOKEN,
    ...addresses,
    ...options.env,
  };
  const auth = service('auth', 'auth', local(authPort), { ...env, AUTH_PORT: String(authPort) });
  const made = {
    stores: storePorts.map((port, at) => ({
      url: local(port),
      ...service('session-store', `store-${at}`, local(port), {
        ...env,
        SESSION_STORE_PORT: String(port),
        ARCHIVE_DIR: archiveDir,
        SHARD_LEASE_MS: '2000',
      }),
    })),
    workers: (await freePorts(workers)).map((port, at) =>
      service('llm-worker', `worker-${at}`, local(port), {
        ...env,
        WORKER_ID: `worker-${at}`,
        WORKER_HTTP_PORT: String(port),
        WORKER_DRAIN_MS: '1000',
      }),
    ),
    gateways: (await freePorts(gateways)).map((port, at) => gatewayOf(port, at, env)),
  };
  const everybody = [auth, ...made.stores, ...made.workers, ...made.gateways];
  for (const one of everybody) started.use(one);
  await Promise.all(everybody.map((one) => one.start()));

  const owned = started.move();
  return {
    token: TOKEN,
    internalSecret: SECRET,
    ...made,
    redisUrl,
    redis,
    model,
    archiveDir,
    configPath,
    output: () => everybody.map((one) => `--- ${one.name}\n${one.output().slice(-3_000)}`).join('\n'),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Settings of a provider that is the demo model, and the agents that use it. */
export function defaultConfig(modelUrl: string): Record<string, unknown> {
  const provider = { baseUrl: modelUrl, api: 'anthropic-messages', apiKey: 'demo', models: [MODEL] };
  return {
    gateway: GATEWAY,
    models: { providers: { watched: provider } },
    agents: { defaults: { model: { primary: 'watched/demo-1' } } },
  };
}

function gatewayOf(port: number, at: number, env: Readonly<Record<string, string>>): Gateway {
  const url = local(port);
  const made = service('gateway', `gateway-${at}`, url, {
    ...env,
    GATEWAY_ID: `gateway-${at}`,
    MOLTBOT_GATEWAY_PORT: String(port),
    MOLTBOT_GATEWAY_HOST: '127.0.0.1',
  });
  return { ...made, url, wsUrl: url.replace(/^http/, 'ws'), port };
}

/** As the embedded one: what is answered is in the file. */
function redisProgram(dir: string): Program {
  const socket = join(dir, 'redis.sock');
  const settings = ['--port', '0', '--unixsocket', socket, '--dir', dir, '--save', '', '--appendonly', 'yes'];
  return program({
    name: 'redis',
    command: 'redis-server',
    args: [...settings, '--appendfsync', 'always', '--maxmemory-policy', 'noeviction'],
    env: {},
    ready: () => pongs(socket),
  });
}

async function pongs(socket: string): Promise<boolean> {
  const redis = new Redis(socket, { retryStrategy: () => null, lazyConnect: true, connectTimeout: 1_000 });
  redis.on('error', () => undefined); // not there yet
  try {
    await redis.connect();
    return (await redis.ping()) === 'PONG';
  } catch {
    return false;
  } finally {
    redis.disconnect();
  }
}

const local = (port: number | undefined): string => `http://127.0.0.1:${port ?? 0}`;

async function freePorts(count: number): Promise<number[]> {
  return await Promise.all(Array.from({ length: count }, freePort));
}
