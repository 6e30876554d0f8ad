/** Every way moltbot.json names an Anthropic-compatible provider, and what then goes over the wire. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RecordedRequest } from '@moltbot/demo-model';
import { PNG } from '../../support/http-product.ts';
import { until } from '../../support/people.ts';
import { startProvider, type Provider } from '../guide/provider.ts';
import { bodyOf, ENTRY, provider, startTalk, type MessagesBody, type Talk } from './talk.ts';

const KEY = 'key-of-the-file-0123456789';
const THINKERS = { minimal: 1_024, low: 2_048, medium: 8_192, high: 16_384, xhigh: 32_000 } as const;

/** While the file gives parameters to one model, its list is the allowlist. */
const ALLOWED = [
  'watched/m1',
  ...['below', 'slashed', 'bearer', 'token', 'plain', 'keyless'].map((name) => `${name}/m1`),
  'anthropic/claude-sonnet-4-5',
  'bigmodel/glm-4.7',
  'openai/gpt-5',
];

let talk: Talk;
let below: Provider;
beforeAll(async () => {
  below = await startProvider();
  talk = await startTalk({
    config: (url) => ({
      models: {
        providers: {
          watched: provider(url),
          plain: provider(url, { models: [{ ...ENTRY, reasoning: false, maxTokens: 900 }] }),
          below: provider(below.baseUrl, {
            apiKey: '${FILE_KEY}',
            headers: { 'x-tenant': 'acme', 'x-app': 'all' },
            models: [{ ...ENTRY, headers: { 'x-app': 'one' } }],
          }),
          slashed: provider(`${below.baseUrl}/`, { apiKey: KEY }),
          bearer: provider(below.baseUrl, { apiKey: KEY, authHeader: true }),
          token: provider(below.baseUrl, { apiKey: KEY, auth: 'token' }),
          bigmodel: { baseUrl: below.baseUrl },
          keyless: provider(url, { apiKey: undefined }),
          openai: {},
        },
      },
      agents: {
        defaults: {
          model: { primary: 'watched/m1' },
          thinkingDefault: 'low',
          models: {
            ...Object.fromEntries(ALLOWED.map((ref) => [ref, {}])),
            'watched/m2': { alias: 'tuned', params: { temperature: 0.25, maxTokens: 777, top_k: 5 } },
          },
        },
      },
    }),
    env: {
      FILE_KEY: KEY,
      ANTHROPIC_API_KEY: 'key-of-anthropic',
      ANTHROPIC_BASE_URL: below.baseUrl,
      BIGMODEL_API_KEY: 'key-of-bigmodel',
    },
  });
});
afterAll(async () => {
  await talk[Symbol.asyncDispose]();
  await below[Symbol.asyncDispose]();
});

/** A word said to a model, and the request it came to. */
async function ask(model: string, from: Pick<Provider, 'requests'>): Promise<RecordedRequest> {
  const key = `s-${randomUUID()}`;
  await talk.patch(key, { model });
  const { text } = await talk.say(`#echo ${key}`, { key });
  expect(text).toBe(key);
  const found = from.requests().find(({ body }) => JSON.stringify(body).includes(key));
  if (found === undefined) throw new Error(`${model} was not asked`);
  return found;
}

describe('a provider is reached', () => {
  test.each([
    ['below/m1', { 'x-api-key': KEY, 'x-tenant': 'acme', 'x-app': 'one' }, 'authorization'],
    ['slashed/m1', { 'x-api-key': KEY }, 'authorization'],
    ['bearer/m1', { authorization: `Bearer ${KEY}` }, 'x-api-key'],
    ['token/m1', { authorization: `Bearer ${KEY}` }, 'x-api-key'],
    ['anthropic/claude-sonnet-4-5', { 'x-api-key': 'key-of-anthropic' }, 'authorization'],
    ['bigmodel/glm-4.7', { 'x-api-key': 'key-of-bigmodel' }, 'authorization'],
  ])('%s below the path of its address, with its own credential alone', async (ref, headers, absent) => {
    const request = await ask(ref, below);
    expect(request).toMatchObject({ method: 'POST', path: '/v1/messages', headers });
    expect(request.headers['anthropic-version']).toBe('2023-06-01');
    expect(request.headers[absent]).toBeUndefined();
    expect(request.body).toMatchObject({ model: ref.slice(ref.indexOf('/') + 1), stream: true });
  });

  test('a provider without a key says which setting is missing, and nothing is asked', async () => {
    const key = `s-${randomUUID()}`;
    await talk.patch(key, { model: 'keyless/m1' });
    const { end } = await talk.say('hello', { key });
    expect(end).toMatchObject({ state: 'error' });
    expect(end.errorMessage).toContain('models.providers.keyless.apiKey');
    expect(talk.asked(key)).toEqual([]);
  });

  test('a provider known by name without a key says which variable is missing', async () => {
    await talk.patch('unkeyed', { model: 'openai/gpt-5' });
    const { end } = await talk.say('hello', { key: 'unkeyed' });
    expect(end.errorMessage).toMatch(/^no API key for provider openai: set OPENAI_API_KEY or /);
  });

  test('a model nobody knows is refused where it is chosen, and named with those that are known', async () => {
    const wanted = talk.patch('nobody', { model: 'nobody/none' });
    await expect(wanted).rejects.toThrow('model not allowed: nobody/none');
    const idempotencyKey = randomUUID();
    void talk.me
      .request('agent', { message: 'hello', idempotencyKey, model: 'nobody/none' })
      .catch(() => undefined);
    const { state, errorMessage } = await talk.me.end(idempotencyKey);
    expect(state).toBe('error');
    expect(errorMessage).toMatch(/^model nobody\/none is not configured; known: watched\/m1/);
  });
});

