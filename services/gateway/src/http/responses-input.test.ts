import { describe, expect, test } from 'vitest';
import { readInput, readToolChoice, readTools, ResponsesInput, ResponsesTools } from './responses-input.ts';

const read = (input: unknown, instructions?: string): ReturnType<typeof readInput> =>
  readInput(ResponsesInput.parse(input), instructions);
const user = (content: unknown): object => ({ role: 'user', content });
const call = { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{"city":"Oslo"}' };
const output = { type: 'function_call_output', call_id: 'c1', output: '12' };
const TOOL_CALL = { type: 'toolCall', id: 'c1', name: 'weather', arguments: { city: 'Oslo' } };
const TOOL_RESULT = { type: 'toolResult', toolCallId: 'c1', text: '12' };
const said = (text: string): object => ({ type: 'text', text });

describe('input becomes system, context and what is said now', () => {
  test.each<[string, unknown, object]>([
    ['a string', 'hello', { system: undefined, context: [], blocks: [said('hello')] }],
    ['an item without a type', [user('hello')], { context: [], blocks: [said('hello')] }],
    [
      'parts',
      [
        user([
          { type: 'input_text', text: 'a' },
          { type: 'text', text: 'b' },
        ]),
      ],
      { blocks: [said('a'), said('b')] },
    ],
    ['two user items', [user('a'), user('b')], { context: [], blocks: [said('a'), said('b')] }],
    [
      'an earlier answer',
      [user('a'), { role: 'assistant', content: [{ type: 'output_text', text: 'A' }] }, user('b')],
      {
        context: [
          { role: 'user', content: [said('a')] },
          { role: 'assistant', content: [said('A')] },
        ],
        blocks: [said('b')],
      },
    ],
    ['the result of a tool alone', [output], { context: [], blocks: [TOOL_RESULT] }],
    [
      'a tool call and its result',
      [user('a'), call, output],
      {
        context: [
          { role: 'user', content: [said('a')] },
          { role: 'assistant', content: [TOOL_CALL] },
        ],
        blocks: [TOOL_RESULT],
      },
    ],
    [
      'somebody else’s reasoning',
      [{ type: 'reasoning', summary: [] }, user('a')],
      { context: [], blocks: [said('a')] },
    ],
    [
      'a refusal',
      [{ role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] }, user('a')],
      { context: [{ role: 'assistant', content: [said('no')] }] },
    ],
    [
      'a file of Moltbot’s form',
      [user([{ type: 'input_file', source: { type: 'base64', data: 'YQ==', filename: 'a.txt' } }])],
      { blocks: [said('<file name="a.txt">\na\n</file>')] },
    ],
  ])('%s', (_what, input, expected) => {
    expect(read(input)).toMatchObject(expected);
  });

  test('instructions come before system items, wherever those stand', () => {
    const { system } = read(
      [
        user('a'),
        { role: 'system', content: 'two' },
        { role: 'developer', content: [{ type: 'input_text', text: 'three' }] },
      ],
      'one',
    );
    expect(system).toBe('one\n\ntwo\n\nthree');
  });
});

describe('what cannot be read is refused with its place', () => {
  test.each<[unknown, string]>([
    ['', 'Missing user message in `input`.'],
    [[], 'Missing user message in `input`.'],
    [[user('a'), { role: 'assistant', content: 'A' }], 'Missing user message in `input`.'],
    [[{ type: 'message', content: 'a' }], 'input.0.role: '],
    [[user('a'), { type: 'computer_call' }], 'input.1.type: "computer_call" is not supported'],
    [[user([{ type: 'input_audio' }])], 'input.0.content.0.type: "input_audio" is not supported'],
    [[user([{ type: 'input_image', file_id: 'f' }])], 'input.0.content.0: send the image itself'],
    [[user([{ type: 'input_file', file_id: 'f' }])], 'input.0.content.0: send the file itself'],
    [[{ ...output, output: [{ type: 'input_image' }] }], 'input.0.output: only text can be sent here'],
    [[{ ...call, arguments: '{' }, output], 'arguments must be a JSON object'],
  ])('%j', (input, message) => {
    expect(() => read(input)).toThrow(message);
  });
});

describe('tools', () => {
  const parameters = { type: 'object' };
  test.each<[unknown, object]>([
    [
      { type: 'function', name: 'f', description: 'd', parameters },
      { name: 'f', description: 'd', inputSchema: parameters },
    ],
    [
      { type: 'function', function: { name: 'f', parameters } },
      { name: 'f', inputSchema: parameters },
    ],
    [
      { type: 'function', name: 'f', description: null, parameters: null },
      { name: 'f', inputSchema: {} },
    ],
  ])('%j', (tool, expected) => {
    expect(readTools(ResponsesTools.parse([tool]))).toEqual([expected]);
  });

  test.each([[{ type: 'web_search' }], [{ type: 'function' }]])('%j is refused', (tool) => {
    expect(() => readTools(ResponsesTools.parse([tool]))).toThrow('tools.0: ');
  });

  const named = { type: 'function', function: { name: 'f' } };
  test.each<[unknown, unknown]>([
    [undefined, undefined],
    [null, undefined],
    ['auto', 'auto'],
    ['none', 'none'],
    ['required', 'required'],
    [{ type: 'function', name: 'f' }, named],
    [named, named],
  ])('tool_choice %j', (choice, expected) => {
    expect(readToolChoice(choice)).toEqual(expected);
  });

  test.each(['any', 7, { type: 'file_search' }, { type: 'function' }])(
    'tool_choice %j is refused',
    (choice) => {
      expect(() => readToolChoice(choice)).toThrow('tool_choice: ');
    },
  );
});
