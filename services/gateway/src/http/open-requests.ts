import type { Response } from 'express';

const RECHECK_INTERVAL_MS = 30_000;

/** The requests under way, by their tokens: an answer may take minutes, and its token may go meanwhile. */
export type OpenRequests = Disposable &
  Readonly<{
    add: (tokenId: string, expiresAtMs: number | null, response: Response) => void;
    /** Breaks off the requests of one token: it was revoked. Whoever serves them sees a client that left. */
    closeToken: (tokenId: string) => void;
    /** Breaks off those whose token would not be let in any more. */
    recheck: () => Promise<void>;
  }>;

export function createOpenRequests(stillValid: (tokenId: string) => Promise<boolean>): OpenRequests {
  const open = new Map<Response, Readonly<{ tokenId: string; expiresAtMs: number | null }>>();
  const closeToken = (tokenId: string): void => {
    for (const [response, of] of open) if (of.tokenId === tokenId) response.destroy();
  };
  const recheck = async (): Promise<void> => {
    const now = Date.now();
    for (const [response, { expiresAtMs }] of open) if ((expiresAtMs ?? Infinity) <= now) response.destroy();
    for (const tokenId of new Set([...open.values()].map((of) => of.tokenId)))
      if (!(await stillValid(tokenId))) closeToken(tokenId);
  };
  const timer = setInterval(() => void recheck().catch(() => undefined), RECHECK_INTERVAL_MS);
  return {
    add: (tokenId, expiresAtMs, response) => {
      open.set(response, { tokenId, expiresAtMs });
      response.once('close', () => open.delete(response));
    },
    closeToken,
    recheck,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
