import type { Response } from 'express';
import { sendAway } from './sse.ts';

const RECHECK_INTERVAL_MS = 30_000;

/** The requests under way, by their tokens: an answer may take minutes, and its token may go meanwhile. */
export type OpenRequests = Disposable &
  Readonly<{
    add: (tokenId: string, expiresAtMs: number | null, response: Response) => void;
    /** Breaks off the requests of one token: it was revoked. Whoever serves them sees a client that left. */
    closeToken: (tokenId: string) => void;
    /** Breaks off those whose token would not be let in any more. */
    recheck: () => Promise<void>;
    /** Sends away whoever can go on elsewhere, and gives the others until then to be answered. */
    drain: (withinMs: number) => Promise<void>;
  }>;

export function createOpenRequests(stillValid: (tokenId: string) => Promise<boolean>): OpenRequests {
  const open = new Map<Response, Readonly<{ tokenId: string; expiresAtMs: number | null }>>();
  let emptied = (): void => undefined;
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
      response.once('close', () => {
        open.delete(response);
        if (open.size === 0) emptied();
      });
    },
    closeToken,
    recheck,
    drain: async (withinMs) => {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      emptied = () => resolve(undefined);
      for (const response of open.keys()) sendAway(response);
      if (open.size === 0) return;
      const late = setTimeout(emptied, withinMs);
      await promise;
      clearTimeout(late);
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
