import { describe, test } from 'vitest';
import { gatewayTokenProblem, splitPersonalToken } from './verify-token.ts';

describe('gateway token', () => {
  test('C-1: a token shorter than 32 characters is refused with what to do', ({ expect }) => {
    const problem = gatewayTokenProblem('twelve chars');
    expect(problem).toContain('gateway.auth.token has 12 characters');
    expect(problem).toContain('at least 32');
    expect(problem).toContain('openssl rand -hex 32');
    expect(gatewayTokenProblem('x'.repeat(31))).toContain('31');
    expect(gatewayTokenProblem('')).toContain('0 characters');
  });

  test('the text never shows the token', ({ expect }) => {
    expect(gatewayTokenProblem('sup3rs3cret')).not.toContain('sup3rs3cret');
  });

  test('32 characters and none at all are no problem here', ({ expect }) => {
    expect(gatewayTokenProblem('x'.repeat(32))).toBeUndefined();
    expect(gatewayTokenProblem(undefined)).toBeUndefined();
  });
});

describe('personal token', () => {
  const secret = `-_${'A'.repeat(41)}`;

  test('is taken apart', ({ expect }) => {
    expect(splitPersonalToken(`mbt_abc123def456_${secret}`)).toEqual({ id: 'abc123def456', secret });
  });

  test.for([
    '',
    'mbt_',
    `mbt_abc123def456_${secret}x`,
    `mbt_abc123def456_${secret.slice(1)}`,
    `mbt_ABC123def456_${secret}`,
    `mbt_abc123def45_${secret}`,
    ` mbt_abc123def456_${secret}`,
    `mbt_abc123def456_${secret}\n`,
    `mbt_abc123def456_${secret.slice(1)}=`,
  ])('C-1: %j is none', (token, { expect }) => {
    expect(splitPersonalToken(token)).toBeUndefined();
  });
});
