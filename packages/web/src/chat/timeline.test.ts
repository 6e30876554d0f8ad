import { describe, expect, test } from 'vitest';
import type { ChatMessage, ChatRun } from '@moltbot/client';
import { incompleteness, questionOf, timeline } from './timeline.ts';

function message(id: string, role: string, more: Partial<ChatMessage> = {}): ChatMessage {
  return {
    id,
    role,
    content: [{ type: 'text', text: id }],
    text: id,
    timestampMs: 0,
    status: 'sent',
    ...more,
  };
}

function run(runId: string): ChatRun {
  return { runId, phase: 'streaming', text: '…', startedAtMs: 0, tools: [] };
}

describe('timeline', () => {
  test('puts each running answer under its own question', () => {
    const messages = [message('q1', 'user', { runId: 'r1' }), message('q2', 'user', { runId: 'r2' })];
    const ids = timeline({ messages, runs: [run('r1'), run('r2'), run('elsewhere')] }).map(({ id }) => id);
    expect(ids).toEqual(['q1', 'run:r1', 'q2', 'run:r2', 'run:elsewhere']);
  });

  test('leaves out tool traffic and empty steps, but never a failed answer', () => {
    const messages = [
      message('q', 'user'),
      message('call', 'assistant', { text: '', stopReason: 'toolUse' }),
      message('result', 'toolResult'),
      message('failed', 'assistant', { text: '', stopReason: 'error', errorMessage: 'overloaded' }),
    ];
    expect(timeline({ messages, runs: [] }).map(({ id }) => id)).toEqual(['q', 'failed']);
  });
});

describe('incompleteness', () => {
  test.each([
    [undefined, undefined],
    ['stop', undefined],
    ['toolUse', undefined],
    ['aborted', 'aborted'],
    ['timeout', 'timedOut'],
    ['length', 'length'],
    ['error', 'error'],
    ['budget_exhausted', 'interrupted'],
    ['a reason of next year', 'interrupted'],
  ])('an answer that ended with %s is %s', (stopReason, expected) => {
    expect(incompleteness(message('a', 'assistant', stopReason === undefined ? {} : { stopReason }))).toBe(
      expected,
    );
  });
});

test('an answer finds its question by the run, else by place', () => {
  const first = message('q1', 'user', { runId: 'r1' });
  const second = message('q2', 'user', { runId: 'r2' });
  const late = message('a1', 'assistant', { runId: 'r1' });
  const old = message('a2', 'assistant');
  const messages = [first, second, late, old];
  expect(questionOf(messages, late)).toBe(first);
  expect(questionOf(messages, old)).toBe(second);
});
