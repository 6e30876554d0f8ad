import { expect, test } from 'vitest';
import { en } from './en.ts';
import { nearestLanguage } from './setup.ts';
import { zhCN } from './zh-cn.ts';

type Entry = readonly [path: string, text: string];

function entries(words: object, path = ''): Entry[] {
  return Object.entries(words).flatMap(([key, value]: [string, unknown]) =>
    typeof value === 'string' ? [[`${path}${key}`, value]] : entries(value as object, `${path}${key}.`),
  );
}

const placeholders = (text: string): string[] => (text.match(/\{\{\w+\}\}/g) ?? []).toSorted();

test('both languages say the same things with the same values in them', () => {
  const chinese = new Map(entries(zhCN));
  expect([...chinese.keys()].toSorted()).toEqual(
    entries(en)
      .map(([path]) => path)
      .toSorted(),
  );
  for (const [path, text] of entries(en)) {
    expect(placeholders(chinese.get(path) ?? ''), path).toEqual(placeholders(text));
  }
});

test.each([
  ['zh-TW', 'zh-CN'],
  ['zh', 'zh-CN'],
  ['en-GB', 'en'],
  ['de', 'en'],
])('a browser set to %s gets %s', (detected, expected) => {
  expect(nearestLanguage(detected)).toBe(expected);
});
