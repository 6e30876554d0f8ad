import { expect, test } from 'vitest';
import { plainPreview } from './plain-preview.ts';
import { dayGroup, toRow } from './rows.ts';

const noon = new Date(2026, 10, 23, 12).getTime();

test.each([
  [new Date(2026, 10, 23, 0, 1), 'today'],
  [new Date(2026, 10, 22, 23, 59), 'yesterday'],
  [new Date(2026, 10, 18), 'week'],
  [new Date(2026, 9, 1), 'older'],
])('%s is %s at noon of the 23rd', (at, group) => {
  expect(dayGroup(at.getTime(), noon)).toBe(group);
});

test('a name that was given wins over one that was derived', () => {
  expect(toRow({ key: 'k', label: 'Given', derivedTitle: 'Derived' }).title).toBe('Given');
  expect(toRow({ key: 'k', label: null, derivedTitle: 'Derived' }).title).toBe('Derived');
  expect(toRow({ key: 'k' }).title).toBeUndefined();
});

test.each([
  ['Open **Settings**, choose *Tokens*.', 'Open Settings, choose Tokens.'],
  ['| a | b |\n|---|---|\n| 1 | 2 |', 'a b 1 2'],
  ['# Title\n- [link](https://x.example) and `code`', 'Title link and code'],
  ['2 * 3 * 4 and snake_case_name', '2 * 3 * 4 and snake_case_name'],
])('%j is previewed as %j', (markdown, plain) => {
  expect(plainPreview(markdown)).toBe(plain);
});
