import type { ErrorShape } from '@moltbot/shared/contracts';
import { ERRORS, type AppError } from '@moltbot/shared/errors';

/** The `error` of a WebSocket response. */
export function toWireError(error: AppError): ErrorShape {
  const { wire, retry } = ERRORS[error.code];
  const details = error.details ?? (Object.keys(error.facts).length > 0 ? error.facts : undefined);
  return {
    code: wire,
    message: error.message,
    ...(details !== undefined && { details }),
    ...(retry !== 'never' && { retryable: true }),
    ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
  };
}
