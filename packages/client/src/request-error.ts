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

/** A response may say `ok: false` without an `error`; its payload's summary is then all there is. */
export function refusal(error: ErrorShape | undefined, payload: unknown): RequestError {
  if (error) return new RequestError(error);
  const summary = (payload as { summary?: unknown } | null | undefined)?.summary;
  return new RequestError({
    code: 'UNAVAILABLE',
    message: typeof summary === 'string' ? summary : 'the server refused without a reason',
    details: payload,
  });
}
