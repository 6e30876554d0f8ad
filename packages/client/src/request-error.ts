import type { ErrorShape } from '@moltbot/shared/contracts';

/** Codes that no server sends: the reason lies on this side of the wire. */
export const LOCAL_CODES = {
  /** The connection went away after the request was sent; nobody knows whether it was carried out. */
  disconnected: 'DISCONNECTED',
  timeout: 'TIMEOUT',
  aborted: 'ABORTED',
  /** The client is closed for good; `message` carries the server's reason. */
  closed: 'CLOSED',
  tooLarge: 'PAYLOAD_TOO_LARGE',
} as const;

type Fields = Readonly<{
  code: string;
  message: string;
  details?: unknown;
  retryable?: boolean | undefined;
  retryAfterMs?: number | undefined;
}>;

/** How every refused, lost or abandoned request ends. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code: string;
  readonly details: unknown;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(fields: Fields, options?: ErrorOptions) {
    super(fields.message, options);
    this.code = fields.code;
    this.details = fields.details;
    this.retryable = fields.retryable ?? false;
    this.retryAfterMs = fields.retryAfterMs;
  }
}

/**
 * What `ok: false` says. The payload of a run that has ended with an error is
 * `{status: "error", summary}`: asking again would only hear the same.
 */
export function refusal(error: ErrorShape | undefined, payload: unknown): RequestError {
  const { status, summary } = (payload ?? {}) as { status?: unknown; summary?: unknown };
  const said = error ?? {
    code: 'UNAVAILABLE',
    message: typeof summary === 'string' ? summary : 'the server refused without a reason',
  };
  return new RequestError({
    ...said,
    details: said.details ?? payload,
    retryable: status === 'error' ? false : said.retryable,
  });
}
