import { AppError } from '@moltbot/shared/errors';
import { isErrorCode } from '../domain/error-code.ts';

export type InternalClient = Readonly<{
  /** JSON in, JSON out; refusals of the other service come back as the same AppError. */
  post(path: string, body: unknown, timeoutMs?: number): Promise<unknown>;
}>;

/** Calls between our own services: one shared secret, a deadline on every call. */
export function internalClient(baseUrl: string, secret: string): InternalClient {
  return {
    async post(path, body, timeoutMs = 5_000) {
      const response = await fetch(new URL(path, baseUrl), {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMs),
      }).catch((cause: unknown) => {
        throw new AppError('UNAVAILABLE', `an internal service did not answer (${path})`, { cause });
      });
      const answer = (await response.json().catch(() => ({}))) as {
        error?: { code?: string; message?: string };
      };
      if (response.ok) return answer;
      const code = answer.error?.code?.toUpperCase() ?? '';
      throw new AppError(
        isErrorCode(code) ? code : 'INTERNAL',
        answer.error?.message ?? `internal call failed with ${response.status}`,
      );
    },
  };
}
