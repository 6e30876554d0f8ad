import { ROLE_SCOPES, type Scope } from '@moltbot/shared/contracts';
import type { Principal } from './principal.ts';

/** `node`: only for connections of role node. `none`: any authenticated connection. */
export type Needed = Scope | 'node' | 'none';

/**
 * What a connection may do: what it asked for, never more than its principal may. Nothing asked:
 * everything allowed. The upstream command and page always ask for admin, whoever they serve: that
 * stands for all the principal may. Write includes read.
 */
export function grantScopes(principal: Principal, requested: readonly string[] | undefined): Scope[] {
  const most = new Set<string>(principal.roles.flatMap((role) => ROLE_SCOPES[role]));
  const allowed = principal.scopes.filter((scope) => most.has(scope));
  if (!requested || requested.length === 0 || requested.includes('operator.admin')) return allowed;
  const asked = requested.includes('operator.write') ? [...requested, 'operator.read'] : requested;
  return allowed.filter((scope) => asked.includes(scope));
}

/** The refusal's text, or undefined when the method may be called. Write includes read, admin everything. */
export function refusal(granted: readonly Scope[], needed: Needed): string | undefined {
  if (needed === 'none') return undefined;
  if (needed === 'node') return 'unauthorized role: operator';
  const admin = granted.includes('operator.admin');
  const asWrite = needed === 'operator.read' && granted.includes('operator.write');
  return admin || asWrite || granted.includes(needed) ? undefined : `missing scope: ${needed}`;
}
