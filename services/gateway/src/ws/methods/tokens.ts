import { z } from 'zod';
import { Role, Scope, UserId } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';
import { method, type MethodContext, type Methods } from '../method.ts';

const Create = z.strictObject({
  userId: UserId,
  label: z.string().max(100).optional(),
  role: Role.optional(),
  scopes: z.array(Scope).optional(),
  expiresInDays: z.int().min(1).max(3_650).optional(),
});

/** Personal tokens are the auth service's; only admins hand them out. */
export const tokenMethods: Methods = {
  'tokens.create': method(
    'operator.admin',
    Create,
    async (params, context) => await ask(context, 'create', params),
  ),
  'tokens.list': method(
    'operator.admin',
    z.strictObject({ userId: UserId.optional() }),
    async (params, context) => await ask(context, 'list', params),
  ),
  'tokens.revoke': method(
    'operator.admin',
    z.strictObject({ id: z.string().min(1) }),
    async (params, context) => await ask(context, 'revoke', params),
  ),
};

async function ask(
  { services, principal }: MethodContext,
  what: 'create' | 'list' | 'revoke',
  params: object,
): Promise<unknown> {
  if (!services.auth)
    throw new AppError('UNAVAILABLE', 'no auth service is configured for this gateway (AUTH_URL)');
  const actor = what === 'list' ? {} : { actor: principal.userId };
  return await services.auth.post(`/internal/v1/tokens/${what}`, { ...params, ...actor });
}
