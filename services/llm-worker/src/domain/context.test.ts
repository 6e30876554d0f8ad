import { describe, expect, test } from 'vitest';
import type { ContentBlock, NumberedRecord, SessionRecord } from '@moltbot/shared/contracts';
import { blockText } from './blocks.ts';
import { buildMessages, estimateTokens } from './context.ts';

const usage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, costMicroUsd: 0 };
const text = (value: string): ContentBlock => ({ type: 'text', text: value });
const call = (id: string): ContentBlock => ({ type: 'toolCall', id, name: 'weather', arguments: {} });
const result = (id: string): ContentBlock => ({ type: 'toolResult', toolCallId: id, text: 'sunny' });

function user(
  turnId: string,
  content: ContentBlock[],
  context?: { role: 'user' | 'assistant'; content: ContentBlock[] }[],
): SessionRecord {
  return { type: 'user', turnId, runId: turnId, content, timestamp: 1, ...(context && { context }) };
}

function said(turnId: string, content: ContentBlock[], api = 'anthropic-messages'): SessionRecord {
  return {
    type: 'assistant',
    turnId,
    runId: turnId,
    content,
    provider: 'p',
    model: 'm',
    api,
    usage,
    stopReason: 'stop',
    timestamp: 1,
  };
}

const numbered = (records: SessionRecord[]): NumberedRecord[] =>
  records.map((record, index) => ({ seq: index + 1, fence: 1, record }));
const shown = (records: SessionRecord[]): string[] =>
  buildMessages(numbered(records)).map(
    ({ role, content }) => `${role}: ${content.map((block) => blockText(block) || block.type).join(' | ')}`,
  );

describe('what the model sees of a session', () => {
  test.each<[string, SessionRecord[], string[]]>([
    [
      'a plain conversation',
      [user('1', [text('hi')]), said('1', [text('hello')]), user('2', [text('more')])],
      ['user: hi', 'assistant: hello', 'user: more'],
    ],
    [
      'thinking stays behind',
      [user('1', [text('hi')]), said('1', [{ type: 'thinking', thinking: 'hm' }, text('hello')])],
      ['user: hi', 'assistant: hello'],
    ],
    [
      'commands are no part of it',
      [user('1', [text('/status')]), said('1', [text('ok')], 'command'), user('2', [text('hi')])],
      ['user: hi'],
    ],
    [
      'a failed turn keeps the words',
      [user('1', [text('one')]), said('1', []), user('2', [text('two')])],
      ['user: one | two'],
    ],
    ['an empty message is still a message', [user('1', [text(' ')])], ['user: (empty message)']],
    [
      'a summary takes the place of what it covers',
      [
        user('1', [text('old')]),
        said('1', [text('older')]),
        { type: 'compaction', turnId: '2', summary: 'S', upToSeq: 2, timestamp: 1 },
        user('2', [text('new')]),
      ],
      ['user: Summary of the conversation so far:\n\nS | new'],
    ],
    [
      'a client that brings the conversation along is believed',
      [
        user('1', [text('logged')]),
        said('1', [text('answer')]),
        user(
          '2',
          [text('now')],
          [
            { role: 'user', content: [text('brought')] },
            { role: 'assistant', content: [text('along')] },
          ],
        ),
      ],
      ['user: brought', 'assistant: along', 'user: now'],
    ],
    [
      'a call with its result',
      [user('1', [text('hi')]), said('1', [call('a')]), user('2', [result('a')])],
      ['user: hi', 'assistant: toolCall', 'user: sunny'],
    ],
    [
      'a call nobody answered goes',
      [user('1', [text('hi')]), said('1', [text('let me see'), call('a')]), user('2', [text('never mind')])],
      ['user: hi', 'assistant: let me see', 'user: never mind'],
    ],
    [
      'a result nobody asked for goes',
      [user('1', [text('hi')]), said('1', [text('ok')]), user('2', [result('x'), text('so?')])],
      ['user: hi', 'assistant: ok', 'user: so?'],
    ],
  ])('%s', (_name, records, expected) => {
    expect(shown(records)).toEqual(expected);
  });

  test('a Han character counts as a token, an image as many', () => {
    const messages = buildMessages(numbered([user('1', [text('你好你好')])]));
    expect(estimateTokens(messages)).toBe(8);
    expect(
      estimateTokens([{ role: 'user', content: [{ type: 'image', data: 'x', mimeType: 'image/png' }] }]),
    ).toBe(1_600);
  });
});
