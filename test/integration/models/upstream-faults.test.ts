/** What providers do that they should not, seen from every door: nothing that was cut looks whole, nothing hangs, nothing is paid for twice. */
import { randomUUID } from 'node:crypto';
import { budgetKeys, userKeys } from '@moltbot/shared/redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../support/people.ts';
import { ENTRY, provider, startTalk, type Talk } from './talk.ts';

const STALL_MS = 1_500;
const CONNECT_MS = 1_000;
const RETRIES = 2;
/** Every wait for an answer that never begins, and the pauses between them, with room for a slow machine. */
const SILENT_AT_MOST_MS = (RETRIES + 1) * CONNECT_MS + 10_000;
const PRICE = { input: 0, output: 1_000_000, cacheRead: 0, cacheWrite: 0 };

let talk: Talk;
beforeAll(async () => {
  talk = await startTalk({
    config: (url) => {
      const models = [ENTRY, { ...ENTRY, id: 'short', maxTokens: 10 }];
      const paid = { models: [{ ...ENTRY, reasoning: false, cost: PRICE }], budget: { daily: 1_000_000 } };
      const spoken = { api: 'openai-completions' };
      return {
        models: {
          providers: {
            watched: provider(url, { models }),
            spoken: provider(`${url}/v1`, { ...spoken, models }),
            paid: provider(url, paid),
            'paid-spoken': provider(`${url}/v1`, { ...spoken, ...paid }),
          },
        },
        agents: {
          defaults: { model: { primary: 'watched/m1' }, timeoutSeconds: 60 },
          list: [
            { id: 'main', default: true },
            { id: 'backed', model: { primary: 'paid/m1', fallbacks: ['paid-spoken/m1'] } },
          ],
        },
      };
    },
    env: {
      PROVIDER_STALL_MS: String(STALL_MS),
      PROVIDER_CONNECT_TIMEOUT_MS: String(CONNECT_MS),
      PROVIDER_MAX_RETRIES: String(RETRIES),
    },
  });
});
afterAll(() => talk[Symbol.asyncDispose]());

const words = (count: number): string => Array.from({ length: count }, (_, at) => `t${at + 1}`).join(' ');

async function sessionWith(model: string): Promise<string> {
  const key = randomUUID();
  await talk.patch(key, { model });
  return key;
}
const answerOf = async (key: string) => (await talk.history(key)).messages.at(-1);

async function post(path: string, model: string, message: string): Promise<string> {
  const response = await fetch(`${talk.standalone.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${talk.standalone.token}` },
    body: JSON.stringify({
      model,
      stream: true,
      max_tokens: 1_000,
      ...(path === '/v1/responses' ? { input: message } : { messages: [{ role: 'user', content: message }] }),
    }),
  });
  return await response.text();
}

/** The name of the last event of a stream that names its events. */
const lastEvent = (text: string): string | undefined => [...text.matchAll(/^event: (.+)$/gm)].at(-1)?.[1];

/** The fault, how many words come before it, and what people are told. */
const BROKEN = [
  ['cut 5', 5, ''],
  ['truncate 5', 5, 'cut its answer off'],
  ['malformed 5', 5, 'cannot be read'],
  ['overloaded 5', 5, 'failed'],
  ['stall 5', 5, 'sent nothing for 1.5 s'],
  ['stop moon_phase', 20, 'broke its answer off (moon_phase)'],
  ['stop refusal', 20, 'refused to go on (refusal)'],
  ['stop content_filter', 20, 'refused to go on (content_filter)'],
  ['reset', 0, 'cannot be reached'],
  ['silent', 0, 'did not answer in time'],
] as const;

