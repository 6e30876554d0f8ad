import { expect, test } from 'vitest';
import { locateRedis } from './location.ts';

const of = (url: string): unknown => {
  const { connection, replicas } = locateRedis(url);
  const { host, port, path, db, username, password, sentinels, name, sentinelPassword } = connection;
  const isTls = connection.tls !== undefined;
  const facts = { host, port, path, db, username, password, sentinels, name, sentinelPassword };
  const said = Object.entries(facts).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(said), ...(isTls && { isTls }), ...(replicas > 0 && { replicas }) };
};

test.for<[string, unknown]>([
  ['redis://localhost', { host: 'localhost', port: 6379, db: 0 }],
  [
    'redis://user:p%40ss@cache.example:6380/3',
    { host: 'cache.example', port: 6380, db: 3, username: 'user', password: 'p@ss' },
  ],
  ['redis://:secret@10.0.0.1', { host: '10.0.0.1', port: 6379, db: 0, password: 'secret' }],
  ['redis://[::1]:6379?replicas=2', { host: '::1', port: 6379, db: 0, replicas: 2 }],
  ['rediss://cache.example', { host: 'cache.example', port: 6379, db: 0, isTls: true }],
  ['unix:///run/redis.sock', { path: '/run/redis.sock' }],
  [
    'redis+sentinel://a:1,b/main?sentinelPassword=x%26y',
    {
      sentinels: [
        { host: 'a', port: 1 },
        { host: 'b', port: 26_379 },
      ],
      name: 'main',
      db: 0,
      sentinelPassword: 'x&y',
      replicas: 1,
    },
  ],
  [
    'rediss+sentinel://me:pw@a:1/main/2?replicas=0',
    { sentinels: [{ host: 'a', port: 1 }], name: 'main', db: 2, username: 'me', password: 'pw', isTls: true },
  ],
])('%s', ([url, expected]) => {
  expect(of(url)).toEqual(expected);
});

test.for([
  ['http://localhost', 'REDIS_URL is not usable'],
  ['redis://a:1,b:2', 'Redis Cluster cannot be used'],
  ['redis+sentinel://a:1', 'not their master'],
  ['redis://a:port', 'is no host:port'],
  ['redis://a/main', 'is no number of a database'],
  ['redis://a/3/4', 'says more than a database'],
  ['redis://a?replica=1', '"replica" is unknown; known are ca, cert'],
  ['redis://a?replicas=many', 'replicas=many'],
  ['rediss://a?ca=/nowhere.pem', 'the file of "ca" cannot be read'],
] as const)('%s is refused, and says why', ([url, why]) => {
  expect(() => locateRedis(url)).toThrow(why);
});

test('a connection through Sentinel lets go of a server that hangs', () => {
  expect(locateRedis('redis+sentinel://a/main').connection).toMatchObject({
    failoverDetector: true,
    sentinelCommandTimeout: 2_000,
  });
});
