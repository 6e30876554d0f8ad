import { expect, test } from 'vitest';
import { newTurn } from './new-turn.ts';
import type { TurnRequest } from './ports.ts';
import { resolveKey } from './session-key.ts';

const REF = { sid: 's', uid: 'alice', key: 'agent:main:main' };
const session = resolveKey('main', { mainKey: 'main', scope: 'per-sender', defaultAgentId: 'main' });

function turn(
  request: Partial<TurnRequest>,
  entry?: Readonly<Record<string, string>>,
): ReturnType<typeof newTurn> {
  const intent = { kind: 'chat', text: 'hi' } as const;
  return newTurn(REF, { session, runId: 'r', channel: 'webchat', intent, ...request }, entry, 7);
}

test('what a request leaves open is not written at all', () => {
  const { content, record, title } = turn({});
  expect(JSON.parse(JSON.stringify(content))).toEqual({
    ...REF,
    runId: 'r',
    shownKey: 'main',
    agentId: 'main',
    lane: 'main',
    kind: 'chat',
  });
  expect(JSON.parse(JSON.stringify(record))).toEqual({
    runId: 'r',
    content: [{ type: 'text', text: 'hi' }],
    timestamp: 7,
  });
  expect(title).toBe('hi');
});

test('the session’s settings fill in, the request’s win', () => {
  const entry = { modelOverride: 'openai/gpt-5', thinkingLevel: 'high' };
  expect(turn({}, entry).content).toMatchObject({ model: 'openai/gpt-5', thinking: 'high' });
  expect(turn({ model: 'a/b', thinking: 'off' }, entry).content).toMatchObject({
    model: 'a/b',
    thinking: 'off',
  });
});

test.each([
  ['a reset word alone', { kind: 'reset', text: '', trigger: '/new' }, 'command', '/new'],
  ['a reset word with a message', { kind: 'reset', text: 'go on', trigger: '/new' }, 'chat', 'go on'],
  ['a command', { kind: 'command', text: '/status' }, 'command', '/status'],
] as const)('%s', (_, intent, kind, said) => {
  const { content, record } = turn({ intent });
  expect(content.kind).toBe(kind);
  expect(record.content).toEqual([{ type: 'text', text: said }]);
});

test('blocks alone are a message too, and name the conversation', () => {
  const blocks = [{ type: 'image' }, { type: 'text', text: 'what is this?' }];
  const { record, title } = turn({ intent: { kind: 'chat', text: '' }, blocks });
  expect(record.content).toEqual(blocks);
  expect(title).toBe('what is this?');
});