describe.concurrent.each(['watched/m1', 'spoken/m1'])('T-1: %s', { timeout: 60_000 }, (model) => {
  test.each(BROKEN)('that answers with %s: no door makes it look whole', async (fault, count, said) => {
    const key = await sessionWith(model);
    const message = `#tokens 20 #delay 5 #fault ${fault} ${key}`;
    const startedAtMs = Date.now();
    const [{ end }, chat, responses, messages] = await Promise.all([
      talk.say(message, { key }),
      post('/v1/chat/completions', model, message),
      post('/v1/responses', model, message),
      post('/v1/messages', model, message),
    ]);
    expect(Date.now() - startedAtMs).toBeLessThan(SILENT_AT_MOST_MS);
    expect(end).toMatchObject({ state: 'error', errorMessage: expect.stringContaining(said) });
    expect(await answerOf(key)).toMatchObject({
      content: count === 0 ? [] : [{ type: 'text', text: words(count) }],
      stopReason: 'error',
      errorMessage: end.errorMessage,
    });
    expect(chat).toMatch(/data: {"error":{"message":"[^]+"code":"provider_failed"}}\n\n$/);
    expect(chat).not.toMatch(/\[DONE\]|"finish_reason":"/);
    expect([lastEvent(responses), lastEvent(messages)]).toEqual(['response.failed', 'error']);
    expect(responses).not.toContain('[DONE]');
    // asked again before the first word only: by each of the four
    expect(talk.asked(key)).toHaveLength(4 * (count === 0 ? RETRIES + 1 : 1));
  });

  test.each(['reset x2', 'silent x1'])('that answers after %s is waited for', async (fault) => {
    const key = await sessionWith(model);
    const { text } = await talk.say(`#tokens 3 #fault ${fault} ${key}`, { key });
    expect(text).toBe('t1 t2 t3');
    expect(talk.asked(key)).toHaveLength(Number(/x(\d)/.exec(fault)?.[1]) + 1);
  });

  test.each([1, 2, 3, 7])(
    'whose bytes come %i at a time is understood to the last character',
    async (bytes) => {
      const key = await sessionWith(model);
      const said = `你好，世界 👋🏽 naïve\n\n${key}`;
      const { text } = await talk.say(`#fault split ${bytes} #echo ${said}`, { key });
      expect(text).toBe(said);
    },
  );

  test('that says nothing and ends well: an empty answer, with an end', async () => {
    const key = await sessionWith(model);
    const message = `#tokens 9 #fault empty ${key}`;
    const { end, text } = await talk.say(message, { key });
    expect([end.state, text]).toEqual(['final', '']);
    expect(await answerOf(key)).toMatchObject({ content: [], stopReason: 'stop' });
    expect(await post('/v1/chat/completions', model, message)).toMatch(
      /"finish_reason":"stop"[^]*data: \[DONE\]\n\n$/,
    );
    expect((await talk.say('#echo and on', { key })).text).toBe('and on');
  });

  test('that never ends and knows no limit is cut at ours, and every door says so', async () => {
    const short = model.replace('m1', 'short');
    const key = await sessionWith(short);
    const message = `#tokens 20 #fault endless ${key}`;
    const [{ end, text }, chat, responses] = await Promise.all([
      talk.say(message, { key }),
      post('/v1/chat/completions', short, message),
      post('/v1/responses', short, message),
    ]);
    expect(end.state).toBe('final');
    expect(text.length, 'ten tokens of 32 characters, and the piece that was too much').toBeLessThan(400);
    const answer = await answerOf(key);
    expect(answer).toMatchObject({ content: [{ text }], stopReason: 'length' });
    expect(answer?.usage?.['output'], 'an estimate, since nobody counted').toBeGreaterThan(60);
    expect(chat).toMatch(/"finish_reason":"length"/);
    expect(lastEvent(responses)).toBe('response.incomplete');
    await until(
      () => talk.asked(key).every(({ outcome }) => outcome === 'aborted'),
      'all three calls are left',
    );
  });
});

describe.each(['paid', 'paid-spoken'])('what is paid to %s', { timeout: 60_000 }, (name) => {
  const day = new Date().toISOString().slice(0, 10);
  const spent = async (): Promise<number> =>
    Number((await talk.redis.hget(budgetKeys.day(`provider:${name}`, day), 'spent')) ?? 0) / 1_000_000;
  const counted = async (): Promise<number> =>
    Number((await talk.redis.hget(userKeys.usage(talk.userId, day), `${name}/m1|output`)) ?? 0);

  /** One US dollar a token. */
  test.each([
    ['a call that is made three times and answered once', '429 x2 retry-after 0.1', 8],
    ['a call whose connection was reset twice', 'reset x2', 8],
    ['what was said before it was cut', 'truncate 3', 2],
  ])('is once for %s', async (_what, fault, tokens) => {
    const key = await sessionWith(`${name}/m1`);
    const before = [await spent(), await counted()];
    await talk.say(`#tokens 8 #fault ${fault} ${key}`, { key });
    const after = [await spent(), await counted()];
    expect(after.map((value, at) => value - (before[at] ?? 0))).toEqual([tokens, tokens]);
    expect((await answerOf(key))?.usage).toMatchObject({ output: tokens });
  });
});

test(
  'a fallback is paid for alone when the model before it has said nothing',
  { timeout: 60_000 },
  async () => {
    const key = `agent:backed:${randomUUID()}`;
    const day = new Date().toISOString().slice(0, 10);
    const spent = async (): Promise<number[]> =>
      await Promise.all(
        ['paid', 'paid-spoken'].map(async (name) =>
          Number((await talk.redis.hget(budgetKeys.day(`provider:${name}`, day), 'spent')) ?? 0),
        ),
      );
    const before = await spent();
    // whoever fails fails for this text alone: the first model as often as it is asked
    await talk.say(`#tokens 8 #fault reset x${RETRIES + 1} ${key}`, { key });
    expect(await answerOf(key)).toMatchObject({ stopReason: 'stop', content: [{ text: words(8) }] });
    const after = await spent();
    expect(after.map((value, at) => value - (before[at] ?? 0))).toEqual([0, 8_000_000]);
  },
);
