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
  /** Where the first server and its Sentinel run, and where the others; this machine unless told. */
  hosts?: Readonly<{ first: Host; others: Host }>;
}>;

/** `netns`: a network namespace of Linux. */
export type Host = Readonly<{ address: string; netns?: string }>;
type Place = Host & Readonly<{ port: number }>;

const HERE: Host = { address: '127.0.0.1' };

export type Sentinels = AsyncDisposable &
  Readonly<{
    /** For REDIS_URL. */
    url: string;
    servers: readonly Server[];
    sentinels: readonly Program[];
    /** The server that the Sentinels call the primary now. */
    primary(): Promise<Server>;
    /** The one that the others' side calls so, asked on their host. */
    primaryThere(): Server;
    /** A connection for looking, to one server; to be closed by whoever asked for it. */
    connect(server: Server): Redis;
    /** As an operator does it: another server becomes the primary though nothing is wrong with this one. */
    switchOver(): Promise<void>;
  }>;

export type Server = Program & Readonly<{ place: Place }>;

const NAME = 'moltbot';
const PASSWORD = 'a-password-of-the-tests';
/** Sentinel calls a silent server down after this; a failover takes 2 to 5 s more (measured). */
const DOWN_AFTER_MS = 3_000;

export async function startSentinels(options: SentinelOptions = {}): Promise<Sentinels> {
  await using started = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), 'moltbot-sentinels-'));
  started.defer(() => rm(dir, { recursive: true, force: true }));
  const tls = options.secured === true ? certificates(dir) : undefined;
  const { first = HERE, others = HERE } = options.hosts ?? {};
  const places = await placesOn([first, others, others]);
  const sentinelPlaces = await placesOn([first, others, others]);
  const [primaryPlace = sentinelPlaces[0]] = places;
  if (primaryPlace === undefined) throw new Error('there is no place for a primary');

  const servers = await Promise.all(
    places.map(async (place, at): Promise<Server> => {
      const replicaof = at === 0 ? {} : { replicaof: `${primaryPlace.address} ${primaryPlace.port}` };
      const settings = { ...serverSettings(place, tls), ...replicaof, ...options.redis };
      const made = await redisProgram({ dir, name: `redis-${at}`, place, settings, tls });
      return { ...started.use(made), place };
    }),
  );
  await Promise.all(servers.map(async (server) => await server.start()));
  const rules = sentinelRules(primaryPlace, tls !== undefined);
  const sentinels = await Promise.all(
    sentinelPlaces.map(async (place, at) => {
      const settings = sentinelSettings(place, tls);
      return started.use(
        await redisProgram({ dir, name: `sentinel-${at}`, place, settings, tls, isSentinel: true, rules }),
      );
    }),
  );
  await Promise.all(sentinels.map(async (sentinel) => await sentinel.start()));
  await settled(sentinelPlaces, tls);

  const owned = started.move();
  return {
    url: urlOf(sentinelPlaces, tls),
    servers,
    sentinels,
    connect: ({ place }) => quiet(direct(place, tls)),
    primary: async () => serverAt(servers, await primaryOf(sentinelPlaces, tls)),
    primaryThere: () => serverAt(servers, askThere(sentinelPlaces[1])),
    switchOver: async () => {
      const [place] = sentinelPlaces;
      if (place) await ask(place, tls, async (redis) => await redis.call('SENTINEL', 'FAILOVER', NAME));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function serverAt(servers: readonly Server[], address: string): Server {
  const server = servers.find(({ place }) => `${place.address}:${place.port}` === address);
  if (server === undefined) throw new Error(`the Sentinels name ${address}, which is none of ours`);
  return server;
}

/** By a program on that host: a connection from here would not reach it behind a cut. */
function askThere(place: Place | undefined): string {
  const { netns = '', address = '', port = 0 } = place ?? {};
  const question = ['-h', address, '-p', String(port), 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME];
  const { stdout } = spawnSync('ip', ['netns', 'exec', netns, 'redis-cli', ...question], {
    encoding: 'utf8',
  });
  return stdout.trim().split('\n').join(':');
}

async function placesOn(hosts: readonly Host[]): Promise<Place[]> {
  return await Promise.all(hosts.map(async (host) => ({ ...host, port: await freePort() })));
}

function urlOf(places: readonly Place[], tls: Tls | undefined): string {
  const hosts = places.map(({ address, port }) => `${address}:${port}`).join(',');
  if (tls === undefined) return `redis+sentinel://${hosts}/${NAME}`;
  const settings = `ca=${join(tls.dir, 'ca.pem')}&sentinelPassword=${PASSWORD}`;
  return `rediss+sentinel://moltbot:${PASSWORD}@${hosts}/${NAME}?${settings}`;
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

function listening({ address, port }: Place, tls: Tls | undefined): Settings {
  const open = address === HERE.address ? {} : { 'protected-mode': 'no' };
  if (tls === undefined) return { port: String(port), bind: address, ...open };
  const pem = { 'tls-cert-file': join(tls.dir, 'ca.pem'), 'tls-key-file': join(tls.dir, 'key.pem') };
  const rest = {
    'tls-ca-cert-file': join(tls.dir, 'ca.pem'),
    'tls-auth-clients': 'no',
    'tls-replication': 'yes',
  };
  return { port: '0', 'tls-port': String(port), bind: address, ...pem, ...rest };
}

function serverSettings(place: Place, tls: Tls | undefined): Settings {
  return {
    ...listening(place, tls),
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

function sentinelSettings(place: Place, tls: Tls | undefined): Settings {
  return { ...listening(place, tls), ...(tls && { requirepass: PASSWORD }) };
}

function sentinelRules({ address, port }: Place, secured: boolean): readonly string[] {
  return [
    `sentinel monitor ${NAME} ${address} ${port} 2`,
    `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${NAME} 10000`,
    ...(secured ? [`sentinel auth-pass ${NAME} ${PASSWORD}`, `sentinel sentinel-pass ${PASSWORD}`] : []),
  ];
}

type ProgramOptions = Readonly<{
  dir: string;
  name: string;
  place: Place;
  settings: Settings;
  tls: Tls | undefined;
  isSentinel?: boolean;
  rules?: readonly string[];
}>;

/** With a file of its own, because Sentinel writes into the servers' what they are from now on. */
async function redisProgram(options: ProgramOptions): Promise<Program> {
  const { dir, name, place, settings, tls, isSentinel = false, rules = [] } = options;
  const home = join(dir, name);
  await mkdir(home);
  const file = join(home, 'redis.conf');
  const lines = Object.entries({ dir: home, ...settings }).map(([key, value]) => `${key} ${value}`);
  await writeFile(file, [...lines, ...rules, ''].join('\n'));
  const args = [file, ...(isSentinel ? ['--sentinel'] : [])];
  const { netns } = place;
  return program({
    name,
    command: netns === undefined ? 'redis-server' : 'ip',
    args: netns === undefined ? args : ['netns', 'exec', netns, 'redis-server', ...args],
    env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` },
    ready: async () => await answers(place, tls),
  });
}

/** As the product speaks to one server, with the password that may do everything. */
function direct({ address, port }: Place, tls: Tls | undefined): string {
  return tls === undefined
    ? `redis://${address}:${port}`
    : `rediss://:${PASSWORD}@${address}:${port}?ca=${join(tls.dir, 'ca.pem')}`;
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
  place: Place,
  tls: Tls | undefined,
  question: (redis: Redis) => Promise<T>,
): Promise<T> {
  const redis = new Redis({
    ...redisOptions({ url: direct(place, tls), name: 'test' }, 'request'),
    enableOfflineQueue: true,
    enableReadyCheck: false,
    retryStrategy: () => null,
    connectTimeout: 1_000,
    commandTimeout: 1_000,
  });
  redis.on('error', () => undefined);
  return await question(redis).finally(() => redis.disconnect());
}

async function answers(place: Place, tls: Tls | undefined): Promise<boolean> {
  return await ask(place, tls, async (redis) => (await redis.ping()) === 'PONG').catch(() => false);
}

async function primaryOf(places: readonly Place[], tls: Tls | undefined): Promise<string> {
  for (const place of places) {
    const found = (await ask(place, tls, async (redis) =>
      redis.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME),
    ).catch(() => undefined)) as [string, string] | undefined;
    if (found !== undefined) return found.join(':');
  }
  throw new Error('no Sentinel answers');
}

/** Every Sentinel knows the other two and both replicas; before that there may be no failover. */
async function settled(places: readonly Place[], tls: Tls | undefined): Promise<void> {
  const deadlineMs = Date.now() + 30_000;
  const knows = async (place: Place): Promise<boolean> => {
    const reply = (await ask(place, tls, async (redis) => redis.call('SENTINEL', 'MASTER', NAME)).catch(
      () => [],
    )) as string[];
    const fact = (name: string): string => reply[reply.indexOf(name) + 1] ?? '';
    return fact('num-other-sentinels') === '2' && fact('num-slaves') === '2' && fact('flags') === 'master';
  };
  while (!(await Promise.all(places.map(knows))).every(Boolean)) {
    if (Date.now() > deadlineMs) throw new Error('the Sentinels did not find each other');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
