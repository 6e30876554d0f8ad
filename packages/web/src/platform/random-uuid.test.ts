import { expect, test } from 'vitest';
import { z } from 'zod';
import { ensureRandomUuid, uuidFrom } from './random-uuid.ts';

test('without randomUUID, as on plain http, version 4 identifiers are made from random bytes', () => {
  const bare = { getRandomValues: crypto.getRandomValues.bind(crypto) } as Crypto;
  ensureRandomUuid(bare);
  const made = Array.from({ length: 50 }, () => bare.randomUUID());
  expect(new Set(made).size).toBe(50);
  for (const uuid of made) expect(z.uuidv4().safeParse(uuid).success).toBe(true);
});

test('the bytes are all used', () => {
  expect(uuidFrom(new Uint8Array(16).fill(0xab))).toBe('abababab-abab-4bab-abab-abababababab');
});
