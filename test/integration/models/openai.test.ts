/** A Chat Completions provider (`api: "openai-completions"`) from one end to the other. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PNG, sseEvents } from '../../support/http-product.ts';
import { until } from '../../support/people.ts';
import { ENTRY, provider, startTalk, type Talk } from './talk.ts';

const KEY = 'sk-openai-0123456789';
const COST = { input: 2_000, output: 8_000, cacheRead: 500, cacheWrite: 0 };

type Message = { role: string; content: unknown; tool_call_id?: string; tool_calls?: unknown[] };
type Body = Readonly<{ messages: Message[]; [member: string]: unknown }>;

let talk: Talk;
beforeAll(async () => {
  talk = await startTalk({
    config: (url) => ({
      gateway: {
        mode: 'local',
        http: { endpoints: { chatCompletions: { enabled: true }, responses: { enabled: true } } },
      },
      models: {
        providers: {
          spoken: provider(`${url}/v1`, {
            api: 'openai-completions',
            apiKey: '${SPOKEN_KEY}',
            headers: { 'x-tenant': 'acme' },
            models: [
              { ...ENTRY, cost: COST },
              { ...ENTRY, id: 'short', maxTokens: 5, reasoning: false },
            ],
          }),
        },
      },
      agents: {
        defaults: {
          model: { primary: 'spoken/m1' },
          models: {
            'spoken/m1': { params: { temperature: 0.5, cacheControlTtl: '1h' } },
            'spoken/short': {},
          },
        },
      },
    }),
    env: { SPOKEN_KEY: KEY },
  });
});
afterAll(() => talk[Symbol.asyncDispose]());

async function bodyOf(word: string): Promise<Body> {
  return (await until(() => talk.asked(word).at(-1), `a request with ${word}`)).body as Body;
}

async function post(path: string, body: object): Promise<Response> {
  const { url, token } = talk.standalone;
  return await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'moltbot', ...body }),
  });
}

describe('a request', () => {
  test('is made to /chat/completions with the key as bearer and the conversation in turn', async () => {
    const { key } = await talk.say('#echo one');
    await talk.say(`#echo ${key}`, { key });
    const { path, headers, body } = await until(() => talk.asked(key).at(-1), 'the request');
    expect(path).toBe('/v1/chat/completions');
    expect(headers).toMatchObject({ authorization: `Bearer ${KEY}`, 'x-tenant': 'acme' });
    expect(body).toEqual({
      model: 'm1',
      stream: true,
      stream_options: { include_usage: true },
      max_completion_tokens: 16_384,
      temperature: 0.5,
      messages: [
        { role: 'system', content: expect.stringMatching(/^You are Moltbot, /) },
        { role: 'user', content: [{ type: 'text', text: '#echo one' }] },
        { role: 'assistant', content: 'one' },
        { role: 'user', content: [{ type: 'text', text: `#echo ${key}` }] },
      ],
    });
  });

  test.each([
    ['off', undefined],
    ['low', 'low'],
    ['high', 'high'],
  ])('asks for the thinking level %s as reasoning effort', async (thinking, effort) => {
    const word = randomUUID();
    await talk.say(`#echo ${word}`, { thinking });
    expect((await bodyOf(word))['reasoning_effort']).toBe(effort);
  });

  test('asks no effort of a model that cannot reason', async () => {
    const key = randomUUID();
    await talk.patch(key, { model: 'spoken/short' });
    await talk.say(`#echo ${key}`, { key, thinking: 'high' });
    expect((await bodyOf(key))['reasoning_effort']).toBeUndefined();
  });

  test('carries an image as a data address', async () => {
    const word = randomUUID();
    const attachments = [{ type: 'image', mimeType: 'image/png', content: PNG }];
    const { text } = await talk.say(`look ${word}`, { attachments });
    expect(text).toMatch(/I received 1 image \(image\/png, \d+ B\)/);
    expect((await bodyOf(word)).messages.at(-1)?.content).toEqual([
      { type: 'text', text: `look ${word}` },
      { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } },
    ]);
  });
});

describe('an answer', () => {
  test('streams as it is made, and is whole at its end', async () => {
    const { text, runId, key } = await talk.say('#tokens 40 #delay 20');
    const deltas = talk.me.agents(runId).filter(({ stream }) => stream === 'assistant');
    expect(deltas.length).toBeGreaterThan(5);
    expect(deltas.map(({ data }) => data['delta']).join('')).toBe(text);
    expect(deltas.at(-1)?.data['text']).toBe(text);
    expect(text).toMatch(/^t1 t2 .* t40$/);
    expect((await talk.history(key)).messages.at(-1)).toMatchObject({
      role: 'assistant',
      content: [{ type: 'text', text }],
      api: 'openai-completions',
      provider: 'spoken',
      model: 'm1',
      stopReason: 'stop',
    });
  });

  test('is paid for as the provider has counted it', async () => {
    const { key } = await talk.say('#tokens 30');
    const usage = (await talk.history(key)).messages.at(-1)?.usage as Record<string, number> | undefined;
    expect(usage).toMatchObject({ output: 30, cacheRead: 0, cacheWrite: 0 });
    expect(usage?.['input']).toBeGreaterThan(20);
    const total = ((usage?.['input'] ?? 0) * COST.input + 30 * COST.output) / 1e6;
    expect(usage?.['cost']).toEqual({ total: expect.closeTo(total, 5) });
  });

  test('cut by the limit says so', async () => {
    const key = randomUUID();
    await talk.patch(key, { model: 'spoken/short' });
    const { text } = await talk.say('#tokens 50', { key });
    expect(text).toBe('t1 t2 t3 t4 t5');
    expect((await talk.history(key)).messages.at(-1)).toMatchObject({ stopReason: 'length' });
  });

  test('that is cut off is an error at both doors, never an answer that looks whole', async () => {
    const { end } = await talk.say('#tokens 9 #fault truncate 3');
    expect(end).toMatchObject({
      state: 'error',
      errorMessage: expect.stringContaining('cut its answer off'),
    });
    const messages = [{ role: 'user', content: '#tokens 9 #fault cut 3' }];
    const events = await sseEvents(await post('/v1/chat/completions', { messages, stream: true }));
    expect(events.some(({ data }) => data === '[DONE]')).toBe(false);
    expect(events.at(-1)?.data).toContain('"error"');
  });
});

describe('tools', () => {
  const tools = [
    {
      type: 'function',
      function: { name: 'weather', description: 'Tells it.', parameters: { type: 'object', properties: {} } },
    },
  ];
  const CALL = { name: 'weather', arguments: '{"city":"Oslo"}' };

  test('are offered, called with whole arguments, and their results sent back', async () => {
    const word = randomUUID();
    const question = { role: 'user', content: `${word} #tool weather {"city":"Oslo"}` };
    const first = await post('/v1/chat/completions', { messages: [question], tools, tool_choice: 'auto' });
    type Choices = {
      choices: { finish_reason: string; message: { content: null; tool_calls: { id: string }[] } }[];
    };
    const { choices } = (await first.json()) as Choices;
    expect(choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { tool_calls: [{ function: CALL }] },
    });
    expect(await bodyOf(word)).toMatchObject({ tools, tool_choice: 'auto' });

    const [call] = choices[0]?.message.tool_calls ?? [];
    const result = { role: 'tool', tool_call_id: call?.id, content: 'twelve degrees' };
    const messages = [question, choices[0]?.message, result];
    const second = await post('/v1/chat/completions', { messages, tools });
    expect(JSON.stringify(await second.json())).toContain('the tool answered “twelve degrees”');
    expect((await bodyOf('twelve degrees')).messages.slice(-2)).toEqual([
      { role: 'assistant', content: null, tool_calls: [{ id: call?.id, type: 'function', function: CALL }] },
      { role: 'tool', tool_call_id: call?.id, content: 'twelve degrees' },
    ]);
  });

  test('are called through /v1/responses too', async () => {
    const [tool] = tools.map(({ function: named }) => ({ type: 'function', ...named }));
    const response = await post('/v1/responses', { input: '#tool weather {"city":"Oslo"}', tools: [tool] });
    expect(await response.json()).toMatchObject({ output: [{ type: 'function_call', ...CALL }] });
  });
});
