import { expect, test } from 'vitest';
import { newSessionKey, sessionInAddress } from './route.ts';

test('a session key survives the way through the address', () => {
  const key = newSessionKey('main');
  expect(sessionInAddress(`#/chat/${encodeURIComponent(key)}`)).toBe(key);
});

test.each(['', '#', '#/chat/', '#/elsewhere', '#/chat/%E0%A4%A'])('%j names no session', (hash) => {
  expect(sessionInAddress(hash)).toBeUndefined();
});
