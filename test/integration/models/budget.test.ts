/** The daily budget of a provider: what is held, what is spent, what is refused and in which words. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { budgetKeys } from '@moltbot/shared/redis';
import { listen, until } from '../../support/people.ts';
import { ENTRY, provider, startTalk, type MessagesBody, type Talk } from './talk.ts';

/** An answer of ten tokens costs 0.1 USD, one of a hundred (the model's limit) 1 USD; reading is free. */
const PRICED = {
  ...ENTRY,
  maxTokens: 100,
  reasoning: false,
  cost: { input: 0, output: 10_000, cacheRead: 0, cacheWrite: 0 },
};
const MICRO = 1_000_000;
const LIMITS = { shared: 3.5, failing: 5, slow: 5, thinking: 100 } as const;

let talk: Talk;
beforeAll(async () => {
  const budgeted = (url: string, daily: number, entry: object = PRICED) =>
    provider(url, { budget: { daily, alert: true }, models: [entry] });
  talk = await startTalk({
    config: (url) => ({
      models: {
        providers: {
          free: provider(url),
          tiny: budgeted(url, 0.000_001),
          unpriced: budgeted(url, 100, ENTRY),
          shared: budgeted(url, LIMITS.shared),
          failing: budgeted(url, LIMITS.failing),
          slow: budgeted(url, LIMITS.slow),
          thinking: budgeted(url, LIMITS.thinking, { ...PRICED, maxTokens: 4_000, reasoning: true }),
        },
      },
      agents: { defaults: { model: { primary: 'free/m1' }, timeoutSeconds: 20 } },
    }),
    env: { PROVIDER_STALL_MS: '700', PROVIDER_MAX_RETRIES: '0' },
  });
});
afterAll(() => talk[Symbol.asyncDispose]());

async function sessionOf(name: string): Promise<string> {
  const key = randomUUID();
  await talk.patch(key, { model: `${name}/m1` });
  return key;
}

type Account = { spent: number; held: number; holds: { micro: number; endsAtMs: number }[] };

async function account(name: string): Promise<Account> {
  const scope = `provider:${name}`;
  const day = new Date().toISOString().slice(0, 10);
  const reply = await talk.redis
    .multi()
    .hget(budgetKeys.day(scope, day), 'spent')
    .hvals(budgetKeys.holds(scope))
    .exec();
  const [spent, values] = (reply ?? []).map(([, value]) => value) as [string | null, string[]];
  const unsettled = values.filter((value) => !value.endsWith(' settled'));
  const holds = unsettled.map((value) => {
    const [micro = 0, endsAtMs = 0] = value.split(' ').map(Number);
    return { micro, endsAtMs };
  });
  return { spent: Number(spent ?? 0), held: holds.reduce((sum, { micro }) => sum + micro, 0), holds };
}

describe('a turn is refused, and nothing is asked', () => {
  test.each([
    [
      'tiny',
      /^the daily budget of provider tiny is used up: 0\.0000 USD left, this turn may cost 1\.0000 USD; it starts anew at 00:00 UTC$/,
    ],
    ['unpriced', /^model unpriced\/m1 has no price, and provider unpriced has a daily budget: add its cost/],
  ])('by %s, in words that say what to do', async (name, words) => {
    const key = await sessionOf(name);
    const { end } = await talk.say(`#echo ${key}`, { key });
    expect(end.state).toBe('error');
    expect(end.errorMessage).toMatch(words);
    expect(talk.asked(key)).toEqual([]);
    expect(await account(name)).toEqual({ spent: 0, held: 0, holds: [] });
    await talk.patch(key, { model: 'free/m1' });
    expect((await talk.say('#echo free', { key })).text).toBe('free');
  });

  test('by the HTTP door with a status and the same words', async () => {
    const { url, token } = talk.standalone;
    const key = await sessionOfGateway('tiny');
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'x-moltbot-session-key': key },
      body: JSON.stringify({ model: 'moltbot', messages: [{ role: 'user', content: 'hello' }] }),
    });
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(JSON.stringify(await response.json())).toContain('the daily budget of provider tiny is used up');
  });
});

