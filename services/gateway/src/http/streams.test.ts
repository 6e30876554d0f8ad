import { AppError } from '@moltbot/shared/errors';
import { describe, expect, test } from 'vitest';
import type { Answer } from './answer.ts';
import { openMessageStream } from './messages-stream.ts';
import { ResponseStream } from './responses-stream.ts';
import type { Sse } from './sse.ts';

type Said = Record<string, unknown> & { type: string; output_index?: number; index?: number };

/** Keeps what is sent, and how it ended. */
function recorder(): { sse: Sse; said: Said[]; ended: () => string | undefined } {
  const said: Said[] = [];
  let end: string | undefined;
  const sse: Sse = {
    at: () => undefined,
    frame: () => undefined,
    data: () => undefined,
    event: (_name, value) => void said.push(value as Said),
    end: (last = '') => {
      end = last;
      if (last.startsWith('event: ')) said.push(JSON.parse(/^data: (.*)$/m.exec(last)?.[1] ?? '') as Said);
    },
  };
  return { sse, said, ended: () => end };
}

const ANSWER: Answer = {
  text: 'Let me look.',
  calls: [
    { id: 'c1', name: 'weather', input: { city: 'Oslo' } },
    { id: 'c2', name: 'weather', input: {} },
  ],
  stop: 'toolUse',
  tokens: { input: 100, cached: 60, cacheWrite: 10, output: 7 },
};
const SILENT: Answer = { ...ANSWER, text: '', calls: [], stop: 'stop' };
const HEAD = {
  id: 'resp_1',
  created_at: 1,
  model: 'm',
  instructions: null,
  max_output_tokens: null,
  metadata: {},
  previous_response_id: null,
  tool_choice: 'auto',
  tools: [],
  background: false,
};

describe('a streamed response', () => {
  test('text and two calls are three items, numbered in the order they end', () => {
    const { sse, said, ended } = recorder();
    const stream = new ResponseStream(sse, HEAD);
    stream.delta('Let me ');
    stream.delta('look.');
    stream.finish(ANSWER);
    const items = said.filter(({ type }) => type === 'response.output_item.done');
    expect(items.map(({ output_index: at, item }) => [at, (item as { type: string }).type])).toEqual([
      [0, 'message'],
      [1, 'function_call'],
      [2, 'function_call'],
    ]);
    const last = said.at(-1);
    expect(last).toMatchObject({
      type: 'response.completed',
      response: {
        status: 'completed',
        output: items.map(({ item }) => item),
        usage: {
          input_tokens: 100,
          input_tokens_details: { cached_tokens: 60 },
          output_tokens: 7,
          total_tokens: 107,
        },
      },
    });
    const numbers = said.map(({ sequence_number: number }) => number);
    expect(numbers.slice(0, 7)).toEqual([0, 1, 2, 3, 3 + 'Let me '.length, 3 + ANSWER.text.length, 16]);
    expect(ended()).toBe('data: [DONE]\n\n');
  });

  test('an empty answer is an empty message, not nothing', () => {
    const { sse, said } = recorder();
    new ResponseStream(sse, HEAD).finish(SILENT);
    expect(said.at(-1)).toMatchObject({
      response: { output: [{ type: 'message', content: [{ text: '' }] }] },
    });
  });

  test.each([
    ['BUSY', 'rate_limit_exceeded'],
    ['BUDGET_EXHAUSTED', 'rate_limit_exceeded'],
    ['INVALID_REQUEST', 'invalid_prompt'],
    ['PROVIDER_FAILED', 'server_error'],
  ] as const)('%s fails it with %s and without [DONE]', (code, shown) => {
    const { sse, said, ended } = recorder();
    const stream = new ResponseStream(sse, HEAD);
    stream.delta('Let');
    stream.fail(new AppError(code, 'why'));
    expect(said.at(-1)).toMatchObject({
      type: 'response.failed',
      response: {
        status: 'failed',
        error: { code: shown, message: 'why' },
        output: [{ status: 'incomplete' }],
      },
    });
    expect(ended()).toBe('');
  });
});

describe('a streamed Anthropic message', () => {
  test('text and two calls are three blocks; cached tokens are counted apart', () => {
    const { sse, said } = recorder();
    const stream = openMessageStream(sse, 'm');
    stream.delta('Let me look.', '1-1');
    stream.finish(ANSWER, '1-2');
    const starts = said.filter(({ type }) => type === 'content_block_start');
    expect(
      starts.map(({ index, content_block: block }) => [index, (block as { type: string }).type]),
    ).toEqual([
      [0, 'text'],
      [1, 'tool_use'],
      [2, 'tool_use'],
    ]);
    expect(said.at(-2)).toMatchObject({
      type: 'message_delta',
      delta: { stop_reason: 'tool_use' },
      usage: {
        input_tokens: 30,
        cache_creation_input_tokens: 10,
        cache_read_input_tokens: 60,
        output_tokens: 7,
      },
    });
    expect(said.at(-1)).toEqual({ type: 'message_stop' });
  });

  test.each([
    ['BUSY', 'rate_limit_error'],
    ['UNAVAILABLE', 'overloaded_error'],
    ['TIMEOUT', 'timeout_error'],
    ['PROVIDER_FAILED', 'api_error'],
  ] as const)('%s ends it with %s', (code, shown) => {
    const { sse, said } = recorder();
    openMessageStream(sse, 'm').fail(new AppError(code, 'why'));
    expect(said.at(-1)).toEqual({ type: 'error', error: { type: shown, message: 'why' } });
  });
});
