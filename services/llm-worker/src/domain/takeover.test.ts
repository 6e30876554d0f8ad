import { describe, expect, test } from 'vitest';
import type { ContentBlock, ContextMessage } from '@moltbot/shared/contracts';
import type { CatalogModel } from '@moltbot/config';
import type { ModelCall } from './model.ts';
import { continued, joined } from './takeover.ts';

const text = (value: string): ContentBlock => ({ type: 'text', text: value });
const tool = { name: 'weather', inputSchema: {} };
const toolCall: ContentBlock = { type: 'toolCall', id: '1', name: 'weather', arguments: {} };
const user: ContextMessage = { role: 'user', content: [text('hi')] };
const ENTRY = { id: 'm', reasoning: true, prefill: true, maxTokens: 8_000 };
const MODEL = { api: 'anthropic-messages', entry: ENTRY } as unknown as CatalogModel;
const CALL: ModelCall = { system: '', messages: [user], tools: [], thinking: 'off', maxTokens: 100 };
const SAID = { text: 'half an answer \n', thought: false };

describe('the next attempt', () => {
  test('goes on from the last word, within what is left of the limit', () => {
    const { prefix, maxTokens, ...rest } = continued(CALL, MODEL, SAID);
    expect(prefix).toBe('half an answer');
    expect(maxTokens).toBeGreaterThan(80);
    expect(maxTokens).toBeLessThan(100);
    expect({ ...rest, maxTokens: 100 }).toEqual(CALL);
  });

  test('may always say something', () => {
    expect(continued(CALL, MODEL, { ...SAID, text: 'word '.repeat(400) }).maxTokens).toBe(1);
  });

  test.each<[string, Partial<ModelCall>, object, object]>([
    ['nothing was said', {}, {}, { text: '' }],
    ['white space was all', {}, {}, { text: ' \n\t' }],
    ['it had been thinking', {}, {}, { thought: true }],
    ['it shall think', { thinking: 'low' }, {}, {}],
    ['it may call tools', { tools: [tool] }, {}, {}],
    [
      'it answers a tool',
      { messages: [user, { role: 'user', content: [{ type: 'toolResult', toolCallId: '1' }] }] },
      {},
      {},
    ],
    [
      'a note came after the question',
      { messages: [user, { role: 'assistant', content: [text('note')] }] },
      {},
      {},
    ],
    ['its entry does not say that it can', {}, { entry: { ...ENTRY, prefill: undefined } }, {}],
    ['its entry says that it cannot', {}, { entry: { ...ENTRY, prefill: false } }, {}],
    ['its API has no such thing', {}, { api: 'openai-completions' }, {}],
  ])('starts anew when %s', (_why, call, model, said) => {
    const asked = { ...CALL, ...call };
    expect(continued(asked, { ...MODEL, ...model }, { ...SAID, ...said })).toBe(asked);
  });

  test('goes on without thinking when the model cannot think, whatever was wished for', () => {
    const dull = { ...MODEL, entry: { ...ENTRY, reasoning: false } };
    expect(continued({ ...CALL, thinking: 'high' }, dull, SAID).prefix).toBe('half an answer');
  });
});

test.each<[string, ContentBlock[], ContentBlock[]]>([
  ['', [text('all')], [text('all')]],
  ['one', [text(' two')], [text('one two')]],
  ['one', [], [text('one')]],
  ['one', [toolCall], [text('one'), toolCall]],
  ['one', [text(' two'), toolCall, text('three')], [text('one two'), toolCall, text('three')]],
])('after "%s" come %j', (prefix, content, whole) => {
  expect(joined(prefix, content)).toEqual(whole);
});
