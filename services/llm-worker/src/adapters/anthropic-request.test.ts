import { describe, expect, test } from 'vitest';
import type { ContextMessage } from '@moltbot/shared/contracts';
import type { CatalogModel } from '@moltbot/config';
import type { ModelCall } from '../domain/model.ts';
import { anthropicRequest } from './anthropic-request.ts';

const MODEL: CatalogModel = {
  ref: 'p/m',
  provider: 'p',
  api: 'anthropic-messages',
  baseUrl: 'http://p',
  headers: {},
  bearer: false,
  entry: { id: 'm' },
  price: undefined,
  params: {},
};
const says = (role: ContextMessage['role'], ...texts: string[]): ContextMessage => ({
  role,
  content: texts.map((text) => ({ type: 'text', text })),
});
const CALL: ModelCall = {
  system: 'Be kind.',
  messages: [says('user', 'one'), says('assistant', 'two'), says('user', 'three', 'four')],
  tools: [],
  thinking: 'off',
  maxTokens: 900,
};
const request = (call: Partial<ModelCall> = {}, params: CatalogModel['params'] = {}) =>
  anthropicRequest({ ...CALL, ...call }, { ...MODEL, params });

describe('cache marks', () => {
  test.each(['5m', '1h'])('%s: on the system and on the last block, nowhere else', (ttl) => {
    const mark = { type: 'ephemeral', ttl };
    const { system, messages } = request({}, { cacheControlTtl: ttl });
    expect(system).toEqual([{ type: 'text', text: 'Be kind.', cache_control: mark }]);
    expect(messages.at(-1)?.content).toEqual([
      { type: 'text', text: 'three' },
      { type: 'text', text: 'four', cache_control: mark },
    ]);
    expect(JSON.stringify(messages).split('cache_control')).toHaveLength(2);
  });

  test.each([undefined, '2h', true])('%s: none', (ttl) => {
    expect(JSON.stringify(request({}, { cacheControlTtl: ttl }))).not.toContain('cache_control');
  });

  test('the messages that came in are not written to', () => {
    request({}, { cacheControlTtl: '1h' });
    expect(JSON.stringify(CALL)).not.toContain('cache_control');
  });
});

test('an answer that has begun comes last, after the cache mark', () => {
  const params = { cacheControlTtl: '5m' };
  const begun = request({ prefix: 'half a' }, params).messages;
  expect(begun).toEqual([...request({}, params).messages, { role: 'assistant', content: 'half a' }]);
});

test('no system, no tools and no thinking are not sent at all', () => {
  expect(request({ system: '' })).toEqual({
    model: 'm',
    max_tokens: 900,
    stream: true,
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'one' }] },
      { role: 'assistant', content: [{ type: 'text', text: 'two' }] },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'three' },
          { type: 'text', text: 'four' },
        ],
      },
    ],
  });
});

test('images, tool calls and their results take the provider’s form', () => {
  const content = [
    { type: 'image', mimeType: 'image/png', data: 'QUJD' },
    { type: 'toolCall', id: 'c1', name: 'weather', arguments: { city: 'Oslo' } },
    { type: 'toolResult', toolCallId: 'c1', text: 'rain' },
  ];
  expect(request({ messages: [{ role: 'user', content }] }).messages[0]?.content).toEqual([
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'QUJD' } },
    { type: 'tool_use', id: 'c1', name: 'weather', input: { city: 'Oslo' } },
    { type: 'tool_result', tool_use_id: 'c1', content: 'rain' },
  ]);
});

test.each([
  ['auto', { type: 'auto' }],
  ['none', { type: 'none' }],
  ['required', { type: 'any' }],
  [
    { type: 'function', function: { name: 'weather' } },
    { type: 'tool', name: 'weather' },
  ],
  [
    { type: 'function', name: 'weather' },
    { type: 'tool', name: 'weather' },
  ],
])('tool choice %j', (toolChoice, expected) => {
  const tools = [{ name: 'weather', inputSchema: { properties: {} } }];
  const { tools: sent, tool_choice } = request({ tools, toolChoice });
  expect(sent).toEqual([{ name: 'weather', input_schema: { type: 'object', properties: {} } }]);
  expect(tool_choice).toEqual(expected);
});

test('parameters the API knows go through, ours do not', () => {
  const sent = request({}, { temperature: 0.2, cacheControlTtl: '1h', maxTokens: 5, madeUp: true });
  expect(sent).toMatchObject({ temperature: 0.2, max_tokens: 900 });
  expect(Object.keys(sent)).not.toContain('madeUp');
});
