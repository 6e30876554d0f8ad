import type { Role, Scope, UserId } from '@moltbot/shared/contracts';

/** Who is asking. Every door turns a credential into one of these before anything else happens. */
export type Principal = Readonly<{
  userId: UserId;
  kind: 'user' | 'service';
  roles: readonly Role[];
  scopes: readonly Scope[];
  tokenId: string;
}>;
