import type { Role, Scope, UserId } from '@moltbot/shared/contracts';
import type { RefusalReason } from './refusal-texts.ts';

/** Who is asking. Every door turns a credential into one of these before anything else happens. */
export type Principal = Readonly<{
  userId: UserId;
  kind: 'user' | 'service';
  roles: readonly Role[];
  scopes: readonly Scope[];
  tokenId: string;
}>;

/** What a door learns about a credential. */
export type Verdict =
  | Readonly<{ ok: true; principal: Principal; expiresAtMs: number | null }>
  | Readonly<{ ok: false; reason: RefusalReason }>;
