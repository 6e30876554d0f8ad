/**
 * Redis in high availability: a primary, two replicas and three Sentinels, each a process that a test
 * may kill, freeze and start again. What survives a failover is what the replicas held.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { redisOptions } from '@moltbot/shared/redis';
import { freePort } from './ports.ts';
import { program, type Program } from './service-process.ts';

export type SentinelOptions = Readonly<{
  /** TLS between everybody, an ACL user for the product, and a password on the Sentinels. */
  secured?: boolean;
  /** Settings of every Redis server, beside or instead of ours. */
  redis?: Readonly<Record<string, string>>;
}>;

export type Sentinels = AsyncDisposable &
  Readonly<{
    /** For REDIS_URL. */
    url: string;
    servers: readonly (Program & Readonly<{ port: number }>)[];
    sentinels: readonly Program[];
    /** The server that the Sentinels call the primary now. */
    primary(): Promise<Program & Readonly<{ port: number }>>;
    /** A connection for looking, to one server; to be closed by whoever asked for it. */
    connect(port: number): Redis;
  }>;

const NAME = 'moltbot';
const PASSWORD = 'a-password-of-the-tests';
/** Sentinel calls a silent server down after this; a failover takes 2 to 5 s more (measured). */
const DOWN_AFTER_MS = 3_000;

