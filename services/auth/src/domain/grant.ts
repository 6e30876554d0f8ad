import { ROLE_SCOPES, type Role, type Scope, type TokenRecord, type UserId } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';

/** The user id of whoever comes with the gateway token; nobody else may bear it. */
const RESERVED_USER = 'gateway';
const DAY_MS = 24 * 60 * 60_000;

/** What an administrator asks for. */
export type Wish = Readonly<{
  userId: UserId;
  label: string;
  role: Role;
  /** All that the role allows, when absent. */
  scopes?: readonly Scope[] | undefined;
  expiresInDays?: number | undefined;
}>;

/** The directory's entry for a new token, or a refusal that says what was too much. */
export function grant(wish: Wish, token: Readonly<{ id: string; hash: string }>, nowMs: number): TokenRecord {
  const { userId, label, role, expiresInDays } = wish;
  if (userId.toLowerCase() === RESERVED_USER) {
    throw new AppError('INVALID_REQUEST', `the user id "${RESERVED_USER}" is reserved for the gateway token`);
  }
  return {
    id: token.id,
    userId,
    label,
    role,
    scopes: grantedScopes(role, wish.scopes),
    hash: token.hash,
    createdAtMs: nowMs,
    expiresAtMs: expiresInDays === undefined ? null : nowMs + expiresInDays * DAY_MS,
  };
}

/** More than the role allows is refused, not cut: who asked would believe to have it. */
function grantedScopes(role: Role, asked: readonly Scope[] = ROLE_SCOPES[role]): Scope[] {
  const tooMuch = asked.filter((scope) => !ROLE_SCOPES[role].includes(scope));
  if (tooMuch.length === 0) return [...new Set(asked)];
  const allowed = ROLE_SCOPES[role].join(', ');
  throw new AppError(
    'INVALID_REQUEST',
    `the role ${role} does not allow ${tooMuch.join(', ')}; it allows ${allowed}`,
  );
}