test.each(['anthropic/claude-haiku-4-5', 'claude-haiku-4-5', 'watched/m3'])(
  '%s is known and not on the list: it is refused wherever it is asked for',
  async (model) => {
    await expect(talk.patch('listed', { model })).rejects.toThrow(`model not allowed: ${model}`);
    const idempotencyKey = randomUUID();
    void talk.me.request('agent', { message: 'hello', idempotencyKey, model }).catch(() => undefined);
    const { errorMessage } = await talk.me.end(idempotencyKey);
    expect(errorMessage).toContain(
      `model ${model} is not allowed by agents.defaults.models; allowed: watched/m1`,
    );
  },
);

describe('a request', () => {
  test('holds the company’s words, the conversation in turn and the limit of the model', async () => {
    const { key } = await talk.say('#echo one');
    await talk.say('#echo two', { key });
    const { text } = await talk.say('#history', { key });
    expect(text).toContain('I was sent 5 messages');
    const body = await bodyOf(talk, '#history');
    expect(body.system).toEqual([{ type: 'text', text: expect.stringMatching(/^You are Moltbot, /) }]);
    expect(body.messages).toEqual([
      { role: 'user', content: [{ type: 'text', text: '#echo one' }] },
      { role: 'assistant', content: [{ type: 'text', text: 'one' }] },
      { role: 'user', content: [{ type: 'text', text: '#echo two' }] },
      { role: 'assistant', content: [{ type: 'text', text: 'two' }] },
      { role: 'user', content: [{ type: 'text', text: '#history' }] },
    ]);
    expect(body.max_tokens).toBe(16_384);
    expect(JSON.stringify(body)).not.toContain('cache_control');
  });

  test('carries the parameters of its model, chosen by an alias', async () => {
    await talk.patch('tuned', { model: 'tuned' });
    await talk.say('#echo tuned', { key: 'tuned', thinking: 'off' });
    expect(await bodyOf(talk, '#echo tuned')).toMatchObject({
      model: 'm2',
      max_tokens: 777,
      temperature: 0.25,
      top_k: 5,
    });
  });

  test('never asks for more than the model can write', async () => {
    await talk.patch('short', { model: 'plain/m1' });
    await talk.say('#echo short', { key: 'short' });
    expect((await bodyOf(talk, '#echo short')).max_tokens).toBe(900);
  });
});

