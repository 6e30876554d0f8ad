import { expect, test } from 'vitest';
import { newSentences } from './sentences.ts';

test('reads whole sentences and keeps the unfinished one back', () => {
  expect(newSentences('One. Two! Thr', 0, false)).toBe('One. Two!');
  expect(newSentences('One. Two! Three.', 9, true)).toBe(' Three.');
});

test('knows Chinese sentence ends, which no space follows', () => {
  expect(newSentences('你好。今天天气', 0, false)).toBe('你好。');
});

test('takes no decimal point or file name for an end', () => {
  expect(newSentences('It costs 3.5 and lives in a.ts', 0, false)).toBe('');
});

test('says nothing twice', () => {
  const text = 'First. Second. Third';
  const first = newSentences(text, 0, false);
  expect(first + newSentences(text, first.length, true)).toBe(text);
});
