import { expect, test } from 'vitest';
import { imageBlocks } from './attachments.ts';

const base64 = (head: string, bytes = 30): string =>
  Buffer.from(head.padEnd(bytes, '.'), 'latin1').toString('base64');
const PNG = base64('\u0089PNG\r\n');

test.each([
  ['png', PNG, 'image/png'],
  ['jpeg', base64('\u00FF\u00D8\u00FF'), 'image/jpeg'],
  ['gif', base64('GIF89a'), 'image/gif'],
  ['webp', base64('RIFF....WEBP'), 'image/webp'],
])('a %s is known by its first bytes, whatever its sender says', (_, content, mimeType) => {
  expect(imageBlocks([{ mimeType: 'text/plain', content }])).toMatchObject([{ type: 'image', mimeType }]);
});

test('a data URL and line breaks are taken off; the name stays', () => {
  const content = `data:image/png;base64,${PNG.slice(0, 8)}\n${PNG.slice(8)}`;
  expect(imageBlocks([{ content, fileName: 'a.png' }])).toEqual([
    { type: 'image', mimeType: 'image/png', data: PNG, fileName: 'a.png' },
  ]);
});

test.each([
  ['not text', 7, 'content must be base64 string'],
  ['not base64', 'ab!d', 'invalid base64 content'],
  ['cut off', 'abc', 'invalid base64 content'],
  ['too large', 'A'.repeat(6_666_672), 'exceeds size limit (5000004 > 5000000 bytes)'],
  ['no image', base64('%PDF-1.7'), 'only png, jpeg, gif and webp images can be sent'],
])('%s is refused by its place', (_, content, what) => {
  const second = { content };
  expect(() => imageBlocks([{ content: PNG }, second])).toThrow(`Error: attachment attachment-2: ${what}`);
});
