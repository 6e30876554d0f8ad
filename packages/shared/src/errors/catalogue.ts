/**
 * Every refusal the product can give, and how each door says it. `wire` is the code of
 * Moltbot's WebSocket protocol, `http` the status, `type` the OpenAI error envelope's type.
 */
export const ERRORS = {
  INVALID_REQUEST: { wire: 'INVALID_REQUEST', http: 400, type: 'invalid_request_error', retry: 'never' },
  UNAUTHENTICATED: { wire: 'INVALID_REQUEST', http: 401, type: 'unauthorized', retry: 'never' },
  FORBIDDEN: { wire: 'INVALID_REQUEST', http: 403, type: 'forbidden', retry: 'never' },
  NOT_FOUND: { wire: 'INVALID_REQUEST', http: 404, type: 'not_found', retry: 'never' },
  CONFLICT: { wire: 'INVALID_REQUEST', http: 409, type: 'conflict', retry: 'never' },
  PAYLOAD_TOO_LARGE: { wire: 'INVALID_REQUEST', http: 413, type: 'invalid_request_error', retry: 'never' },
  BUSY: { wire: 'UNAVAILABLE', http: 429, type: 'rate_limit_error', retry: 'later' },
  NOT_SERVED: { wire: 'UNAVAILABLE', http: 501, type: 'invalid_request_error', retry: 'never' },
  UNAVAILABLE: { wire: 'UNAVAILABLE', http: 503, type: 'api_error', retry: 'later' },
  PROVIDER_FAILED: { wire: 'UNAVAILABLE', http: 502, type: 'api_error', retry: 'later' },
  BUDGET_EXHAUSTED: { wire: 'UNAVAILABLE', http: 429, type: 'insufficient_quota', retry: 'never' },
  TIMEOUT: { wire: 'AGENT_TIMEOUT', http: 504, type: 'api_error', retry: 'later' },
  INTERRUPTED: { wire: 'UNAVAILABLE', http: 503, type: 'api_error', retry: 'now' },
  INTERNAL: { wire: 'UNAVAILABLE', http: 500, type: 'api_error', retry: 'later' },
} as const satisfies Record<
  string,
  { wire: string; http: number; type: string; retry: 'never' | 'now' | 'later' }
>;

export type ErrorCode = keyof typeof ERRORS;

export type ErrorFacts = Readonly<Record<string, string | number | boolean>>;

/** `message` and `facts` are safe to log and to return: ids and limits, never message text or tokens. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly facts: ErrorFacts;
  readonly retryAfterMs: number | undefined;
  /** Structured reasons for the client, such as a list of faults; wins over `facts` on the wire. */
  readonly details: unknown;

  constructor(
    code: ErrorCode,
    message: string,
    options: ErrorOptions & { facts?: ErrorFacts; retryAfterMs?: number; details?: unknown } = {},
  ) {
    super(message, options);
    this.code = code;
    this.facts = options.facts ?? {};
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details;
  }
}

/** What an unexpected throw becomes at a door: its own text may hold secrets, so it stays in the log. */
export function toAppError(cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  return new AppError('INTERNAL', 'internal error; see the gateway log', { cause });
}
