import { ERRORS, type AppError } from './catalogue.ts';

export type WireError = {
  code: string;
  message: string;
  details?: unknown;
  retryable?: boolean;
  retryAfterMs?: number;
};

/** The `error` of a WebSocket response. */
export function toWireError(error: AppError): WireError {
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

/** The body of an HTTP refusal, in the shape the openai SDK reads. */
export function toHttpError(error: AppError): {
  status: number;
  body: { error: { message: string; type: string; code: string } };
} {
  const { http, type } = ERRORS[error.code];
  return { status: http, body: { error: { message: error.message, type, code: error.code.toLowerCase() } } };
}