describe('thinking', () => {
  const thinkingOf = async (word: string) => (await bodyOf(talk, word)).thinking;

  test.each(Object.entries(THINKERS))('%s in chat.send', async (thinking, budget_tokens) => {
    const word = randomUUID();
    await talk.say(`#echo ${word}`, { thinking });
    const { thinking: asked, max_tokens } = await bodyOf(talk, word);
    expect(asked).toEqual({ type: 'enabled', budget_tokens });
    expect(max_tokens).toBeGreaterThan(budget_tokens);
  });

  test('the message wins over the session, the session over the configuration', async () => {
    const { key } = await talk.say('#echo first');
    const asked = async (thinking?: string): Promise<MessagesBody['thinking']> => {
      const word = randomUUID();
      await talk.say(`#echo ${word}`, { key, ...(thinking && { thinking }) });
      return await thinkingOf(word);
    };
    expect(await asked()).toMatchObject({ budget_tokens: THINKERS.low });
    await talk.patch(key, { thinkingLevel: 'medium' });
    expect(await asked()).toMatchObject({ budget_tokens: THINKERS.medium });
    expect(await asked('high')).toMatchObject({ budget_tokens: THINKERS.high });
    expect(await asked('off')).toBeUndefined();
    await talk.patch(key, { thinkingLevel: null });
    expect(await asked()).toMatchObject({ budget_tokens: THINKERS.low });
  });

  test('a model that cannot think is not asked to', async () => {
    const [key, word] = [randomUUID(), randomUUID()];
    await talk.patch(key, { model: 'plain/m1' });
    await talk.say(`#echo ${word}`, { key, thinking: 'high' });
    expect(await thinkingOf(word)).toBeUndefined();
  });

  test('is streamed, kept in history, and never sent back', async () => {
    const { key, runId } = await talk.say('#echo thought', { thinking: 'low' });
    const kept = (await talk.history(key)).messages.at(-1)?.content ?? [];
    expect(kept.map(({ type }) => type)).toEqual(['thinking', 'text']);
    expect(kept[0]?.['thinking']).toContain('I am the demo model');
    const told = talk.me.agents(runId).filter(({ stream }) => stream === 'thinking');
    expect(told.at(-1)?.data['text']).toBe(kept[0]?.['thinking']);
    expect(talk.me.chats(runId).at(-1)?.message?.content).toEqual([{ type: 'text', text: 'thought' }]);

    const word = randomUUID();
    await talk.say(`#echo ${word}`, { key, thinking: 'low' });
    const { messages } = await bodyOf(talk, word);
    expect(messages[1]).toEqual({ role: 'assistant', content: [{ type: 'text', text: 'thought' }] });
  });
});

describe('an image', () => {
  const IMAGE = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } };

  test.each([
    ['as base64', PNG],
    ['as a data address', `data:image/png;base64,${PNG}`],
  ])('of a message reaches the model %s, and stays in the conversation', async (_what, content) => {
    const [word, later] = [randomUUID(), randomUUID()];
    const attachments = [{ type: 'image', mimeType: 'image/png', fileName: 'dot.png', content }];
    const { key, text } = await talk.say(`look ${word}`, { attachments });
    expect(text).toMatch(/I received 1 image \(image\/png, \d+ B\)/);
    expect((await bodyOf(talk, word)).messages.at(-1)?.content).toEqual([
      { type: 'text', text: `look ${word}` },
      IMAGE,
    ]);
    expect((await talk.history(key)).messages[0]?.content[1]).toMatchObject({ type: 'image', data: PNG });
    await talk.say(`and now ${later}`, { key });
    expect((await bodyOf(talk, later)).messages[0]?.content).toContainEqual(IMAGE);
  });

  test.each([
    ['no base64', { content: 'not base64!' }, /attachment dot\.png: invalid base64 content/],
    ['no image', { content: Buffer.from('plain text').toString('base64') }, /only png, jpeg, gif and webp/],
  ])('that is %s is refused with the name of the file', async (_what, attachment, refusal) => {
    const attachments = [{ fileName: 'dot.png', ...attachment }];
    await expect(talk.send('look', { attachments })).rejects.toThrow(refusal);
  });

  test('is told of, not sent, where the model reads text alone', async () => {
    const word = randomUUID();
    const attachments = [{ type: 'image', mimeType: 'image/png', content: PNG }];
    const { key } = await talk.say(`look ${word}`, { attachments });
    await talk.patch(key, { model: 'bigmodel/glm-4.7' });
    await talk.say(`and now ${word}`, { key, attachments });
    const asked = below.requests().find(({ body }) => JSON.stringify(body).includes(word));
    const unseen = { type: 'text', text: '(an image is here, and this model reads text alone)' };
    expect(asked?.body).toMatchObject({
      messages: [{ content: [{}, unseen] }, {}, { content: [{}, unseen] }],
    });
    expect(JSON.stringify(asked?.body)).not.toContain(PNG);
    await talk.patch(key, { model: 'watched/m1' });
    await talk.say(`and again ${word}`, { key });
    expect((await bodyOf(talk, `and again ${word}`)).messages[0]?.content).toContainEqual(IMAGE);
  });

  test('of an HTTP request reaches the model as the same block', async () => {
    const word = randomUUID();
    const { url, token } = talk.standalone;
    const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } };
    const content = [{ type: 'text', text: `look ${word}` }, image];
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ model: 'moltbot', messages: [{ role: 'user', content }] }),
    });
    expect(answer.status).toBe(200);
    const request = await until(() => talk.asked(word)[0], 'the request');
    expect((request.body as { messages: { content: unknown[] }[] }).messages.at(-1)?.content[1]).toEqual(
      IMAGE,
    );
  });
});
