import { expect, test } from 'vitest';
import { answerCommand, type CommandFacts } from './command.ts';

const FACTS: CommandFacts = {
  sessionKey: 'main',
  model: 'anthropic/claude-opus-4-5',
  models: ['anthropic/claude-opus-4-5', 'openai/gpt-5'],
  thinking: 'low',
  contextTokens: 50_000,
  contextWindow: 200_000,
  records: 12,
};

test.each([
  ['/status', 'Context: 50000 of 200000 tokens (25 %)'],
  [' /Usage now', 'Model: anthropic/claude-opus-4-5'],
  ['/model', '- openai/gpt-5'],
  ['/reset', 'New session started · model: anthropic/claude-opus-4-5'],
  ['/help', 'Commands: /status, /model, /new, /reset, /stop.'],
])('%s is answered from what is known', (text, part) => {
  expect(answerCommand(text, FACTS)).toContain(part);
});

test('a model of unknown size is no division by zero', () => {
  expect(answerCommand('/status', { ...FACTS, contextWindow: 0 })).toContain('of 0 tokens (0 %)');
});
