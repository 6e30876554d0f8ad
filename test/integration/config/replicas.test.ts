/** The newest change to the configuration wins, whoever starts when. */
import { configKeys } from '@moltbot/shared/redis';
import { beforeEach, afterEach, expect, test } from 'vitest';
import { until } from '../../support/people.ts';
import { openReplicas, type Replica, type Replicas } from './replicas.ts';

const FIRST = `{
  // the company's
  session: { mainKey: "first" },
}
`;

let replicas: Replicas;
let here: Replica;
let there: Replica;
beforeEach(async () => {
  replicas = await openReplicas();
  here = await replicas.add(FIRST);
  there = await replicas.add(FIRST);
}, 60_000);
afterEach(() => replicas?.[Symbol.asyncDispose]());

const mainKey = async (one: Replica): Promise<string> => (await one.get()).config.session.mainKey;
const shows = async (one: Replica, key: string): Promise<unknown> =>
  await until(async () => (await mainKey(one)) === key, `${key} in force`, 10_000);
const restart = async (one: Replica): Promise<void> => {
  await one.signal('SIGTERM');
  await one.start();
};
const file = (text: string): string => FIRST.replace('first', text);

test('a change is in every file, comments too, and the next write builds on it wherever it is made', async () => {
  await here.patch({ session: { mainKey: 'second' } });
  await shows(there, 'second');
  await until(async () => (await there.readFile()) === file('second'), 'the same file');
  expect(await there.get()).toMatchObject({
    valid: true,
    hash: (await here.get()).hash,
    raw: file('second'),
  });
  await there.patch({ logging: { level: 'debug' } });
  await until(async () => (await here.get()).config.logging.level === 'debug', 'the second change');
  expect(await mainKey(here)).toBe('second');
  await until(async () => (await here.readFile()) === (await there.readFile()), 'the same file again');
});

test('a replica that was away when the change was made takes it over', async () => {
  await there.signal('SIGTERM');
  await here.patch({ session: { mainKey: 'second' } });
  await there.start();
  await shows(there, 'second');
  expect(await mainKey(here)).toBe('second');
  await until(async () => (await there.readFile()) === file('second'), 'the same file');
});

test('an old file on a new host takes the change over', async () => {
  await there.signal('SIGTERM');
  await here.patch({ session: { mainKey: 'second' } });
  const known = await replicas.redis.keys(configKeys.file('*', '*'));
  expect(known).toHaveLength(2);
  await replicas.redis.del(...known);
  await there.start();
  await shows(there, 'second');
  expect(await mainKey(here)).toBe('second');
});

test.each([
  ['a new text', file('edited')],
  ['an older text', FIRST],
])('a file that was given %s while its gateway was away wins', async (_, text) => {
  await here.patch({ session: { mainKey: 'second' } });
  await until(async () => (await there.readFile()) === file('second'), 'the same file');
  await there.signal('SIGTERM');
  await there.writeFile(text);
  await there.start();
  const key = text === FIRST ? 'first' : 'edited';
  await shows(here, key);
  expect(await mainKey(there)).toBe(key);
});

test('a file that is edited live is in force everywhere', async () => {
  await here.patch({ session: { mainKey: 'second' } });
  await until(async () => (await there.readFile()) === file('second'), 'the same file');
  await there.writeFile(FIRST);
  await shows(here, 'first');
  await restart(here);
  expect(await mainKey(here)).toBe('first');
});