/** The gateway token's own session: the HTTP door below knows no other user. */
async function sessionOfGateway(name: string): Promise<string> {
  const key = randomUUID();
  const { url, token } = talk.standalone;
  using gateway = listen(url.replace(/^http/, 'ws'), token);
  await gateway.request('sessions.patch', { key, model: `${name}/m1` });
  return key;
}

test('parallel turns never hold and spend more than the limit, and as many as fit are answered', async () => {
  const limit = LIMITS.shared * MICRO;
  const seen: number[] = [];
  let over = false;
  const watching = (async () => {
    while (!over) {
      const { spent, held } = await account('shared');
      seen.push(spent + held);
    }
  })();
  const keys = await Promise.all(Array.from({ length: 8 }, () => sessionOf('shared')));
  const all = await Promise.all(keys.map((key) => talk.say('#tokens 10 #delay 40', { key })));
  over = true;
  await watching;
  const answered = all.filter(({ end }) => end.state === 'final').length;
  const refused = all.filter(({ end }) =>
    /is used up: .* this turn may cost 1\.0000 USD/.test(end.errorMessage ?? ''),
  );
  expect(answered).toBeGreaterThanOrEqual(3);
  expect(answered + refused.length).toBe(8);
  expect(Math.max(...seen)).toBeGreaterThanOrEqual(3 * MICRO);
  expect(Math.max(...seen)).toBeLessThanOrEqual(limit);
  expect(await account('shared')).toEqual({ spent: answered * 100_000, held: 0, holds: [] });
});

describe('a hold is released', () => {
  test.each([
    ['a refusal', '#fault 400', 0],
    ['a connection that is cut before the first word', '#tokens 9 #fault cut 0', 10_000],
    ['a provider that hangs', '#tokens 9 #fault stall 0', 10_000],
    ['a limit', '#tokens 50 #delay 5000', 10_000, { timeoutMs: 300 }],
  ])(
    'after %s, and only what the provider has counted is paid',
    async (_what, message, micro, params?: object) => {
      const before = await account('failing');
      const key = await sessionOf('failing');
      const { end } = await talk.say(message, { key, ...params });
      expect(['error', 'aborted']).toContain(end.state);
      const after = await account('failing');
      expect(after).toMatchObject({ held: 0, holds: [] });
      expect(after.spent - before.spent).toBe(micro);
    },
  );

  test('after an abort', async () => {
    const key = await sessionOf('slow');
    const run = await talk.send('#tokens 50 #delay 200', { key });
    await until(async () => (await account('slow')).held === MICRO, 'the hold');
    await talk.me.request('chat.abort', { sessionKey: key });
    expect(await talk.me.end(run.runId)).toMatchObject({ state: 'aborted', stopReason: 'rpc' });
    const { held, spent } = await account('slow');
    expect(held).toBe(0);
    expect(spent).toBeLessThan(0.2 * MICRO);
  });
});

describe('a hold', () => {
  test('lasts as long as the turn may, when the message sets its own limit', async () => {
    const key = await sessionOf('slow');
    const [timeoutMs, marginMs] = [5_000, 60_000];
    const run = await talk.send('#tokens 9 #delay 200', { key, timeoutMs });
    const { holds } = await until(async () => {
      const now = await account('slow');
      return now.held > 0 && now;
    }, 'the hold');
    const lastsMs = (holds[0]?.endsAtMs ?? 0) - Date.now();
    expect(lastsMs).toBeGreaterThan(timeoutMs);
    expect(lastsMs).toBeLessThanOrEqual(timeoutMs + marginMs);
    await talk.me.end(run.runId);
  });

  test('covers the thinking that is asked for, which never exceeds what the model can write', async () => {
    const key = await sessionOf('thinking');
    const run = await talk.send(`#tokens 9 #delay 200 ${key}`, { key, thinking: 'medium' });
    const { held } = await until(async () => {
      const now = await account('thinking');
      return now.held > 0 && now;
    }, 'the hold');
    const asked = await until(() => talk.asked(key)[0], 'the request');
    const { max_tokens, thinking } = asked.body as MessagesBody;
    expect({ max_tokens, budget: thinking?.budget_tokens }).toEqual({ max_tokens: 4_000, budget: 2_976 });
    expect(held).toBe(max_tokens * 10_000);
    await talk.me.end(run.runId);
  });
});
