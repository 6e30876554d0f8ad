/** `moltbot doctor --fix` on a running server whose Redis and archive somebody has damaged by hand. */
import { randomUUID } from 'node:crypto';
import { chmod, readdir, stat, truncate, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { queueKeys, sessionKeys, userKeys } from '@moltbot/shared/redis';
import { readEntry } from '@moltbot/turns';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCommand, type Outcome } from '../../support/command.ts';
import { atRest } from '../../support/ledger-checker.ts';
import { until } from '../../support/people.ts';
import { startTalk, type Talk } from '../models/talk.ts';

const KEY = 'agent:main:main';

let talk: Talk;
beforeAll(async () => {
  talk = await startTalk({ config: () => ({}) });
});
afterAll(() => talk[Symbol.asyncDispose]());

async function doctor(...more: string[]): Promise<Outcome> {
  const { stateDir, wsUrl, token } = talk.standalone;
  const env = { HOME: stateDir, MOLTBOT_STATE_DIR: stateDir };
  return await startCommand(['doctor', ...more, '--url', wsUrl, '--token', token], env).ended;
}

async function sidOf(key: string): Promise<string> {
  return (await readEntry(talk.redis, talk.userId, key))?.['sid'] ?? '';
}

const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o7777).toString(8);

test('a healthy server has nothing to repair, and says what Redis promises', async () => {
  await talk.say('#echo hello', { key: 'main' });
  await until(() => atRest(talk.redis), 'everything is archived');
  const { code, out } = await doctor();
  expect(out).toMatch(
    /── Installation ─+\n {2}ok {7}Redis evicts nothing, replicas: 0\n {2}ok {7}\d+ sessions and files looked at\n/,
  );
  expect(code).toBe(0);
});

test('O-2: a session held by nobody is let go, and the message that waited for it ends', async () => {
  await talk.say('#echo before', { key: 'main' });
  const sid = await sidOf(KEY);
  await talk.redis.hset(sessionKeys.state(sid), { owner: 'ghost', lease: Date.now() + 3_600_000 });
  const { runId } = await talk.send('#echo at last', { key: 'main' });
  await talk.redis.zrem(queueKeys.due, sid);
  const found = await doctor();
  expect(found.code).toBe(1);
  expect(found.out).toMatch(/problem {2}sessions held by a worker though nothing of them runs: 1, ada\//);
  expect(found.out).toMatch(/problem {2}sessions whose message nobody looks after: 1, ada\//);
  expect(talk.me.chats(runId).some(({ state }) => state === 'final')).toBe(false);

  const mended = await doctor('--fix');
  expect(mended.out).toMatch(/fixed {4}sessions held for nothing, let go: 1/);
  expect(mended.code).toBe(0);
  expect((await talk.me.end(runId)).state).toBe('final');
  await until(() => atRest(talk.redis), 'everything is archived');
  expect((await doctor()).code).toBe(0);
});

test('O-2: counts that keep a user from writing are corrected', async () => {
  const key = `s-${randomUUID()}`;
  await talk.redis.zadd(userKeys.open(talk.userId), 1_000_000, randomUUID());
  await expect(talk.send('#echo no', { key })).rejects.toThrow(/too many messages waiting/);
  expect((await doctor('--fix')).out).toMatch(
    /fixed {4}sessions whose count of open messages was wrong, corrected: 1/,
  );
  expect((await talk.say('#echo yes', { key })).text).toBe('yes');
});

test('O-2: rights of the archive are closed again; a torn end is told and left', async () => {
  const key = `s-${randomUUID()}`;
  await talk.say('#echo to be opened', { key });
  await until(() => atRest(talk.redis), 'everything is archived');
  const root = join(talk.standalone.stateDir, 'sessions');
  const dir = join(root, talk.userId, await sidOf(`agent:main:${key}`));
  const file = join(dir, (await readdir(dir))[0] ?? '');
  const { size } = await stat(file);
  await truncate(file, size - 3);
  await utimes(file, 1, 1);
  await chmod(file, 0o644);
  await chmod(dir, 0o755);
  await chmod(join(root, talk.userId), 0o777);
  const found = await doctor();
  expect(found.out).toMatch(
    /warning {2}files and directories of the archive with other rights than 600 and 700: 3/,
  );
  expect(found.out).toMatch(/ok {7}segments that end in half a line.*nothing to repair\): 1/);
  expect(await modeOf(file)).toBe('644');

  const mended = await doctor('--fix', '--json');
  expect(JSON.parse(mended.out)).toMatchObject({ ok: true });
  expect(mended.out).toMatch(
    /"fixed",\n +"text": "files and directories of the archive, rights set to 600 and 700: 3/,
  );
  expect(await modeOf(file)).toBe('600');
  expect(await modeOf(dir)).toBe('700');
  expect(await modeOf(join(root, talk.userId))).toBe('700');
  expect((await stat(file)).size).toBe(size - 3);
  expect((await doctor()).out).not.toContain('other rights');
});

test('warns of a Redis that would not keep what it has taken', async () => {
  await talk.redis.config('SET', 'appendonly', 'no');
  await talk.redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
  const { code, out } = await doctor();
  await talk.redis.config('SET', 'maxmemory-policy', 'noeviction');
  await talk.redis.config('SET', 'appendonly', 'yes');
  expect(code).toBe(1);
  expect(out).toMatch(/problem {2}Redis has maxmemory-policy allkeys-lru: messages could be evicted/);
  expect(out).toMatch(/warning {2}Redis writes no append-only file/);
});

test('who is no administrator sees nothing of the installation', async () => {
  const { stateDir, wsUrl } = talk.standalone;
  const { token } = await (async () => {
    const made = await startCommand(
      ['tokens', 'create', '--user', 'mallory', '--url', wsUrl, '--token', talk.standalone.token],
      { HOME: stateDir, MOLTBOT_STATE_DIR: stateDir },
    ).ended;
    return { token: made.out.trim() };
  })();
  const env = { HOME: stateDir, MOLTBOT_STATE_DIR: stateDir };
  const { out } = await startCommand(['doctor', '--url', wsUrl, '--token', token], env).ended;
  expect(out).toContain('── Gateway');
  expect(out).not.toContain('── Installation');
});
