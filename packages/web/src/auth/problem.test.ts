import { expect, test } from 'vitest';
import type { ClientState } from '@moltbot/client';
import { isTokenRefused } from './problem.ts';

const closed = (reason: string, closeCode: number): ClientState => ({
  status: 'closed',
  attempt: 0,
  reason,
  closeCode,
});

test.each([
  [closed('unauthorized: gateway token mismatch (provide gateway auth token)', 1008), true],
  [closed('anything', 4401), true],
  [closed('protocol mismatch', 1002), false],
  [closed('invalid connect params: at root: unexpected property', 1008), false],
])('%o is a refused token: %s', (state, refused) => {
  expect(isTokenRefused(state)).toBe(refused);
});
