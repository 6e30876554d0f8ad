import { expect, test } from 'vitest';
import { attachmentsOf, imagesOf } from './images.ts';

test('shows our own and a provider’s image blocks', () => {
  const images = imagesOf([
    { type: 'text', text: 'look' },
    { type: 'image', mimeType: 'image/png', data: 'AAAA', fileName: 'a.png' },
    { type: 'image', source: { type: 'base64', media_type: 'image/jpeg', data: 'BBBB' } },
  ]);
  expect(images).toEqual([
    { src: 'data:image/png;base64,AAAA', name: 'a.png' },
    { src: 'data:image/jpeg;base64,BBBB', name: undefined },
  ]);
});

test('renders no type that could carry script', () => {
  expect(imagesOf([{ type: 'image', mimeType: 'image/svg+xml', data: 'AAAA' }])).toEqual([
    { src: undefined, name: undefined },
  ]);
});

test('asks again with the same images, where the history still has them', () => {
  const content = [
    { type: 'image', mimeType: 'image/png', data: 'AAAA' },
    { type: 'image', omitted: true },
  ];
  expect(attachmentsOf(content)).toEqual([{ mimeType: 'image/png', content: 'AAAA' }]);
});
