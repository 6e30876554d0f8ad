/** The whole product loses its Redis, gets an empty one, and `moltbot restore` fills it. */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readEntry, readRecords, readState } from '@moltbot/turns';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readArchive } from '../../support/archive-files.ts';
import { startCluster, type Cluster } from '../../support/cluster.ts';
import { startCommand, type Outcome } from '../../support/command.ts';
import { atRest } from '../../support/ledger-checker.ts';
import { listen, newPerson, shownText, until, type Listener } from '../../support/people.ts';

const PEOPLE = ['ada', 'grace'];
const KEYS = ['agent:main:main', 'agent:main:work'];

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ gateways: 1, workers: 1, stores: 1 });
});
afterAll(() => cluster[Symbol.asyncDispose]());

const gateway = (): Cluster['gateways'][number] => {
  const [one] = cluster.gateways;
  if (!one) throw new Error('there is one gateway');
  return one;
};

async function signIn(userId: string): Promise<Listener> {
  using admin = listen(gateway().wsUrl, cluster.token);
  return listen(gateway().wsUrl, (await newPerson(admin, userId)).token);
}

async function say(who: Listener, sessionKey: string, message: string): Promise<string> {
  const runId = randomUUID();
  await who.request('chat.send', { sessionKey, message, idempotencyKey: runId });
  return shownText(await who.end(runId));
}

async function moltbot(...args: string[]): Promise<Outcome> {
  const home = dirname(cluster.configPath);
  const env = { HOME: home, MOLTBOT_STATE_DIR: home };
  return await startCommand([...args, '--url', gateway().wsUrl, '--token', cluster.token], env).ended;
}

/** What each person can see of each session, and what Redis holds of it. */
async function everything(): Promise<Record<string, unknown>> {
  const seen: Record<string, unknown> = {};
  for (const userId of PEOPLE) {
    using who = await signIn(userId);
    const { sessions } = await who.request<{ sessions: { key: string }[] }>('sessions.list');
    seen[userId] = sessions.map(({ key }) => key).toSorted();
    for (const key of KEYS) {
      const history = await who.request('chat.history', { sessionKey: key, limit: 1_000 });
      const sid = (await readEntry(cluster.redis, userId, key))?.['sid'] ?? '';
      const state = await readState(cluster.redis, sid);
      const records = await readRecords(cluster.redis, sid, state?.base ?? 0, 1, state?.seq ?? 0);
      seen[`${userId} ${key}`] = { sid, history, records: JSON.stringify(records) };
    }
  }
  return seen;
}

async function replaceRedis(): Promise<void> {
  const others = [...cluster.gateways, ...cluster.workers, ...cluster.stores];
  await Promise.all(others.map(async (one) => await one.signal('SIGTERM')));
  await cluster.redisServer.signal('SIGKILL');
  await rm(join(dirname(cluster.redisUrl.replace('unix://', '')), 'appendonlydir'), { recursive: true });
  await cluster.redisServer.start();
  await Promise.all(others.map(async (one) => await one.start()));
}

test(
  'O-1: after the loss of Redis every conversation is back as it was, and goes on',
  { timeout: 180_000 },
  async () => {
    for (const userId of PEOPLE) {
      using who = await signIn(userId);
      for (const key of KEYS) {
        await say(who, key, `#echo the word of ${userId} is heliotrope`);
        if (key === KEYS[1]) await who.request('sessions.reset', { key });
        await say(who, key, '#markdown');
        await say(who, key, `#echo ${userId} in ${key}: “ünïcödé” 漢字 \u2028 {"crc":"00000000"}`);
      }
    }
    await until(() => atRest(cluster.redis), 'everything is archived');
    const whole = await moltbot('archive', 'verify');
    expect(whole.out, whole.err).toMatch(
      /^Sessions: 6 {3}Records: 24\nTorn ends: 0\nThe archive is whole\.\n$/,
    );
    const before = await everything();

    await replaceRedis();
    expect(await cluster.redis.keys('s:*')).toEqual([]);
    const restored = await moltbot('restore');
    expect(restored.err).toBe('');
    expect(restored.out).toMatch(/^Sessions restored: \d \(\d+ records\)\n/);
    expect(await everything()).toEqual(before);

    using ada = await signIn('ada');
    const [main = ''] = KEYS;
    expect(await say(ada, main, '#history')).toContain('the word of ada is heliotrope');
    await until(() => atRest(cluster.redis), 'the next turn is archived');
    const sid = (await readEntry(cluster.redis, 'ada', main))?.['sid'] ?? '';
    const { lines, torn, broken } = await readArchive(cluster.archiveDir, 'ada', sid);
    expect({ seqs: lines.map(({ seq }) => seq), torn, broken }).toEqual({
      seqs: [1, 2, 3, 4, 5, 6, 7, 8],
      torn: [],
      broken: [],
    });
    expect((await moltbot('archive', 'verify', '--user', 'ada', '--json')).code).toBe(0);

    const again = await moltbot('archive', 'restore');
    expect(again.code).toBe(1);
    expect(again.err).toMatch(/has taken messages already.*--merge/);
    expect((await moltbot('restore', '--merge')).out).toMatch(/^Sessions restored: 0 \(0 records\)\n/);
  },
);

test('a message that was not answered before the loss is answered when it is sent again, one that was is not', async () => {
  const key = 'agent:main:cut';
  const send = async (who: Listener, runId: string, message: string): Promise<unknown> =>
    await who.request('chat.send', { sessionKey: key, message, idempotencyKey: runId });
  {
    using who = await signIn('grace');
    await send(who, 'answered', '#echo whole');
    await who.end('answered');
    await send(who, 'cut', '#delay 60000 #echo never heard');
    const sid = (await readEntry(cluster.redis, 'grace', key))?.['sid'] ?? '';
    await until(
      async () => (await readState(cluster.redis, sid))?.archivedSeq === 3,
      'the words are archived',
    );
  }
  await replaceRedis();
  expect((await moltbot('restore')).code).toBe(0);
  using who = await signIn('grace');
  const asked = cluster.model.requests().length;
  await send(who, 'answered', '#echo whole');
  await send(who, 'cut', '#echo heard at last');
  expect(shownText(await who.end('cut'))).toBe('heard at last');
  expect(cluster.model.requests().length).toBe(asked + 1);
  const { messages } = await who.request<{ messages: { role: string }[] }>('chat.history', {
    sessionKey: key,
  });
  expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'user', 'assistant']);
}, 120_000);

test('who is no administrator verifies and restores nothing', async () => {
  using who = await signIn('mallory');
  for (const method of ['archive.verify', 'archive.restore', 'doctor.check'])
    await expect(who.request(method, {})).rejects.toThrow(/missing scope: operator\.admin/);
});
