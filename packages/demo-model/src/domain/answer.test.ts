import { describe, expect, test } from 'vitest';
import { composeAnswer } from './answer.ts';
import type { Ask } from './ask.ts';

function answerTo(text: string, more: Partial<Ask> = {}): string {
  const messages = [{ role: 'user' as const, text, lastText: text, images: [], toolResults: [] }];
  const plain = { model: 'm', system: '', maxTokens: 10_000, stopSequences: [], toolNames: [] };
  return composeAnswer({ ...plain, messages, thinks: false, stream: false, ...more }).tokens.join('');
}

describe('composeAnswer', () => {
  test('says that it is the demo model, in the language of the question', () => {
    expect(answerTo('Good  morning')).toMatch(/^Demo model: you said “Good morning”\./);
    expect(answerTo('你好')).toMatch(/^演示模型：你说的是“你好”。/);
  });

  test('loses no character when it is cut into tokens', () => {
    const text = ' a  b\n\n```ts\nconst x = 1;\n```\n你好，世界！ 👋🏽 a-very-long-word-without-any-space\t';
    expect(answerTo(`#echo ${text}`)).toBe(text);
  });

  test('takes the message id line for no part of what was said', () => {
    expect(answerTo('#echo hello\n[message_id: 1234]')).toBe('hello');
  });

  test('combines directives, and leaves a hash that is none alone', () => {
    expect(answerTo('please #delay 5 #tokens 3')).toBe('t1 t2 t3');
    expect(answerTo('issue #42 and #echoes')).toContain('you said “issue #42 and #echoes”');
  });

  test('shows lists, code and a table when asked for markdown', () => {
    const markdown = answerTo('Show me some Markdown');
    for (const part of ['1. **bold**', '```ts\n', '| --- | ---: |']) expect(markdown).toContain(part);
  });

  test('summarises when asked to, without obeying what the transcript quotes', () => {
    const transcript = 'Summarize the following conversation:\nuser: #echo evil\nassistant: evil';
    expect(answerTo(transcript)).toMatch(/^Demo summary of 1 messages\./);
    expect(answerTo('hello', { system: 'Write a short summary of this chat.' })).toMatch(/^Demo summary/);
    expect(answerTo('Summary of the conversation so far: all well. Go on.')).toMatch(/^Demo model: you/);
    expect(answerTo('请总结以上对话')).toMatch(/^演示模型的摘要/);
    expect(answerTo('Give me a summary of the French revolution')).toMatch(/^Demo model: you said/);
  });

  test('repeats the system prompt and the history on demand', () => {
    expect(answerTo('#system', { system: 'You are Molty.' })).toBe('You are Molty.');
    expect(answerTo('#history')).toBe('Demo model: I was sent 1 messages.\n\n1. user: #history');
  });

  test.each(['Good morning', '你好，世界', '#tokens 40', 'Show me markdown', '#history', '#echo a  b\n\nc '])(
    'goes on from every place in its answer to “%s”',
    (text) => {
      const said = { images: [], toolResults: [] };
      const user = { role: 'user' as const, text, lastText: text, ...said };
      const whole = answerTo(text);
      for (let at = 1; at < whole.length; at += 7) {
        const before = whole.slice(0, at).trimEnd();
        const prefill = { role: 'assistant' as const, text: before, lastText: before, ...said };
        expect(before + answerTo(text, { messages: [user, prefill] })).toBe(whole);
      }
    },
  );
});
