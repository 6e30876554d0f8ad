/** When a session starts over: a word, an idle hour, a new day; and what of it stays. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { userKeys } from '@moltbot/shared/redis';
import { until } from '../../support/people.ts';
import { bodyOf, ENTRY, provider, startTalk, type Talk } from '../models/talk.ts';

const MINUTE_MS = 60_000;
/** Far from now, so that the hour of the daily reset does not come while the test runs. */
const AT_HOUR = (new Date().getHours() + 12) % 24;

let talk: Talk;
beforeAll(async () => {
  talk = await startTalk({
    config: (url) => ({
      models: { providers: { watched: provider(url, { models: [ENTRY, { ...ENTRY, id: 'm2' }] }) } },
      agents: { defaults: { model: { primary: 'watched/m1' } } },
      session: {
        reset: { mode: 'daily', atHour: AT_HOUR },
        resetByType: { group: { mode: 'idle', idleMinutes: 30 }, thread: { mode: 'idle' } },
        resetTriggers: ['/new', '/reset', '从头开始'],
      },
    }),
  });
});
afterAll(() => talk[Symbol.asyncDispose]());

const sidOf = async (key: string): Promise<string | undefined> => (await talk.history(key)).sessionId;

/** As if the session had last been used then. */
async function lastUsed(key: string, agoMs: number): Promise<void> {
  const entry = userKeys.entry(talk.userId, `agent:main:${key}`);
  await talk.redis.hset(entry, 'updatedAt', Date.now() - agoMs);
}

/** Milliseconds since the last time the clock showed the hour of the daily reset. */
function sinceReset(): number {
  const boundary = new Date();
  boundary.setHours(AT_HOUR, 0, 0, 0);
  if (boundary.getTime() > Date.now()) boundary.setDate(boundary.getDate() - 1);
  return Date.now() - boundary.getTime();
}

describe('a reset word', () => {
  test.each(['/new', '/reset', '/NEW', ' /Reset ', '从头开始'])(
    '"%s" starts over, asks no model and says so',
    async (word) => {
      const { key } = await talk.say('my word is heliotrope');
      const before = await sidOf(key);
      const asked = talk.model.requests().length;
      const { text, runId } = await talk.say(word, { key });
      expect(text).toBe('New session started · model: watched/m1');
      expect(talk.model.requests()).toHaveLength(asked);
      expect(talk.me.agents(runId)).toEqual([]);
      expect(talk.me.chats(runId)).toHaveLength(1);
      expect(await sidOf(key)).not.toBe(before);
      expect((await talk.say('#history', { key })).text).not.toContain('heliotrope');
    },
  );

  test.each(['/new', '/Reset', '从头开始'])(
    '"%s" with words after it hands the rest to the model',
    async (word) => {
      const { key } = await talk.say('my word is heliotrope');
      const before = await sidOf(key);
      const marker = randomUUID();
      expect((await talk.say(`${word} #echo ${marker}`, { key })).text).toBe(marker);
      const { messages } = await bodyOf(talk, marker);
      expect(messages).toEqual([{ role: 'user', content: [{ type: 'text', text: `#echo ${marker}` }] }]);
      expect(await sidOf(key)).not.toBe(before);
    },
  );

  test.each(['/newspaper', 'a /new thing', '/resetting'])('is not found in "%s"', async (message) => {
    const { key } = await talk.say('my word is heliotrope');
    const before = await sidOf(key);
    await talk.say(message, { key });
    expect(await sidOf(key)).toBe(before);
  });

  test('that is sent twice with one idempotency key resets once', async () => {
    const { key } = await talk.say('my word is heliotrope');
    const idempotencyKey = randomUUID();
    const send = () =>
      talk.me.request<{ status: string }>('chat.send', { sessionKey: key, message: '/new', idempotencyKey });
    expect(await send()).toMatchObject({ status: 'started' });
    await talk.me.end(idempotencyKey);
    const after = await sidOf(key);
    expect(await send()).toMatchObject({ status: 'ok' });
    expect(await sidOf(key)).toBe(after);
  });

  test('lets the turn that runs end where it began', async () => {
    const running = await talk.send('#tokens 30 #delay 30');
    await until(() => talk.me.agents(running.runId).length > 0, 'the first word');
    const { key } = running;
    await talk.say('/new #echo fresh', { key });
    expect((await talk.me.end(running.runId)).state).toBe('final');
    const { messages } = await talk.history(key);
    expect(messages.map(({ content }) => content[0]?.text)).toEqual(['#echo fresh', 'fresh']);
  });
});