export async function startSentinels(options: SentinelOptions = {}): Promise<Sentinels> {
  await using started = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), 'moltbot-sentinels-'));
  started.defer(() => rm(dir, { recursive: true, force: true }));
  const tls = options.secured === true ? certificates(dir) : undefined;
  const ports = await Promise.all(Array.from({ length: 3 }, freePort));
  const sentinelPorts = await Promise.all(Array.from({ length: 3 }, freePort));
  const first = ports[0] ?? 0;

  const servers = await Promise.all(
    ports.map(async (port, at) => {
      const replicaof = at === 0 ? {} : { replicaof: `127.0.0.1 ${first}` };
      const settings = { ...serverSettings(port, tls), ...replicaof, ...options.redis };
      const made = await redisProgram(dir, `redis-${at}`, port, settings, tls, []);
      return Object.assign(started.use(made), { port });
    }),
  );
  await Promise.all(servers.map((server) => server.start()));
  const watch = sentinelRules(first, tls !== undefined);
  const sentinels = await Promise.all(
    sentinelPorts.map(async (port, at) =>
      started.use(
        await redisProgram(
          dir,
          `sentinel-${at}`,
          port,
          sentinelSettings(port, tls),
          tls,
          ['--sentinel'],
          watch,
        ),
      ),
    ),
  );
  await Promise.all(sentinels.map((sentinel) => sentinel.start()));
  const hosts = sentinelPorts.map((port) => `127.0.0.1:${port}`).join(',');
  const url =
    tls === undefined
      ? `redis+sentinel://${hosts}/${NAME}`
      : `rediss+sentinel://moltbot:${PASSWORD}@${hosts}/${NAME}?ca=${join(dir, 'ca.pem')}&sentinelPassword=${PASSWORD}`;
  const connect = (port: number): Redis => quiet(direct(port, tls));
  await settled(sentinelPorts, tls);

  const owned = started.move();
  return {
    url,
    servers,
    sentinels,
    connect,
    primary: async () => {
      const port = await primaryPort(sentinelPorts, tls);
      const found = servers.find((server) => server.port === port);
      if (found === undefined) throw new Error(`the Sentinels name ${port}, which is none of ours`);
      return found;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

type Tls = Readonly<{ dir: string }>;
type Settings = Readonly<Record<string, string>>;

function certificates(dir: string): Tls {
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const made = spawnSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', ...subject].concat([
      ...['-keyout', join(dir, 'key.pem'), '-out', join(dir, 'ca.pem')],
    ]),
    { encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(made.stderr);
  return { dir };
}

function listening(port: number, tls: Tls | undefined): Settings {
  if (tls === undefined) return { port: String(port), bind: '127.0.0.1' };
  const pem = { 'tls-cert-file': join(tls.dir, 'ca.pem'), 'tls-key-file': join(tls.dir, 'key.pem') };
  const rest = {
    'tls-ca-cert-file': join(tls.dir, 'ca.pem'),
    'tls-auth-clients': 'no',
    'tls-replication': 'yes',
  };
  return { port: '0', 'tls-port': String(port), bind: '127.0.0.1', ...pem, ...rest };
}

function serverSettings(port: number, tls: Tls | undefined): Settings {
  return {
    ...listening(port, tls),
    appendonly: 'yes',
    save: '""',
    'maxmemory-policy': 'noeviction',
    'min-replicas-to-write': '1',
    'min-replicas-max-lag': '5',
    'repl-diskless-sync-delay': '0',
    ...(tls && {
      requirepass: PASSWORD,
      masterauth: PASSWORD,
      user: `moltbot on >${PASSWORD} ~* &* +@all -@dangerous +info`,
    }),
  };
}

function sentinelSettings(port: number, tls: Tls | undefined): Settings {
  return { ...listening(port, tls), ...(tls && { requirepass: PASSWORD }) };
}

function sentinelRules(primary: number, secured: boolean): readonly string[] {
  return [
    `sentinel monitor ${NAME} 127.0.0.1 ${primary} 2`,
    `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${NAME} 10000`,
    ...(secured ? [`sentinel auth-pass ${NAME} ${PASSWORD}`, `sentinel sentinel-pass ${PASSWORD}`] : []),
  ];
}

/** A file of its own, because Sentinel writes into the servers' what they are from now on. */
async function redisProgram(
  dir: string,
  name: string,
  port: number,
  settings: Settings,
  tls: Tls | undefined,
  flags: readonly string[],
  more: readonly string[] = [],
): Promise<Program> {
  const home = join(dir, name);
  await mkdir(home);
  const lines = Object.entries({ dir: home, ...settings }).map(([key, value]) => `${key} ${value}`);
  await writeFile(join(home, 'redis.conf'), [...lines, ...more, ''].join('\n'));
  return program({
    name,
    command: 'redis-server',
    args: [join(home, 'redis.conf'), ...flags],
    env: {},
    ready: async () => await answers(port, tls),
  });
}

/** As the product speaks to one server, with the password that may do everything. */
function direct(port: number, tls: Tls | undefined): string {
  return tls === undefined
    ? `redis://127.0.0.1:${port}`
    : `rediss://:${PASSWORD}@127.0.0.1:${port}?ca=${join(tls.dir, 'ca.pem')}`;
}

function quiet(url: string): Redis {
  const redis = new Redis({
    ...redisOptions({ url, name: 'test' }, 'background'),
    retryStrategy: () => 100,
    connectTimeout: 1_000,
  });
  redis.on('error', () => undefined); // tests kill servers
  return redis;
}

async function ask<T>(
  port: number,
  tls: Tls | undefined,
  question: (redis: Redis) => Promise<T>,
): Promise<T> {
  const redis = new Redis({
    ...redisOptions({ url: direct(port, tls), name: 'test' }, 'request'),
    enableOfflineQueue: true,
    enableReadyCheck: false,
    retryStrategy: () => null,
    connectTimeout: 1_000,
    commandTimeout: 1_000,
  });
  redis.on('error', () => undefined);
  return await question(redis).finally(() => redis.disconnect());
}

async function answers(port: number, tls: Tls | undefined): Promise<boolean> {
  return await ask(port, tls, async (redis) => (await redis.ping()) === 'PONG').catch(() => false);
}

async function primaryPort(ports: readonly number[], tls: Tls | undefined): Promise<number> {
  for (const port of ports) {
    const found = (await ask(port, tls, async (redis) =>
      redis.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME),
    ).catch(() => undefined)) as [string, string] | undefined;
    if (found !== undefined) return Number(found[1]);
  }
  throw new Error('no Sentinel answers');
}

/** Every Sentinel knows the other two and both replicas; before that there may be no failover. */
async function settled(ports: readonly number[], tls: Tls | undefined): Promise<void> {
  const deadlineMs = Date.now() + 30_000;
  const knows = async (port: number): Promise<boolean> => {
    const reply = (await ask(port, tls, async (redis) => redis.call('SENTINEL', 'MASTER', NAME)).catch(
      () => [],
    )) as string[];
    const fact = (name: string): string => reply[reply.indexOf(name) + 1] ?? '';
    return fact('num-other-sentinels') === '2' && fact('num-slaves') === '2' && fact('flags') === 'master';
  };
  while (!(await Promise.all(ports.map(knows))).every(Boolean)) {
    if (Date.now() > deadlineMs) throw new Error('the Sentinels did not find each other');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
