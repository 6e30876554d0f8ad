import { expect, test } from 'vitest';
import { applyPage, fromWire, plainText, upsert } from './messages.ts';
import { canonicalKey } from '../session-key.ts';
import type { ChatMessage } from './types.ts';

const stored = (seq: number, role: string, text: string, runId?: string): ChatMessage =>
  fromWire({ role, content: [{ type: 'text', text }], timestamp: seq, seq, ...(runId && { runId }) }, 0);
const loose = (id: string, role: string, text: string, runId: string): ChatMessage => ({
  id,
  role,
  text,
  content: [{ type: 'text', text }],
  timestampMs: 0,
  status: 'queued',
  runId,
});
const ids = (messages: readonly ChatMessage[]): string[] => messages.map((message) => message.id);
const always = (): boolean => true;

test('text is the text blocks alone', () => {
  expect(
    plainText([
      { type: 'thinking', thinking: 'hm' },
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
    ]),
  ).toBe('ab');
  expect(fromWire({ role: 'user', content: 'plain' }, 3)).toMatchObject({ id: 'at:3', text: 'plain' });
});

test('a page replaces what it covers and keeps what is older', () => {
  const shown = [stored(1, 'user', 'a'), stored(2, 'assistant', 'b'), stored(3, 'user', 'c')];
  const page = [stored(2, 'assistant', 'b, corrected'), stored(3, 'user', 'c'), stored(4, 'assistant', 'd')];
  const result = applyPage(shown, page, always);
  expect(ids(result)).toEqual(['seq:1', 'seq:2', 'seq:3', 'seq:4']);
  expect(result[1]?.text).toBe('b, corrected');
});

test('a message keeps its id when the log gives it a number', () => {
  const shown = [stored(1, 'user', 'hi', 'r0'), loose('own:r1', 'user', 'hi', 'r1')];
  const page = [stored(1, 'user', 'hi', 'r0'), stored(2, 'user', 'hi', 'r1')];
  expect(ids(applyPage(shown, page, always))).toEqual(['seq:1', 'own:r1']);
  expect(ids(upsert(shown, stored(2, 'user', 'hi', 'r1')))).toEqual(['seq:1', 'own:r1']);
});

test('without run ids, the same words said before are not taken for the new ones', () => {
  const shown = [stored(1, 'user', 'hi'), loose('own:r1', 'user', 'hi', 'r1')];
  const unchanged = applyPage(shown, [stored(1, 'user', 'hi')], always);
  expect(ids(unchanged)).toEqual(['seq:1', 'own:r1']);
  expect(ids(applyPage(unchanged, [stored(1, 'user', 'hi'), stored(2, 'user', 'hi')], always))).toEqual([
    'seq:1',
    'own:r1',
  ]);
});

test('what the server does not have goes, unless it is still wanted', () => {
  const shown = [loose('own:r1', 'user', 'x', 'r1'), loose('own:r2', 'user', 'y', 'r2')];
  expect(ids(applyPage(shown, [], (message) => message.runId === 'r2'))).toEqual(['own:r2']);
});

test('a stored message finds its place before the ones without a number', () => {
  const shown = [stored(1, 'user', 'a'), stored(5, 'user', 'e'), loose('own:r9', 'user', 'z', 'r9')];
  expect(ids(upsert(shown, stored(3, 'assistant', 'c')))).toEqual(['seq:1', 'seq:3', 'seq:5', 'own:r9']);
  expect(ids(upsert(shown, stored(6, 'assistant', 'f')))).toEqual(['seq:1', 'seq:5', 'seq:6', 'own:r9']);
  expect(upsert(shown, stored(5, 'user', 'E'))[1]).toMatchObject({ id: 'seq:5', text: 'E' });
});

test.each([
  ['main', undefined, 'agent:main:main'],
  ['agent:main:main', { mainKey: 'home' }, 'agent:main:home'],
  ['Notes', undefined, 'agent:main:notes'],
  ['agent:work:main', { defaultAgentId: 'main', mainKey: 'main' }, 'agent:work:main'],
])('the key %s with %o is %s', (key, defaults, canonical) => {
  expect(canonicalKey(key, defaults)).toBe(canonical);
});

test('what has no number yet stays where it is shown when its neighbours get theirs', () => {
  const said = (role: string, runId: string, seq?: number): ChatMessage => ({
    ...fromWire({ role, content: `${role} ${runId}`, runId, ...(seq !== undefined && { seq }) }, 0),
    id: `${role} ${runId}`,
  });
  const order = (shown: readonly ChatMessage[]): string[] =>
    shown.map(({ role, runId }) => `${role} ${runId}`);
  const shown = [said('user', 'a', 1), said('assistant', 'a'), said('user', 'b')];
  const expected = ['user a', 'assistant a', 'user b'];
  expect(order(upsert(shown, said('user', 'b', 3)))).toEqual(expected);
  expect(order(upsert(upsert(shown, said('user', 'b', 3)), said('assistant', 'a', 2)))).toEqual(expected);
  expect(order(upsert(shown, said('assistant', 'b', 4)))).toEqual([...expected, 'assistant b']);
});
