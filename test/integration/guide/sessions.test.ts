/** The guide's session isolation: every person has sessions of their own, and idle ones start over. */
import { join } from 'node:path';
import { userKeys } from '@moltbot/shared/redis';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGuideServer, type GuideServer } from './server.ts';

type Listed = { sessions: { key: string; sessionId: string }[] };
type History = { sessionId?: string; messages: { content: { text: string }[] }[] };

/** As printed in the guide. */
const SESSION = `{
  "session": {
    "dmScope": "per-channel-peer",  // 每个用户独立会话
    "reset": {
      "mode": "idle",
      "idleMinutes": 120
    }
  },
  models: { providers: { anthropic: { apiKey: '\${ANTHROPIC_API_KEY}' } } },
}`;
const MINUTE_MS = 60_000;

let server: GuideServer;
let people: Readonly<Record<'alice' | 'bob', string>>;
beforeAll(async () => {
  server = await startGuideServer(SESSION);
  const token = async (user: string): Promise<string> =>
    (await server.says(`moltbot tokens create --user ${user}`)).trim();
  people = { alice: await token('alice'), bob: await token('bob') };
});
afterAll(() => server[Symbol.asyncDispose]());

const as = (who: 'alice' | 'bob', command: string): Promise<string> =>
  server.says(`CLAWDBOT_GATEWAY_TOKEN=${people[who]} moltbot ${command}`);
const call = async <T>(who: 'alice' | 'bob', method: string, params: object): Promise<T> =>
  JSON.parse(await as(who, `gateway call ${method} --params '${JSON.stringify(params)}'`)) as T;
const history = (who: 'alice' | 'bob'): Promise<History> => call(who, 'chat.history', { sessionKey: 'main' });

test('G-8: two people who use the same key never meet', async () => {
  await as('alice', 'agent --message "#echo the salary list"');
  await as('bob', 'agent --message "#echo good morning"');
  const [alices, bobs] = [await history('alice'), await history('bob')];
  expect(JSON.stringify(alices.messages)).toContain('salary');
  expect(JSON.stringify(bobs.messages)).not.toContain('salary');
  expect(bobs.messages).toHaveLength(2);

  const listed = await call<Listed>('bob', 'sessions.list', {});
  expect(listed.sessions.map(({ sessionId }) => sessionId)).toEqual([bobs.sessionId]);
  const stolen = { sessionId: alices.sessionId };
  const refused = await server.run(
    `CLAWDBOT_GATEWAY_TOKEN=${people.bob} moltbot gateway call sessions.resolve --params '${JSON.stringify(stolen)}'`,
  );
  expect(refused.err).toMatch(/No session found/);
});

test('G-8: after two idle hours the next message starts a new session under the same key', async () => {
  const before = await history('alice');
  await lastUsed('alice', 119 * MINUTE_MS);
  await as('alice', 'agent --message "#echo still the same"');
  expect((await history('alice')).sessionId).toBe(before.sessionId);

  await lastUsed('alice', 121 * MINUTE_MS);
  await as('alice', 'agent --message "#echo anew"');
  const after = await history('alice');
  expect(after.sessionId).not.toBe(before.sessionId);
  expect(JSON.stringify(after.messages)).not.toContain('salary');
});

test('G-8: dmScope "main", one session for everybody, does not start, and says why', async () => {
  const started = startGuideServer(`{ session: { dmScope: 'main' } }`);
  await expect(started).rejects.toThrow(/session\.dmScope.*always belongs to one signed-in user/s);
});

test('G-8: dmScope "main" is refused live as well, and per-peer is taken', async () => {
  const refused = await server.run('moltbot config set session.dmScope main');
  expect(refused).toMatchObject({ code: 1, err: expect.stringMatching(/session\.dmScope/) as string });
  await server.says('moltbot config set session.dmScope per-peer');
  expect(await server.says('moltbot config get session.dmScope')).toBe('per-peer\n');
});

/** Turns back the clock of the main session, in the product's own Redis. */
async function lastUsed(user: string, agoMs: number): Promise<void> {
  const redis = new Redis(join(server.place('/var/lib/moltbot'), 'redis/redis.sock'));
  const entry = userKeys.entry(user, 'agent:main:main');
  expect(await redis.hexists(entry, 'updatedAt')).toBe(1);
  await redis.hset(entry, 'updatedAt', Date.now() - agoMs);
  redis.disconnect();
}
