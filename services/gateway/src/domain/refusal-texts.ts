/** Which place in a client a refused token shall be put, as upstream words it. */
function tokenHint(clientId: string): string {
  if (clientId === 'cli') return 'set gateway.remote.token to match gateway.auth.token';
  if (/control-ui|webchat/.test(clientId))
    return 'open a tokenized dashboard URL or paste token in Control UI settings';
  return 'provide gateway auth token';
}

const WORDS = {
  token_missing: 'token missing',
  token_mismatch: 'token mismatch',
  token_expired: 'token expired',
} as const;

export type RefusalReason = keyof typeof WORDS;

export function unauthorizedText(
  reason: RefusalReason,
  clientId: string,
  mode: 'token' | 'password',
): string {
  const words = mode === 'password' ? WORDS[reason].replace('token', 'password') : WORDS[reason];
  return `unauthorized: gateway ${words} (${tokenHint(clientId)})`;
}
