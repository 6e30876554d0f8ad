import { Counter, type Registry } from 'prom-client';
import type { TokenRecord } from '@moltbot/shared/contracts';
import type { AppError } from '@moltbot/shared/errors';
import { withUser, type Logger } from '@moltbot/shared/telemetry';

export type AuthEvents = ReturnType<typeof createEvents>;

/** One line and one count a decision. Ids, roles and scopes; never a token, a secret or its hash. */
export function createEvents(log: Logger, registry: Registry) {
  const decisions = new Counter({
    name: 'moltbot_auth_token_decisions_total',
    help: 'Personal tokens created, listed, revoked, and requests refused.',
    labelNames: ['decision'],
    registers: [registry],
  });
  return {
    created({ id, userId, role, scopes, expiresAtMs }: TokenRecord, actor: string): void {
      decisions.inc({ decision: 'created' });
      const facts = { event: 'token.created', tokenId: id, role, scopes, expiresAtMs, actor };
      log.info(facts, withUser('token created', userId));
    },
    listed(userId: string | undefined, count: number): void {
      decisions.inc({ decision: 'listed' });
      log.info(
        { event: 'token.listed', count },
        userId ? withUser('tokens listed', userId) : 'tokens listed',
      );
    },
    revoked(id: string, record: TokenRecord | undefined, actor: string): void {
      decisions.inc({ decision: record ? 'revoked' : 'unknown' });
      const facts = { event: 'token.revoked', tokenId: id, actor, found: record !== undefined };
      log.info(facts, record ? withUser('token revoked', record.userId) : 'no such token to revoke');
    },
    refused(error: AppError, path: string, userId: string | undefined): void {
      decisions.inc({ decision: 'refused' });
      const facts = { event: 'token.refused', code: error.code, reason: error.message, path };
      log.warn(facts, userId ? withUser('token request refused', userId) : 'token request refused');
    },
    failed: (cause: unknown, path: string): void =>
      log.error({ event: 'auth.failed', err: cause, path }, 'request failed'),
  };
}
