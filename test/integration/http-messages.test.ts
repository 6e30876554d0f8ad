import { randomUUID } from 'node:crypto';
import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PNG, sseEvents, startHttpProduct, type HttpProduct } from '../support/http-product.ts';

const PATH = '/v1/messages';
const base = { model: 'moltbot', max_tokens: 2_000 };
const WEATHER: Anthropic.Tool = { name: 'weather', input_schema: { type: 'object', properties: {} } };

let product: HttpProduct;
let anthropic: Anthropic;
beforeAll(async () => {
  product = await startHttpProduct();
  const { url, token } = product.standalone;
  anthropic = new Anthropic({ authToken: token, apiKey: null, baseURL: url, maxRetries: 0 });
});
afterAll(() => product[Symbol.asyncDispose]());

const says = (content: Anthropic.MessageParam['content']): Anthropic.MessageParam => ({
  role: 'user',
  content,
});

async function text(messages: Anthropic.MessageParam[], more: object = {}): Promise<string> {
  const { content } = await anthropic.messages.create({ ...base, messages, ...more });
  return content.map((block) => (block.type === 'text' ? block.text : '')).join('');
}

describe('what comes out', () => {
  test('the events of a stream, in their order', async () => {
    const events = await sseEvents(
      await product.post(PATH, { ...base, stream: true, messages: [says('#tokens 9 #delay 5')] }),
    );
    const types = events.map(({ event }) => event);
    expect(types.filter((type, at) => type !== types[at - 1])).toEqual([
      'message_start',
      'ping',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    expect(events.map(({ data }) => (JSON.parse(data) as { type: string }).type)).toEqual(types);
  });

  test('a limit on the answer is the reason it stops', async () => {
    const message = await anthropic.messages.create({
      ...base,
      max_tokens: 5,
      messages: [says('#tokens 50')],
    });
    expect(message).toMatchObject({
      stop_reason: 'max_tokens',
      content: [{ type: 'text', text: 't1 t2 t3 t4 t5' }],
    });
    expect(message.usage.input_tokens).toBeGreaterThan(0);
    expect(message.usage.output_tokens).toBe(5);
  });

  test('a tool call streams whole, with usage at the end', async () => {
    const stream = anthropic.messages.stream({
      ...base,
      tools: [WEATHER],
      messages: [says('#tool weather {"city":"Oslo"}')],
    });
    const message = await stream.finalMessage();
    expect(message).toMatchObject({
      stop_reason: 'tool_use',
      content: [{ type: 'tool_use', name: 'weather', input: { city: 'Oslo' } }],
    });
    expect(message.usage.input_tokens).toBeGreaterThan(0);
  });
});

describe('what goes in', () => {
  test('system blocks are the system prompt', async () => {
    const system = [
      { type: 'text', text: 'Be brief.' },
      { type: 'text', text: 'Answer in verse.' },
    ];
    expect(await text([says('#system')], { system })).toMatch(/Be brief\.\s+Answer in verse\./);
  });

  test('images and text documents reach the model', async () => {
    const marker = randomUUID();
    const answer = await text([
      says([
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
        {
          type: 'document',
          title: 'towns',
          source: { type: 'text', media_type: 'text/plain', data: 'Ålesund' },
        },
        { type: 'text', text: `#echo ${marker}` },
      ]),
    ]);
    expect(answer).toBe(marker);
    const sent = JSON.stringify((await product.asked(marker)).body);
    expect(sent).toContain(PNG);
    expect(sent).toContain('Ålesund');
  });

  test('a tool call and its result, in blocks, are answered', async () => {
    const question = says('#tool weather {"city":"Oslo"}');
    const first = await anthropic.messages.create({ ...base, tools: [WEATHER], messages: [question] });
    const [call] = first.content;
    const id = call?.type === 'tool_use' ? call.id : '';
    const result = says([
      { type: 'tool_result', tool_use_id: id, content: [{ type: 'text', text: 'twelve degrees' }] },
    ]);
    const messages: Anthropic.MessageParam[] = [
      question,
      { role: 'assistant', content: first.content },
      result,
    ];
    expect(await text(messages, { tools: [WEATHER] })).toContain('twelve degrees');
  });

  test.each([
    [{ type: 'any' }, { type: 'any' }],
    [{ type: 'none' }, { type: 'none' }],
    [{ type: 'auto' }, { type: 'auto' }],
    [
      { type: 'tool', name: 'weather' },
      { type: 'tool', name: 'weather' },
    ],
  ])('tool_choice %j is passed on', async (tool_choice, passed) => {
    const marker = randomUUID();
    await text([says(`#echo ${marker}`)], { tools: [WEATHER], tool_choice });
    expect((await product.asked(marker)).body).toMatchObject({ tool_choice: passed });
  });

  test.each([
    [
      { type: 'enabled', budget_tokens: 1_500 },
      { type: 'enabled', budget_tokens: 1_024 },
    ],
    [
      { type: 'enabled', budget_tokens: 10_000 },
      { type: 'enabled', budget_tokens: 8_192 },
    ],
    [{ type: 'disabled' }, undefined],
  ])('thinking %j stays within its budget', async (thinking, passed) => {
    const marker = randomUUID();
    await text([says(`#echo ${marker}`)], { thinking, max_tokens: 20_000 });
    const { body } = await product.asked(marker);
    expect((body as { thinking?: unknown }).thinking).toEqual(passed);
  });
});

describe('which session', () => {
  test('metadata.user_id remembers', async () => {
    const metadata = { user_id: randomUUID() };
    await text([says('my word is heliotrope')], { metadata });
    expect(await text([says('#history')], { metadata })).toContain('heliotrope');
  });

  test('a conversation that the request brings along is said once, not twice', async () => {
    const metadata = { user_id: randomUUID() };
    const word = randomUUID();
    const marker = randomUUID();
    await text([says(`my word is ${word}`)], { metadata });
    await text(
      [says(`my word is ${word}`), { role: 'assistant', content: 'noted' }, says(`#echo ${marker}`)],
      { metadata },
    );
    const sent = JSON.stringify((await product.asked(marker)).body);
    expect(sent.split(word)).toHaveLength(2);
  });
});

describe('never a truncated answer that looks whole', () => {
  test.each(['cut 3', 'truncate 3', 'overloaded 3', 'malformed 3', '400'])('#fault %s', async (fault) => {
    const messages = [says(`#tokens 9 #fault ${fault}`)];
    const events = await sseEvents(await product.post(PATH, { ...base, messages, stream: true }));
    expect(events.some(({ event }) => event === 'message_stop' || event === 'message_delta')).toBe(false);
    expect(events.at(-1)?.event).toBe('error');
    expect(JSON.parse(events.at(-1)?.data ?? '')).toMatchObject({
      type: 'error',
      error: { type: 'api_error', message: expect.any(String) },
    });

    const whole = await product.post(PATH, { ...base, messages });
    expect(whole.status).toBe(502);
    expect(await whole.json()).toMatchObject({ type: 'error', error: { type: 'api_error' } });
  });
});

test('a client that leaves aborts its run', async () => {
  const marker = randomUUID();
  const stream = anthropic.messages.stream({ ...base, messages: [says(`#tokens 300 #delay 20 ${marker}`)] });
  stream.on('text', () => stream.abort());
  await expect(stream.finalMessage()).rejects.toThrow(Anthropic.APIUserAbortError);
  const request = await product.asked(marker);
  await expect.poll(() => request.outcome, { timeout: 10_000 }).toBe('aborted');
});
