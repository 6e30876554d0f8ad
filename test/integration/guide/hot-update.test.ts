/** The guide's hot update: config.get, then config.patch, of a gateway that goes on working. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createNodeClient } from '@moltbot/client/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GATEWAY_TOKEN, startGuideServer, TEMPLATE, type GuideServer } from './server.ts';

type Snapshot = { hash: string; config: { agents: { defaults: { maxConcurrent: number } } } };

const FELT_WITHIN_MS = 2_000;

/** As printed, with the hash of config.get where the guide has a placeholder. */
const patch = (raw: string, baseHash: string): string => `moltbot gateway call config.patch --params '{
  "raw": "${raw}",
  "baseHash": "${baseHash}"
}'`;
const get = async (): Promise<Snapshot> =>
  JSON.parse(await server.says("moltbot gateway call config.get --params '{}'")) as Snapshot;
const file = (): Promise<string> => readFile(server.place('/etc/moltbot/moltbot.json'), 'utf8');

let server: GuideServer;
beforeAll(async () => {
  server = await startGuideServer();
});
afterAll(() => server[Symbol.asyncDispose]());

test('G-3: the hot update of the guide restarts nothing and closes no connection', async () => {
  const client = createNodeClient({
    url: server.wsUrl,
    token: GATEWAY_TOKEN,
    client: { id: 'test', mode: 'test', version: '1', platform: 'linux' },
    reconnect: false,
  });
  await client.request('health');
  const events: string[] = [];
  client.on('event', ({ event }) => void events.push(event));
  const before = await get();

  const answer = await server.says(patch('{ agents: { defaults: { maxConcurrent: 24 } } }', before.hash));

  expect(JSON.parse(answer)).toMatchObject({
    ok: true,
    config: { agents: { defaults: { maxConcurrent: 24 } } },
    restart: { ok: true, pid: server.pid },
    sentinel: { payload: { kind: 'config-apply', status: 'ok' } },
  });
  expect((await get()).config.agents.defaults.maxConcurrent).toBe(24);
  expect(await client.request('health')).toMatchObject({ ok: true });
  expect(events).not.toContain('shutdown');
  expect(client.state.status).toBe('open');
  client.close();
});

test('G-3: what is written is the one value: comments and ${VARIABLES} stay', async () => {
  const template = server.place(await readFile(TEMPLATE, 'utf8'));
  expect(await file()).toBe(template.replace('maxConcurrent: 16', 'maxConcurrent: 24'));
  const { hash } = await get();
  expect(hash).toBe(
    createHash('sha256')
      .update(await file())
      .digest('hex'),
  );
});

test('G-3: a stale hash, a broken text and an unknown key are refused, and nothing changes', async () => {
  const { hash } = await get();
  const text = await file();
  const refusals: readonly [string, RegExp][] = [
    [patch('{ agents: {} }', '<hash-from-config.get>'), /config changed since last load; re-run config.get/],
    [patch('{ agents: ', hash), /JSON5/],
    [patch('{ agents: { defaults: { maxConcurent: 1 } } }', hash), /invalid config/],
  ];
  for (const [command, says] of refusals) {
    const ran = await server.run(command);
    expect(ran).toMatchObject({ code: 1, out: '' });
    expect(ran.err).toMatch(says);
  }
  expect(await file()).toBe(text);
});

test('G-3: an edited file is in force within two seconds, without the restart of the guide', async () => {
  await writeFile(
    server.place('/etc/moltbot/moltbot.json'),
    (await file()).replace('maxConcurrent: 24', 'maxConcurrent: 8'),
  );
  const force = async (): Promise<number> => (await get()).config.agents.defaults.maxConcurrent;
  await expect.poll(force, { timeout: FELT_WITHIN_MS + 1_000, interval: 100 }).toBe(8);
});

test('G-3: a broken edit is reported, and the configuration before it stays in force', async () => {
  await writeFile(server.place('/etc/moltbot/moltbot.json'), '{ agents: ');
  await expect.poll(() => server.log()).toMatch(/the changed configuration is not valid/);
  expect(await get()).toMatchObject({ valid: false, issues: [{ message: expect.stringMatching(/JSON5/) }] });
  expect(await server.says('moltbot agent --message "#echo still here"')).toBe('still here\n');
  const { code } = await server.run('moltbot doctor --fix');
  expect(code).toBe(1);
});
