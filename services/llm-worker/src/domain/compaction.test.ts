import { describe, expect, test } from 'vitest';
import type { ContextMessage, NumberedRecord, SessionRecord } from '@moltbot/shared/contracts';
import { blockText } from './blocks.ts';
import { planCompaction } from './compaction.ts';
import { estimateTokens } from './context.ts';

const usage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, costMicroUsd: 0 };
const WORDS = 'x'.repeat(350); // some hundred tokens

const user = (turnId: string, text: string, context?: ContextMessage[]): SessionRecord => ({
  type: 'user',
  turnId,
  runId: turnId,
  content: [{ type: 'text', text }],
  timestamp: 1,
  ...(context && { context }),
});
const said = (turnId: string, text: string): SessionRecord => ({
  type: 'assistant',
  turnId,
  runId: turnId,
  content: [{ type: 'text', text }],
  provider: 'p',
  model: 'm',
  api: 'anthropic-messages',
  usage,
  stopReason: 'stop',
  timestamp: 1,
});
const turn = (id: string, text = WORDS): SessionRecord[] => [
  user(id, `${id} ${text}`),
  said(id, `re ${id} ${text}`),
];
const summary = (upToSeq: number, text = 'what was said before'): SessionRecord => ({
  type: 'compaction',
  turnId: 'c',
  summary: text,
  upToSeq,
  timestamp: 1,
});
const numbered = (records: SessionRecord[]): NumberedRecord[] =>
  records.map((record, index) => ({ seq: index + 1, fence: 1, record }));
const textOf = (messages: readonly ContextMessage[]): string =>
  messages.flatMap(({ content }) => content.map(blockText)).join('\n');

describe('what is summarised', () => {
  const five = numbered([...['a', 'b', 'c', 'd', 'e'].flatMap((id) => turn(id)), user('f', 'now')]);

  test('nothing while all fits', () => {
    expect(planCompaction(five, 2_000)).toBeUndefined();
  });

  test('everything before the newest turns', () => {
    const plan = planCompaction(five, 1_000);
    expect(plan?.upToSeq).toBe(8);
    expect(textOf(plan?.messages ?? [])).toMatch(/a x+\nre a x+\n.*\nre d x+$/s);
  });

  test.each([150, 250, 350, 450, 550, 650])('no more than %i tokens, a user first', (budget) => {
    const plan = planCompaction(five, budget);
    expect(plan?.messages[0]?.role).toBe('user');
    expect(estimateTokens(plan?.messages ?? [])).toBeLessThanOrEqual(budget);
  });

  test('an earlier summary always, however little else fits', () => {
    const records = numbered([summary(0), ...['b', 'c', 'd'].flatMap((id) => turn(id)), user('f', 'now')]);
    const { messages = [] } = planCompaction(records, 350) ?? {};
    expect(textOf(messages)).toContain('what was said before');
    expect(textOf(messages)).toContain('re d');
    expect(textOf(messages)).not.toContain('re b');
  });

  test('a single turn that is too long, shortened', () => {
    const records = numbered([user('a', '汉'.repeat(5_000)), user('b', 'now')]);
    const plan = planCompaction(records, 1_000);
    expect(plan?.upToSeq).toBe(1);
    expect(textOf(plan?.messages ?? [])).toBe(`${'汉'.repeat(1_000)} […]`);
  });

  test('nothing when the newest message brings its own conversation along', () => {
    const context = [{ role: 'user' as const, content: [{ type: 'text', text: WORDS.repeat(20) }] }];
    const records = numbered([...turn('a'), user('b', 'now', context)]);
    expect(planCompaction(records, 500)).toBeUndefined();
  });

  test('nothing when the newest message alone is too long', () => {
    expect(planCompaction(numbered([user('a', WORDS.repeat(20))]), 500)).toBeUndefined();
  });
});
