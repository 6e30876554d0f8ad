import { describe, expect, test } from 'vitest';
import {
  AnthropicMessages,
  AnthropicSystem,
  AnthropicTools,
  readAnthropicMessages,
  readAnthropicToolChoice,
  readAnthropicTools,
  thinkingLevel,
} from './messages-input.ts';

const read = (messages: unknown, system: unknown = ''): ReturnType<typeof readAnthropicMessages> =>
  readAnthropicMessages(AnthropicMessages.parse(messages), AnthropicSystem.parse(system));
const user = (content: unknown): object => ({ role: 'user', content });
const text = (value: string): { type: string; text: string } => ({ type: 'text', text: value });
const use = { type: 'tool_use', id: 't1', name: 'weather', input: { city: 'Oslo' } };
const result = (content: unknown): object => ({ type: 'tool_result', tool_use_id: 't1', content });
const TOOL_RESULT = { type: 'toolResult', toolCallId: 't1', text: '12' };
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
const image = { type: 'image', source: { type: 'base64', media_type: 'image/jpeg', data: PIXEL } };

describe('messages become system, context and what is said now', () => {
  test.each<[string, unknown, object]>([
    ['a string', [user('hello')], { system: undefined, context: [], blocks: [text('hello')] }],
    ['blocks', [user([text('a'), text(''), text('b')])], { blocks: [text('a'), text('b')] }],
    [
      'an image, known by its bytes',
      [user([image])],
      { blocks: [{ type: 'image', mimeType: 'image/png', data: PIXEL }] },
    ],
    [
      'a document',
      [user([{ type: 'document', title: 'T', source: { type: 'text', data: 'd' } }])],
      { blocks: [text('<file name="T">\nd\n</file>')] },
    ],
    [
      'a tool call and its result',
      [
        user('a'),
        { role: 'assistant', content: [{ type: 'thinking', thinking: '…' }, text('A'), use] },
        user([result('12')]),
      ],
      {
        context: [
          user([text('a')]),
          {
            role: 'assistant',
            content: [
              text('A'),
              { type: 'toolCall', id: 't1', name: 'weather', arguments: { city: 'Oslo' } },
            ],
          },
        ],
        blocks: [TOOL_RESULT],
      },
    ],
    [
      'results before all else',
      [user([text('and'), result([text('1'), text('2')])])],
      { blocks: [TOOL_RESULT, text('and')] },
    ],
    [
      'an image of a result stands beside it',
      [user([result([image, text('12')])])],
      { blocks: [TOOL_RESULT, { type: 'image' }] },
    ],
    [
      'a result without content',
      [user([{ type: 'tool_result', tool_use_id: 't1' }])],
      { blocks: [{ ...TOOL_RESULT, text: '' }] },
    ],
  ])('%s', (_what, messages, expected) => {
    expect(read(messages)).toMatchObject(expected);
  });

  test('system blocks are joined', () => {
    expect(read([user('a')], [text('one'), text('two')]).system).toBe('one\n\ntwo');
  });

  test.each<[unknown, string]>([
    [[], 'Missing user message in `messages`.'],
    [[user('')], 'Missing user message in `messages`.'],
    [[user('a'), { role: 'assistant', content: 'A' }], 'cannot be prefilled'],
    [
      [user([{ type: 'image', source: { type: 'url', url: 'https://x.test' } }])],
      'messages.0.content.0.source: send the image itself',
    ],
    [[user([{ type: 'document', source: { type: 'base64', data: 'JVBERi0xLjc=' } }])], 'only text files'],
    [
      [user([{ type: 'container_upload' }])],
      'messages.0.content.0.type: "container_upload" is not supported',
    ],
    [[user([result([{ type: 'document' }])])], '"document" is not supported in a tool result'],
  ])('%j is refused', (messages, message) => {
    expect(() => read(messages)).toThrow(message);
  });
});

test.each<[object | undefined, unknown]>([
  [undefined, undefined],
  [{ type: 'auto' }, 'auto'],
  [{ type: 'none' }, 'none'],
  [{ type: 'any' }, 'required'],
  [
    { type: 'tool', name: 'f' },
    { type: 'function', function: { name: 'f' } },
  ],
])('tool_choice %j', (choice, expected) => {
  expect(readAnthropicToolChoice(choice as { type: 'auto' } | undefined)).toEqual(expected);
});

test.each([
  [undefined, undefined],
  [{ type: 'disabled' }, 'off'],
  [{ type: 'adaptive' }, undefined],
  [{ type: 'enabled', budget_tokens: 1_024 }, 'minimal'],
  [{ type: 'enabled', budget_tokens: 2_048 }, 'low'],
  [{ type: 'enabled', budget_tokens: 16_383 }, 'medium'],
  [{ type: 'enabled', budget_tokens: 16_384 }, 'high'],
  [{ type: 'enabled', budget_tokens: 1_000_000 }, 'xhigh'],
])('thinking %j is level %s', (thinking, level) => {
  expect(thinkingLevel(thinking)).toBe(level);
});

test('tools are the client’s own', () => {
  const schema = { type: 'object' };
  expect(
    readAnthropicTools(
      AnthropicTools.parse([
        { name: 'f', input_schema: schema },
        { type: 'custom', name: 'g', description: 'd', input_schema: schema },
      ]),
    ),
  ).toEqual([
    { name: 'f', inputSchema: schema },
    { name: 'g', description: 'd', inputSchema: schema },
  ]);
  expect(() => readAnthropicTools(AnthropicTools.parse([{ type: 'bash_20250124', name: 'bash' }]))).toThrow(
    'tools.0: ',
  );
});
