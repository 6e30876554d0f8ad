/** What the documentation says that a program can check: its links, its configurations, its commands. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { loadConfigText } from '@moltbot/config';
import { expect, test } from 'vitest';
import { bash, ROOT } from './server.ts';

const PAGES = globSync(
  ['*.md', 'docs/**/*.md', '{services,packages}/*/README.md', '{bench,scripts,test}/README.md'],
  { cwd: ROOT },
);
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const fences = (page: string, language: string): string[] =>
  [...read(page).matchAll(/^```(\w*)\n([^]*?)^```$/gm)].flatMap(([, found, text = '']) =>
    found === language ? [text] : [],
  );
const anchors = (page: string): string[] =>
  [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );

test('G-2: every link of the documentation leads somewhere', () => {
  const broken = PAGES.flatMap((page) =>
    [
      ...read(page)
        .replaceAll(/^```[^]*?^```$/gm, '')
        .matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g),
    ]
      .filter(([, path = '', anchor]) => {
        const target = path === '' ? page : normalize(join(dirname(page), path));
        if (globSync(target, { cwd: ROOT }).length === 0) return true;
        return anchor !== undefined && !anchors(target).includes(decodeURIComponent(anchor));
      })
      .map(([link]) => `${page}: ${link}`),
  );
  expect(PAGES.length).toBeGreaterThan(20);
  expect(broken).toEqual([]);
});

test('G-2: every configuration of the documentation is one the product starts with', () => {
  const blocks = PAGES.flatMap((page) => fences(page, 'json5').map((text) => ({ page, text })));
  const whole = blocks.filter(({ text }) => !text.includes('$include'));
  expect(whole.length).toBeGreaterThan(2);
  for (const { page, text } of whole) {
    const names = [...text.matchAll(/\$\{([A-Z_]+)\}/g)].map(([, name = '']) => [name, 'x'.repeat(40)]);
    const { issues } = loadConfigText(text, '/etc/moltbot/moltbot.json', Object.fromEntries(names));
    expect(issues, `${page}\n${text}`).toEqual([]);
  }
});

test('G-2: every moltbot command of the documentation exists, with its options', async () => {
  const typed = PAGES.flatMap((page) => fences(page, 'sh')).flatMap((text) =>
    [...text.matchAll(/^(?:bin\/)?moltbot ((?:[a-z-]+ ?)+?)(?= *(?:--|['"<\n]|[A-Z.]|$))([^\n]*)/gm)].map(
      ([, words = '', rest = '']) => ({ words: words.trim(), options: rest.match(/--[a-z-]+/g) ?? [] }),
    ),
  );
  const commands = Map.groupBy(typed, ({ words }) => words);
  expect(commands.size).toBeGreaterThan(10);
  const ran = [...commands].map(async ([words, uses]) => {
    const { out } = await bash(`${ROOT}/bin/moltbot ${words} --help`, { PATH: process.env['PATH'] ?? '' });
    const [, usage = '', wants = ''] = /^Usage: moltbot ([a-z -]*[a-z])(.*)/.exec(out) ?? [];
    // words beyond the command's name are its arguments, where it takes any
    const known = /<|\[(?!options|command)/.test(wants)
      ? `${words} `.startsWith(`${usage} `)
      : words === usage;
    expect(known, `moltbot ${words}: ${out}`).toBe(true);
    for (const option of uses.flatMap(({ options }) => options))
      expect(out, `moltbot ${words}`).toContain(option);
  });
  await Promise.all(ran);
});
