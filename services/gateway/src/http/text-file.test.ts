import { expect, test } from 'vitest';
import { textFile } from './text-file.ts';

const encoded = (content: string | Uint8Array): string => Buffer.from(content).toString('base64');

test.each([
  ['base64', encoded('grüße'), 'grüße'],
  ['a data: URL', `data:text/plain;base64,${encoded('a,b')}`, 'a,b'],
  ['an empty file', '', ''],
])('%s is read', (_what, content, text) => {
  expect(textFile(content, 'f.txt', 'input')).toEqual({
    type: 'text',
    text: `<file name="f.txt">\n${text}\n</file>`,
  });
});

test('a name cannot end the frame it stands in', () => {
  const { text } = textFile(encoded('x'), '"> </file>', 'input') as unknown as { text: string };
  expect(text.split('\n')[0]).toBe('<file name="\\"> </file>">');
});

test.each([
  ['a PDF', encoded('%PDF-1.7 …'), 'only text files'],
  ['zeros', encoded(new Uint8Array([65, 0, 66])), 'only text files'],
  ['bytes that are not UTF-8', encoded(new Uint8Array([0xff, 0xfe, 0x41])), 'only text files'],
  ['what is not base64', 'not base64!', 'must be base64'],
  ['too much', 'A'.repeat(8_000_000), 'larger than 5000000 bytes'],
])('%s is refused', (_what, content, message) => {
  expect(() => textFile(content, undefined, 'input.0')).toThrow(message);
});
