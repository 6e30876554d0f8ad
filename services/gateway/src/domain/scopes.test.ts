import { describe, expect, test } from 'vitest';
import { SCOPES, UserId, type Scope } from '@moltbot/shared/contracts';
import type { Principal } from './principal.ts';
import { grantScopes, refusal, type Needed } from './scopes.ts';

const member: Principal = {
  userId: UserId.parse('alice'),
  kind: 'user',
  roles: ['member'],
  scopes: ['operator.read', 'operator.write'],
  tokenId: 't',
};

describe('a connection is never given more than its principal may', () => {
  test.each<[string, Partial<Principal>, string[] | undefined, Scope[]]>([
    ['nothing asked', {}, undefined, ['operator.read', 'operator.write']],
    ['an empty list', {}, [], ['operator.read', 'operator.write']],
    ['less', {}, ['operator.read'], ['operator.read']],
    ['write, which includes read', {}, ['operator.write'], ['operator.read', 'operator.write']],
    [
      'what the upstream command asks for',
      {},
      ['operator.admin', 'operator.approvals', 'operator.pairing'],
      ['operator.read', 'operator.write'],
    ],
    [
      'admin for one who may only read',
      { roles: ['auditor'], scopes: ['operator.read'] },
      ['operator.admin'],
      ['operator.read'],
    ],
    ['only what it may not', {}, ['operator.pairing'], []],
    [
      'a record that claims more than its role',
      { scopes: [...SCOPES] },
      undefined,
      ['operator.read', 'operator.write'],
    ],
    ['an admin', { roles: ['admin'], scopes: [...SCOPES] }, undefined, [...SCOPES]],
  ])('%s', (_, who, requested, granted) => {
    expect(grantScopes({ ...member, ...who }, requested)).toEqual(granted);
  });
});

describe('what a method needs', () => {
  test.each<[Scope[], Needed, string | undefined]>([
    [['operator.read'], 'operator.read', undefined],
    [['operator.write'], 'operator.read', undefined],
    [['operator.read'], 'operator.write', 'missing scope: operator.write'],
    [['operator.write'], 'operator.admin', 'missing scope: operator.admin'],
    [['operator.admin'], 'operator.approvals', undefined],
    [['operator.pairing'], 'operator.read', 'missing scope: operator.read'],
    [[], 'none', undefined],
    [['operator.admin'], 'node', 'unauthorized role: operator'],
  ])('%j for %s', (granted, needed, expected) => {
    expect(refusal(granted, needed)).toBe(expected);
  });
});
