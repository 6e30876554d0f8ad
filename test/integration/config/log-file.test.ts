/** A log file that cannot be written costs nobody more than the log file. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { configKeys } from '@moltbot/shared/redis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../support/people.ts';
import { openReplicas, type Replica, type Replicas } from './replicas.ts';

const withLog = (path: string, level = 'info'): string =>
  JSON.stringify({ logging: { level, file: { enabled: true, path } } });

let replicas: Replicas;
let gateway: Replica;
let log: string;
beforeAll(async () => {
  replicas = await openReplicas();
  gateway = await replicas.add('{}');
  log = join(gateway.dir, 'logs', 'deep', 'gateway.log');
  await gateway.patch(JSON.parse(withLog(log)));
}, 60_000);
afterAll(() => replicas?.[Symbol.asyncDispose]());

const lines = async (): Promise<number> => (await readFile(log, 'utf8')).split('\n').length;

/** Every configuration that is taken over is a line in the log. */
async function stillLogged(change: unknown): Promise<void> {
  const before = await lines();
  await gateway.patch(change);
  await until(async () => (await lines()) > before, 'a line in the old log file', 5_000);
}

test.each([
  ['a folder', () => gateway.dir],
  ['below a file', () => join(gateway.dir, 'moltbot.json', 'x.log')],
  ['below what cannot be made', () => '/proc/nobody/x/y.log'],
])('a write that names %s is refused with the place and the reason', async (_, path) => {
  const before = await gateway.get();
  await expect(gateway.patch(JSON.parse(withLog(path())))).rejects.toMatchObject({
    message: 'invalid config',
    details: { issues: [{ path: 'logging.file', message: expect.stringMatching(/cannot be written: E/) }] },
  });
  expect(await gateway.get()).toEqual(before);
});

test('a file edited to name one is reported, and the lines go where they went', async () => {
  const good = await gateway.readFile();
  await gateway.writeFile(withLog(gateway.dir, 'debug'));
  await until(() => gateway.output().includes('config.invalid'), 'the report');
  await gateway.writeFile(good);
  await until(async () => (await gateway.get()).valid, 'the old text again');
  await expect(stillLogged({ session: { mainKey: 'edited' } })).resolves.toBeUndefined();
});

test('one that only another gateway can write changes everything but the log file', async () => {
  const [gen] = await replicas.redis.hmget(configKeys.tree, 'gen');
  const next = String(Number(gen) + 1);
  const raw = JSON.stringify({
    session: { mainKey: 'theirs' },
    logging: { file: { enabled: true, path: gateway.dir } },
  });
  await replicas.redis.hset(configKeys.tree, { gen: next, hash: 'theirs', tree: raw, raw });
  const before = await lines();
  await replicas.redis.publish(configKeys.bell, next);
  await until(async () => (await lines()) > before, 'the report in the old log file', 5_000);
  expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
});

test('a start from one ends with words that say what is wrong', async () => {
  const other = replicas.add(withLog('/proc/nobody/x.log'));
  await expect(other).rejects.toThrow(/logging\.file: cannot be written: ENOENT/);
});

test('a missing folder is made', async () => {
  const path = join(gateway.dir, 'a', 'b', 'c.log');
  await mkdir(join(gateway.dir, 'a'));
  await gateway.patch(JSON.parse(withLog(path)));
  await gateway.patch({ session: { mainKey: 'main' } });
  await expect.poll(async () => await readFile(path, 'utf8'), { timeout: 5_000 }).toContain('\n');
});
