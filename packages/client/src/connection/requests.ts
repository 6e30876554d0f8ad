import type { ResponseFrame } from '@moltbot/shared/contracts';
import { LOCAL_CODES, RequestError, refusal } from '../request-error.ts';

export type RequestOptions = Readonly<{
  timeoutMs?: number;
  /** `agent` answers twice on one id: `accepted`, then the result. Wait for the second. */
  expectFinal?: boolean;
  signal?: AbortSignal;
}>;

type Waiting = {
  readonly frame: string;
  readonly expectFinal: boolean;
  readonly resolve: (payload: unknown) => void;
  readonly reject: (error: RequestError) => void;
  sent: boolean;
};

const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * Requests made and not yet answered. What was not sent yet waits for the next
 * connection; what was sent when the connection broke is rejected, because only the
 * caller knows whether it may be repeated.
 */
export class Requests {
  readonly #waiting = new Map<string, Waiting>();

  add<T>(method: string, params: unknown, options: RequestOptions): { id: string; answer: Promise<T> } {
    const id = crypto.randomUUID();
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const abandon = (code: string, message: string): void => {
      if (this.#waiting.delete(id)) reject(new RequestError({ code, message, retryable: true }));
    };
    const onAbort = (): void => abandon(LOCAL_CODES.aborted, `${method} was aborted`);
    const timer = setTimeout(
      () => abandon(LOCAL_CODES.timeout, `${method}: no answer within ${timeoutMs} ms`),
      timeoutMs,
    );
    options.signal?.addEventListener('abort', onAbort, { once: true });
    const frame = JSON.stringify({ type: 'req', id, method, ...(params !== undefined && { params }) });
    this.#waiting.set(id, { frame, expectFinal: options.expectFinal ?? false, resolve, reject, sent: false });
    if (options.signal?.aborted) onAbort();
    const answer = promise.finally(() => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
    });
    return { id, answer: answer as Promise<T> };
  }

  /** Sends what has not been sent; a frame the server would cut the connection for is refused here. */
  flush(send: (frame: string) => void, maxPayloadBytes: number): void {
    for (const [id, waiting] of this.#waiting) {
      if (waiting.sent) continue;
      if (!fits(waiting.frame, maxPayloadBytes)) {
        const message = `the request is larger than the server takes (${maxPayloadBytes} bytes)`;
        this.#end(id, waiting, new RequestError({ code: LOCAL_CODES.tooLarge, message }));
        continue;
      }
      waiting.sent = true;
      send(waiting.frame);
    }
  }

  answer(frame: ResponseFrame): void {
    const waiting = this.#waiting.get(frame.id);
    if (!waiting) return;
    if (!frame.ok) return this.#end(frame.id, waiting, refusal(frame.error, frame.payload));
    if (waiting.expectFinal && isAccepted(frame.payload)) return;
    this.#waiting.delete(frame.id);
    waiting.resolve(frame.payload);
  }

  /** The connection is gone. `all` when there will be no other. */
  lose(reason: string, all: boolean): void {
    for (const [id, waiting] of this.#waiting) {
      if (!waiting.sent && !all) continue;
      const code = all ? LOCAL_CODES.closed : LOCAL_CODES.disconnected;
      this.#end(id, waiting, new RequestError({ code, message: reason, retryable: !all }));
    }
  }

  #end(id: string, waiting: Waiting, error: RequestError): void {
    this.#waiting.delete(id);
    waiting.reject(error);
  }
}

const isAccepted = (payload: unknown): boolean =>
  (payload as { status?: unknown } | null)?.status === 'accepted';

/** A UTF-16 unit is at most three bytes of UTF-8, so most frames need no counting. */
function fits(frame: string, maxBytes: number): boolean {
  return frame.length * 3 <= maxBytes || new TextEncoder().encode(frame).length <= maxBytes;
}
