/** The guide's tuning of concurrency, counted by the provider that is asked. */
import { createNodeClient } from '@moltbot/client/node';
import type { MoltbotClient } from '@moltbot/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GATEWAY_TOKEN, startGuideServer, type GuideServer } from './server.ts';

const CONFIG = `{
  agents: { defaults: {
    model: { primary: 'anthropic/claude-opus-4-5' },
    maxConcurrent: 2, subagents: { maxConcurrent: 1 },
  } },
}`;
/** Long enough to be cut short: every turn is aborted once it was counted. */
const SLOW = '#tokens 2000 #delay 50';

let server: GuideServer;
let client: MoltbotClient;
beforeAll(async () => {
  server = await startGuideServer(CONFIG);
  client = createNodeClient({
    url: server.wsUrl,
    token: GATEWAY_TOKEN,
    client: { id: 'test', mode: 'test', version: '1', platform: 'linux' },
  });
});
afterAll(async () => {
  client.close();
  await server[Symbol.asyncDispose]();
});

const openCalls = (): number => server.asked().filter(({ outcome }) => outcome === 'open').length;
const begun = (text: string): number =>
  server.asked().filter(({ body, outcome }) => outcome === 'open' && JSON.stringify(body).includes(text))
    .length;
async function send(sessionKey: string, message: string): Promise<void> {
  await client.request('chat.send', { sessionKey, message, idempotencyKey: `${sessionKey} ${message}` });
}
const limit = (path: string, value: number): Promise<string> =>
  server.says(`moltbot config set agents.defaults.${path} ${value}`);

test('G-11: maxConcurrent caps the turns that run, live in both directions', async () => {
  for (const n of [1, 2, 3, 4, 5]) await send(`main-${n}`, `${SLOW} main turn`);
  await expect.poll(openCalls).toBe(2);

  await limit('maxConcurrent', 4);
  await expect.poll(openCalls, { timeout: 5_000 }).toBe(4);

  await limit('maxConcurrent', 1);
  await abort('main-1', 'main-2', 'main-3');
  await expect.poll(openCalls, { timeout: 5_000 }).toBe(1);
  await expect.poll(() => server.asked().length).toBe(4); // the fifth waits although three have ended
  await limit('maxConcurrent', 16);
  await expect.poll(openCalls, { timeout: 5_000 }).toBe(2);
  await abort('main-4', 'main-5');
  await expect.poll(openCalls, { timeout: 5_000 }).toBe(0);
});

test('G-11: subagents have a cap of their own beside it', async () => {
  await limit('maxConcurrent', 1);
  const lanes = ['one', 'two', 'three'].map((name) => `agent:main:subagent:${name}`);
  for (const key of lanes) await send(key, `${SLOW} subagent turn`);
  await send('beside', `${SLOW} beside them`);
  await expect.poll(() => begun('subagent turn')).toBe(1);
  await expect.poll(() => begun('beside them')).toBe(1);

  await limit('subagents.maxConcurrent', 3);
  await expect.poll(() => begun('subagent turn'), { timeout: 5_000 }).toBe(3);
  await abort(...lanes, 'beside');
});

async function abort(...keys: string[]): Promise<void> {
  for (const sessionKey of keys) await client.request('chat.abort', { sessionKey });
}
