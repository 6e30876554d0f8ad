import { createServer } from 'node:http';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import type { CatalogModel } from '@moltbot/config';
import type { AskModel, ModelCall, ModelEvent } from '../domain/model.ts';
import { anthropicModel } from './anthropic.ts';
import { openaiModel } from './openai.ts';

const LIMITS = { maxRetries: 0, connectTimeoutMs: 5_000, stallMs: 5_000 };
const CALL: ModelCall = {
  system: '',
  messages: [{ role: 'user', content: [{ type: 'text', text: 'go' }] }],
  tools: [],
  thinking: 'off',
  maxTokens: 100,
};

type Heard = Readonly<{ text: string; output: number; end: string }>;

/** Asks a provider that answers with these server-sent events. */
async function ask(api: 'anthropic' | 'openai', events: readonly Record<string, unknown>[]): Promise<Heard> {
  const body = events
    .map(
      (event) =>
        `event: ${typeof event['type'] === 'string' ? event['type'] : 'message'}\ndata: ${JSON.stringify(event)}\n\n`,
    )
    .join('');
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(api === 'openai' ? `${body}data: [DONE]\n\n` : body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const model = {
    ref: 'p/m',
    provider: 'p',
    baseUrl: `http://127.0.0.1:${port}`,
    headers: {},
    bearer: false,
    params: {},
    entry: { id: 'm', name: 'M' },
  } as unknown as CatalogModel;
  const made = api === 'openai' ? openaiModel(model, 'k', LIMITS) : anthropicModel(model, 'k', LIMITS);
  try {
    return await listenTo(made);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

async function listenTo(model: AskModel): Promise<Heard> {
  const heard: ModelEvent[] = [];
  let end = 'nothing';
  try {
    for await (const event of model(CALL, new AbortController().signal)) {
      heard.push(event);
      if (event.type === 'done') end = event.stop;
    }
  } catch (error) {
    end = String(error);
  }
  return {
    text: heard.map((event) => (event.type === 'text' ? event.text : '')).join(''),
    output: heard.findLast((event) => event.type === 'usage')?.usage.output ?? 0,
    end,
  };
}

test.each([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'toolUse'],
  ['refusal', 'ProviderError: the provider refused to go on (refusal)'],
  ['pause_turn', 'ProviderError: the provider broke its answer off (pause_turn)'],
  ['something_new', 'ProviderError: the provider broke its answer off (something_new)'],
])('Anthropic: %s is %s', async (reason, end) => {
  const usage = { input_tokens: 3, output_tokens: 1 };
  const heard = await ask('anthropic', [
    { type: 'message_start', message: { id: 'x', role: 'assistant', content: [], usage } },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'half' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: reason }, usage: { output_tokens: 7 } },
    { type: 'message_stop' },
  ]);
  expect(heard).toEqual({ text: 'half', output: 7, end });
});

test.each([
  ['stop', 'stop'],
  ['length', 'length'],
  ['tool_calls', 'toolUse'],
  ['content_filter', 'ProviderError: the provider refused to go on (content_filter)'],
  ['something_new', 'ProviderError: the provider broke its answer off (something_new)'],
])('OpenAI: %s is %s', async (reason, end) => {
  const heard = await ask('openai', [
    { choices: [{ index: 0, delta: { content: 'half' }, finish_reason: null }] },
    { choices: [{ index: 0, delta: {}, finish_reason: reason }] },
    { choices: [], usage: { prompt_tokens: 3, completion_tokens: 7 } },
  ]);
  expect(heard).toEqual({ text: 'half', output: 7, end });
});

const PIECE = 'x'.repeat(100_000);
const PIECES = Array.from({ length: 11 }, () => PIECE);

test('Anthropic: a tool call without an end is left', async () => {
  const { end } = await ask('anthropic', [
    { type: 'content_block_start', index: 0, content_block: { type: 'tool_use', id: '1', name: 'search' } },
    ...PIECES.map((partial_json) => ({
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'input_json_delta', partial_json },
    })),
  ]);
  expect(end).toBe('ProviderError: the provider sent a tool call without an end');
});

test('OpenAI: a tool call without an end is left', async () => {
  const { end } = await ask(
    'openai',
    PIECES.map((piece) => ({
      choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: piece } }] } }],
    })),
  );
  expect(end).toBe('ProviderError: the provider sent a tool call without an end');
});

test('OpenAI: a refusal in words is no empty answer', async () => {
  const { end } = await ask('openai', [
    { choices: [{ index: 0, delta: { refusal: 'I will not' }, finish_reason: null }] },
    { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
  ]);
  expect(end).toBe('ProviderError: the provider refused to go on (refusal)');
});
