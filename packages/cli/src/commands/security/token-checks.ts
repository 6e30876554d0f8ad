import type { Finding } from './finding.ts';

const DAY_MS = 86_400_000;
/** A quarter: whoever comes back later makes a new one. */
const UNUSED_DAYS = 90;
const NAMES_SHOWN = 5;

export type KnownToken = Readonly<{
  id: string;
  userId: string;
  role?: string;
  createdAtMs?: number;
  expiresAtMs?: number | null;
  lastUsedAtMs?: number | null;
}>;

export function checkTokens(tokens: readonly KnownToken[], nowMs = Date.now()): Finding[] {
  const endless = tokens.filter((token) => !token.expiresAtMs);
  const idle = tokens.filter(
    (token) => nowMs - (token.lastUsedAtMs ?? token.createdAtMs ?? nowMs) > UNUSED_DAYS * DAY_MS,
  );
  const admins = tokens.filter((token) => token.role === 'admin');
  return [
    ...found(endless, {
      checkId: 'tokens.no_expiry',
      severity: 'warn',
      title: 'Personal tokens without an end',
      remediation: 'make new ones with --expires-in-days, then `moltbot tokens revoke <id>`',
    }),
    ...found(idle, {
      checkId: 'tokens.unused',
      severity: 'warn',
      title: `Personal tokens not used for ${UNUSED_DAYS} days`,
      remediation: 'moltbot tokens revoke <id>',
    }),
    ...found(admins, {
      checkId: 'tokens.admins',
      severity: 'info',
      title: 'Personal tokens that may do everything',
    }),
  ];
}

function found(tokens: readonly KnownToken[], finding: Omit<Finding, 'detail'>): Finding[] {
  if (tokens.length === 0) return [];
  const names = tokens.slice(0, NAMES_SHOWN).map(({ id, userId }) => `${id} (${userId})`);
  const more = tokens.length > NAMES_SHOWN ? ` and ${tokens.length - NAMES_SHOWN} more` : '';
  return [{ ...finding, detail: `${tokens.length}: ${names.join(', ')}${more}.` }];
}