describe('time', () => {
  test.each([
    ['a day session used before the hour', '', () => sinceReset() + MINUTE_MS, true],
    ['a day session used since the hour', '', () => sinceReset() - MINUTE_MS, false],
    ['a group idle for longer than its rule', 'slack:group:', () => 31 * MINUTE_MS, true],
    ['a group idle for less', 'slack:group:', () => 29 * MINUTE_MS, false],
    ['a group idle over the hour but not for long', 'slack:channel:', () => 1 * MINUTE_MS, false],
    ['a thread idle for longer than an hour', 'slack:channel:x:thread:', () => 61 * MINUTE_MS, true],
    ['a thread idle for less than an hour', 'slack:channel:x:thread:', () => 59 * MINUTE_MS, false],
  ])('%s', async (_what, prefix, agoMs, startsOver) => {
    const key = `${prefix}${randomUUID()}`;
    await talk.say('my word is heliotrope', { key });
    const before = await sidOf(key);
    await lastUsed(key, agoMs());
    expect(await sidOf(key)).toBe(before); // looking is not using
    const { text } = await talk.say('#history', { key });
    expect(text.includes('heliotrope')).toBe(!startsOver);
    expect((await sidOf(key)) !== before).toBe(startsOver);
  });
});

describe('what a reset leaves', () => {
  const SETTINGS = {
    label: 'kept',
    thinkingLevel: 'low',
    verboseLevel: 'on',
    reasoningLevel: 'on',
    responseUsage: 'tokens',
    sendPolicy: 'allow',
  } as const;
  type Entry = Readonly<Record<string, unknown>>;

  test.each([
    ['sessions.reset', async (key: string) => void (await talk.me.request('sessions.reset', { key }))],
    ['/new', async (key: string) => void (await talk.say('/new', { key }))],
    [
      'an idle night',
      async (key: string) => {
        await lastUsed(key, sinceReset() + MINUTE_MS);
        await talk.say('/status', { key });
      },
    ],
  ])('after %s: settings and the last model stay, counters and overrides go', async (_what, reset) => {
    const key = randomUUID();
    await talk.patch(key, { ...SETTINGS, label: `kept ${key}`, model: 'watched/m2' });
    await talk.say('#tokens 9', { key });
    const { sessionId } = await talk.history(key);
    await reset(key);
    const { sessions } = await talk.me.request<{ sessions: Entry[] }>('sessions.list', { search: key });
    expect(sessions).toHaveLength(1);
    expect(sessions[0]).toMatchObject({
      ...SETTINGS,
      label: `kept ${key}`,
      model: 'm2',
      modelProvider: 'watched',
    });
    expect(sessions[0]).toMatchObject({
      inputTokens: 0,
      outputTokens: 0,
      totalTokens: 0,
      abortedLastRun: false,
    });
    expect(sessions[0]).not.toHaveProperty('modelOverride');
    expect(sessions[0]).not.toHaveProperty('providerOverride');
    expect(sessions[0]?.['sessionId']).not.toBe(sessionId);
  });

  test.each([
    ['/new', async (key: string, message: string) => talk.say(`/new ${message}`, { key })],
    [
      'an idle night',
      async (key: string, message: string) => {
        await lastUsed(key, sinceReset() + MINUTE_MS);
        return await talk.say(message, { key });
      },
    ],
  ])(
    'after %s the very first message is answered by the configured model, thinking as before',
    async (_what, reset) => {
      const [key, marker] = [randomUUID(), randomUUID()];
      await talk.patch(key, { thinkingLevel: 'low', model: 'watched/m2' });
      await talk.say('hello', { key });
      await reset(key, `#echo ${marker}`);
      expect(await bodyOf(talk, marker)).toMatchObject({ model: 'm1', thinking: { budget_tokens: 2_048 } });
    },
  );

  test('sessions.reset says what the session is now, and makes one that is not there', async () => {
    const key = randomUUID();
    const made = await talk.me.request<{ key: string; entry: Entry }>('sessions.reset', {
      key,
      reason: 'new',
    });
    expect(made).toMatchObject({ ok: true, key: `agent:main:${key}`, entry: { systemSent: false } });
    expect(await sidOf(key)).toBe(made.entry['sessionId']);
  });
});
