import type { Request, RequestHandler, Response } from 'express';
import { AppError } from '@moltbot/shared/errors';
import type { Principal } from '../domain/principal.ts';
import { refusal, type Needed } from '../domain/scopes.ts';
import type { Services } from '../services.ts';
import type { OpenRequests } from './open-requests.ts';

export type OnRefused = (request: Request, reason: string) => void;

export type AuthenticateDeps = Readonly<{
  services: Services;
  openRequests: Pick<OpenRequests, 'add'>;
  onRefused: OnRefused;
}>;

const UNAUTHORIZED = { error: { message: 'Unauthorized', type: 'unauthorized' } } as const;

/**
 * Lets a request with a valid bearer token (or the Anthropic SDK's `x-api-key`) through, when its
 * principal may do what the path needs; 401 for a credential nobody knows, 403 for one that may not.
 */
export function authenticate(
  { services, openRequests, onRefused }: AuthenticateDeps,
  needed: Needed,
): RequestHandler {
  return async (request, response, next) => {
    const verdict = await services.verify(bearer(request));
    if (!verdict.ok) {
      onRefused(request, verdict.reason);
      response
        .status(401)
        .json(
          request.path.endsWith('/messages') ? { type: 'error', ...anthropicUnauthorized } : UNAUTHORIZED,
        );
      return;
    }
    const refused = refusal(verdict.principal.scopes, needed);
    if (refused !== undefined) {
      onRefused(request, 'scope');
      throw new AppError('FORBIDDEN', refused);
    }
    openRequests.add(verdict.principal.tokenId, verdict.expiresAtMs, response);
    (response.locals as { principal?: Principal }).principal = verdict.principal;
    next();
  };
}

const anthropicUnauthorized = { error: { type: 'authentication_error', message: 'Unauthorized' } } as const;

function bearer(request: Request): string {
  const header = request.headers.authorization ?? '';
  const [, token] = /^bearer\s+(.+)$/i.exec(header) ?? [];
  return token?.trim() ?? request.get('x-api-key') ?? '';
}

export function principalOf(response: Response): Principal {
  const { principal } = response.locals as { principal?: Principal };
  if (!principal) throw new AppError('UNAUTHENTICATED', 'Unauthorized');
  return principal;
}
