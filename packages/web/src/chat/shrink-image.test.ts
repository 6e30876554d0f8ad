import { expect, test } from 'vitest';
import { imageBudgetBytes, toBase64 } from './shrink-image.ts';

test.each([1, 2, 5])('%i images of the allowed size fit into one frame with their text', (count) => {
  const maxPayloadBytes = 524_288;
  const text = '你'.repeat(10_000);
  const bytes = new Uint8Array(imageBudgetBytes(maxPayloadBytes, text.length, count)).fill(255);
  const attachment = { mimeType: 'image/jpeg', fileName: 'x'.repeat(200), content: toBase64(bytes) };
  const params = { sessionKey: 'agent:main:main', message: text, attachments: Array(count).fill(attachment) };
  const frame = JSON.stringify({ type: 'req', id: crypto.randomUUID(), method: 'chat.send', params });
  expect(new TextEncoder().encode(frame).length).toBeLessThanOrEqual(maxPayloadBytes);
});

test('no image is larger than the protocol allows, and none gets less than nothing', () => {
  expect(imageBudgetBytes(100_000_000, 0, 1)).toBe(5_000_000);
  expect(imageBudgetBytes(524_288, 400_000, 3)).toBe(0);
});

test('base64 is that of the platform, also across chunks', () => {
  const bytes = Uint8Array.from({ length: 100_001 }, (_, at) => at % 256);
  expect(toBase64(bytes)).toBe(encoded(bytes));
});

function encoded(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
