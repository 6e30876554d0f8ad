import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startDemoModel, type DemoModel } from './index.ts';

const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const COUNTED = Array.from({ length: 64 }, (_, at) => `t${at + 1}`).join(' ');

let model: DemoModel;
let anthropic: Anthropic;
let openai: OpenAI;

beforeAll(async () => {
  model = await startDemoModel();
  anthropic = new Anthropic({ apiKey: 'none', baseURL: model.baseUrl, maxRetries: 0 });
  openai = new OpenAI({ apiKey: 'none', baseURL: `${model.baseUrl}/v1`, maxRetries: 0 });
});
afterAll(() => model[Symbol.asyncDispose]());
beforeEach(() => {
  model.script([]);
  model.clearRequests();
});

function ask(content: Anthropic.MessageParam['content'], more: Partial<Anthropic.MessageCreateParams> = {}) {
  return {
    model: 'demo-model',
    max_tokens: 2_000,
    messages: [{ role: 'user' as const, content }],
    ...more,
    stream: false as const,
  };
}

function textOf(message: Anthropic.Message): string {
  return message.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('');
}

describe('the Anthropic SDK', () => {
  test('reads a whole answer', async () => {
    const message = await anthropic.messages.create(ask('Hello there'));
    expect(textOf(message)).toMatch(/^Demo model: you said “Hello there”\. /);
    expect(message).toMatchObject({ role: 'assistant', stop_reason: 'end_turn' });
    expect(message.usage.input_tokens).toBe(3);
    expect(message.usage.output_tokens).toBeGreaterThan(10);
  });

  test('reads a stream in the event order of the real API', async () => {
    const stream = await anthropic.messages.create({ ...ask('#tokens 64'), stream: true });
    const events: Anthropic.RawMessageStreamEvent[] = [];
    for await (const event of stream) events.push(event);
    const kinds = events.map((event) => event.type);
    expect(kinds.slice(0, 3)).toEqual(['message_start', 'content_block_start', 'content_block_delta']);
    expect(kinds.slice(-4)).toEqual([
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    expect(kinds.filter((kind) => kind === 'content_block_delta')).toHaveLength(64);
    expect(events.at(-2)).toMatchObject({ delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 64 } });
  });

  test('assembles the streamed text exactly', async () => {
    const message = await anthropic.messages.stream(ask('#tokens 64')).finalMessage();
    expect(textOf(message)).toBe(COUNTED);
  });

  test('gets a signed thinking block first, and may send it back', async () => {
    const thinking = { type: 'enabled' as const, budget_tokens: 1_024 };
    const streamed = await anthropic.messages.stream(ask('#echo yes', { thinking })).finalMessage();
    const whole = await anthropic.messages.create(ask('#echo yes', { thinking }));
    expect(streamed.content).toEqual(whole.content);
    expect(whole.content.map((block) => block.type)).toEqual(['thinking', 'text']);

    const messages = [
      { role: 'user' as const, content: '#echo yes' },
      { role: 'assistant' as const, content: whole.content },
      { role: 'user' as const, content: '#echo again' },
    ];
    const next = await anthropic.messages.create({ ...ask(''), thinking, messages });
    expect(textOf(next)).toBe('again');
    const forged = [{ type: 'thinking' as const, thinking: 'mine', signature: 'mine' }];
    messages.splice(1, 1, { role: 'assistant', content: forged as Anthropic.ContentBlock[] });
    await expect(anthropic.messages.create({ ...ask(''), thinking, messages })).rejects.toThrow(/signature/);
  });

  test('hears about images', async () => {
    const source = { type: 'base64' as const, media_type: 'image/png' as const, data: PIXEL };
    const message = await anthropic.messages.create(
      ask([
        { type: 'image', source },
        { type: 'text', text: 'What is this?' },
      ]),
    );
    expect(textOf(message)).toContain('I received 1 image (image/png, 70 B)');
  });

  test('pays for a marked prefix once', async () => {
    const system = [
      { type: 'text' as const, text: `prefix `.repeat(100), cache_control: { type: 'ephemeral' as const } },
    ];
    const first = await anthropic.messages.create(ask('one', { system }));
    const second = await anthropic.messages.create(ask('two', { system }));
    expect(first.usage).toMatchObject({
      cache_creation_input_tokens: 175,
      cache_read_input_tokens: 0,
      input_tokens: 1,
    });
    expect(second.usage).toMatchObject({
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 175,
      input_tokens: 1,
    });
  });

  test('receives a tool call, streamed and whole', async () => {
    const streamed = await anthropic.messages.stream(ask('#tool weather {"city":"Oslo"}')).finalMessage();
    expect(streamed.stop_reason).toBe('tool_use');
    expect(streamed.content).toMatchObject([{ type: 'tool_use', name: 'weather', input: { city: 'Oslo' } }]);
    const whole = await anthropic.messages.create(ask('#tool weather {"city":"Oslo"}'));
    expect(whole.content).toMatchObject([{ name: 'weather', input: { city: 'Oslo' } }]);
  });

  test('goes on from a prefill', async () => {
    const messages = [
      { role: 'user' as const, content: '#tokens 4' },
      { role: 'assistant' as const, content: 't1 t2' },
    ];
    expect(textOf(await anthropic.messages.create({ ...ask(''), messages }))).toBe(' t3 t4');
  });

  test('answers the last text of a message that joins several', async () => {
    const content = ['#echo before', '#echo after'].map((text) => ({ type: 'text' as const, text }));
    expect(textOf(await anthropic.messages.create(ask(content)))).toBe('after');
  });

  test('stops at max_tokens and at a stop sequence', async () => {
    const short = await anthropic.messages.create(ask('#tokens 9', { max_tokens: 2 }));
    expect([textOf(short), short.stop_reason]).toEqual(['t1 t2', 'max_tokens']);
    const stopped = await anthropic.messages.create(ask('#tokens 9', { stop_sequences: [' t3'] }));
    expect([textOf(stopped), stopped.stop_reason, stopped.stop_sequence]).toEqual([
      't1 t2',
      'stop_sequence',
      ' t3',
    ]);
  });

  test('counts tokens and lists models', async () => {
    const { input_tokens: tokens } = await anthropic.messages.countTokens({
      model: 'demo-model',
      messages: [{ role: 'user', content: 'x'.repeat(400) }],
    });
    expect(tokens).toBe(100);
    expect((await anthropic.models.list()).data.map(({ id }) => id)).toContain('demo-model');
  });
});

describe('the OpenAI SDK', () => {
  const question = (content: string) => ({
    model: 'demo-model',
    messages: [
      { role: 'system' as const, content: 'Be brief.' },
      { role: 'user' as const, content },
    ],
  });

  test('reads a whole answer', async () => {
    const completion = await openai.chat.completions.create(question('#echo **yes**'));
    expect(completion.choices[0]?.message.content).toBe('**yes**');
    expect(completion.usage).toMatchObject({ prompt_tokens: 6, completion_tokens: 1 });
  });

  test('reads a stream with its usage chunk', async () => {
    const stream = await openai.chat.completions.create({
      ...question('#tokens 64'),
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    const [reasons, usages] = [[] as unknown[], [] as unknown[]];
    for await (const { choices, usage } of stream) {
      text += choices[0]?.delta.content ?? '';
      if (choices[0]?.finish_reason) reasons.push(choices[0].finish_reason);
      if (usage) usages.push(usage.completion_tokens);
    }
    expect([text, reasons, usages]).toEqual([COUNTED, ['stop'], [64]]);
  });

  test('lists models and hears refusals in its own words', async () => {
    expect((await openai.models.list()).data.map(({ id }) => id)).toContain('demo-model');
    model.script({ kind: 'status', status: 429 });
    await expect(openai.chat.completions.create(question('hi'))).rejects.toMatchObject({
      status: 429,
      code: 'rate_limit_exceeded',
    });
  });
});
