import { readFileSync } from 'node:fs';
import { SentinelConnector, type Redis, type RedisOptions } from 'ioredis';

/** Where Redis is and how to reach it, as `REDIS_URL` says in one line. */
export type RedisLocation = Readonly<{
  connection: RedisOptions;
  /** Replicas that must hold what is shown to a client; 0 where there are none. */
  replicas: number;
}>;

const FORM =
  /^(?<scheme>rediss?)(?<sentinel>\+sentinel)?:\/\/(?:(?<user>[^:@/]*)(?::(?<password>[^@/]*))?@)?(?<hosts>[^/?]+)(?<path>\/[^?]*)?(?:\?(?<query>.*))?$/;
const SETTINGS: ReadonlySet<string> = new Set(
  ['ca', 'cert', 'key', 'servername', 'sentinelUser', 'sentinelPassword', 'replicas'], // ours; no other tool reads them
);
const REDIS_PORT = 6_379;
const SENTINEL_PORT = 26_379;
/** A Sentinel that hangs is passed over for the next one. */
const SENTINEL_ANSWERS_WITHIN_MS = 2_000;
const SENTINEL_RETRY_MS = 1_000;

/**
 * Forms: `unix:///path` · `redis[s]://[user[:password]@]host[:port][/db]` ·
 * `redis[s]+sentinel://[user[:password]@]host[:port],…/name of the master[/db]`. After `?`: `ca`, `cert`,
 * `key` (PEM files) and `servername` of TLS, `sentinelUser`, `sentinelPassword`, `replicas` (with Sentinel 1).
 */
export function locateRedis(url: string): RedisLocation {
  if (url.startsWith('unix://')) return { connection: { path: new URL(url).pathname }, replicas: 0 };
  const parts = FORM.exec(url)?.groups;
  if (parts === undefined)
    throw new Error(
      'REDIS_URL is not usable: redis://[user:password@]host[:port][/db], rediss://…, redis+sentinel://host:port,host:port/<master name>, or unix:///path',
    );
  const { scheme, sentinel, hosts = '', path = '', query = '' } = parts;
  const settings = settingsOf(query);
  const names = namesOf(path, sentinel === undefined ? 1 : 2);
  const tls = scheme === 'rediss' ? tlsFiles(settings) : undefined;
  const where = sentinel === undefined ? single(hosts, names[0]) : sentinels(hosts, names, settings, tls);
  return {
    connection: { ...credentials(parts), ...(tls && { tls }), ...where },
    replicas: replicasOf(settings, sentinel !== undefined),
  };
}

function namesOf(path: string, most: number): string[] {
  const names = path.split('/').filter((name) => name !== '');
  if (names.length > most)
    throw new Error(
      `REDIS_URL: "${path}" says more than ${most === 1 ? 'a' : 'the name of the master and a'} database`,
    );
  return names;
}

function credentials({ user, password }: Partial<Record<string, string>>): RedisOptions {
  return {
    ...(user && { username: decodeURIComponent(user) }),
    ...(password && { password: decodeURIComponent(password) }),
  };
}

function single(host: string, db = '0'): RedisOptions {
  if (host.includes(','))
    throw new Error(
      'REDIS_URL names several hosts: with Sentinel it begins with redis+sentinel://; Redis Cluster cannot be used, because a turn is one decision on one primary',
    );
  return { ...address(host, REDIS_PORT), db: database(db) };
}

function sentinels(
  hosts: string,
  [name, db = '0']: readonly string[],
  settings: URLSearchParams,
  tls: RedisOptions['tls'],
): RedisOptions {
  if (name === undefined)
    throw new Error(
      'REDIS_URL names Sentinels and not their master: redis+sentinel://host:port/<master name>',
    );
  const [sentinelUsername, sentinelPassword] = [
    settings.get('sentinelUser'),
    settings.get('sentinelPassword'),
  ];
  return {
    sentinels: hosts.split(',').map((host) => address(host, SENTINEL_PORT)),
    name: decodeURIComponent(name),
    db: database(db),
    ...(sentinelUsername && { sentinelUsername }),
    ...(sentinelPassword && { sentinelPassword }),
    ...(tls && { sentinelTLS: tls, enableTLSForSentinelMode: true }),
    Connector: QuietSentinelConnector as unknown as NonNullable<RedisOptions['Connector']>,
    // @NOTE a frozen master closes nothing: only this, or socketTimeout, lets go of it (measured)
    failoverDetector: true,
    disconnectTimeout: 500, // and what is let go of need not say goodbye
    sentinelCommandTimeout: SENTINEL_ANSWERS_WITHIN_MS,
    sentinelRetryStrategy: (attempt) => Math.min(50 * attempt, SENTINEL_RETRY_MS),
    sentinelReconnectStrategy: () => SENTINEL_RETRY_MS,
  };
}

type SentinelClients = new (options: unknown) => { connectToSentinel(...args: unknown[]): Redis };

/** @NOTE nobody hears the errors of the connections to Sentinels, and ioredis then writes them to the console. */
class QuietSentinelConnector extends (SentinelConnector as unknown as SentinelClients) {
  override connectToSentinel(...args: unknown[]): Redis {
    const client = super.connectToSentinel(...args);
    client.on('error', () => undefined); // the next Sentinel is asked, and `redis` is unready when none is left
    return client;
  }
}

function address(text: string, fallback: number): { host: string; port: number } {
  const [, host, port] = /^(\[[^\]]+\]|[^:]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (host === undefined) throw new Error(`REDIS_URL: "${text}" is no host:port`);
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port ?? fallback) };
}

function database(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new Error(`REDIS_URL: "${text}" is no number of a database`);
  return Number(text);
}

function settingsOf(query: string): URLSearchParams {
  const settings = new URLSearchParams(query);
  for (const name of settings.keys())
    if (!SETTINGS.has(name))
      throw new Error(`REDIS_URL: "${name}" is unknown; known are ${[...SETTINGS].join(', ')}`);
  return settings;
}

function tlsFiles(settings: URLSearchParams): NonNullable<RedisOptions['tls']> {
  const file = (name: 'ca' | 'cert' | 'key'): Record<string, Buffer> => {
    const path = settings.get(name);
    if (!path) return {};
    try {
      return { [name]: readFileSync(path) };
    } catch (cause) {
      throw new Error(`REDIS_URL: the file of "${name}" cannot be read: ${(cause as Error).message}`, {
        cause,
      });
    }
  };
  const servername = settings.get('servername');
  return { ...file('ca'), ...file('cert'), ...file('key'), ...(servername && { servername }) };
}

function replicasOf(settings: URLSearchParams, isSentinel: boolean): number {
  const text = settings.get('replicas') ?? (isSentinel ? '1' : '0');
  if (!/^\d$/.test(text)) throw new Error(`REDIS_URL: replicas=${text} is no number from 0 to 9`);
  return Number(text);
}
