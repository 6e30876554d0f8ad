import { describe, test } from 'vitest';
import { PERSONAL_TOKEN, ROLE_SCOPES, ROLES, UserId } from '@moltbot/shared/contracts';
import { grant } from './grant.ts';
import { mintToken } from './secret.ts';

const TOKEN = { id: 'abc123def456', hash: 'f'.repeat(64) };
const alice = UserId.parse('alice');

describe('grant', () => {
  test.for(ROLES)('a %s gets what the role allows, and less when less is asked', (role, { expect }) => {
    const wish = { userId: alice, label: '', role };
    expect(grant(wish, TOKEN, 5).scopes).toEqual(ROLE_SCOPES[role]);
    const scopes = ['operator.read', 'operator.read'] as const;
    expect(grant({ ...wish, scopes }, TOKEN, 5)).toMatchObject({
      scopes: ['operator.read'],
      createdAtMs: 5,
      expiresAtMs: null,
    });
  });

  test('more than the role allows is refused by name', ({ expect }) => {
    const wish = {
      userId: alice,
      label: '',
      role: 'member',
      scopes: ['operator.read', 'operator.admin'],
    } as const;
    expect(() => grant(wish, TOKEN, 5)).toThrow(/member does not allow operator\.admin/);
  });

  test('nobody is called like the gateway', ({ expect }) => {
    for (const name of ['gateway', 'Gateway'])
      expect(() => grant({ userId: UserId.parse(name), label: '', role: 'member' }, TOKEN, 5)).toThrow(
        /reserved/,
      );
  });

  test('days count from now', ({ expect }) => {
    const wish = { userId: alice, label: '', role: 'member', expiresInDays: 2 } as const;
    expect(grant(wish, TOKEN, 1_000).expiresAtMs).toBe(172_801_000);
  });
});

test('tokens have the agreed form and never repeat', ({ expect }) => {
  const minted = Array.from({ length: 200 }, () => mintToken());
  expect(minted.filter(({ id, token }) => PERSONAL_TOKEN.exec(token)?.[1] !== id)).toEqual([]);
  expect(new Set(minted.map(({ token }) => token)).size).toBe(200);
  expect(minted.filter(({ token, hash }) => hash.length !== 64 || token.includes(hash))).toEqual([]);
});
