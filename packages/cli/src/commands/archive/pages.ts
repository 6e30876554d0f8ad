import { RequestError } from '@moltbot/client';
import { Failure } from '../../failure.ts';
import type { Gateway } from '../../target/gateway.ts';

/** A page may read large sessions from a slow storage; session-store ends it itself before that. */
const PAGE_MS = 20_000;
const TRIES = 3;
const PAUSE_MS = 1_000;

/** Asks page after page until there is no more. A page that is not answered in time is asked again. */
export async function eachPage<P extends Readonly<{ next?: string }>>(
  gateway: Gateway,
  method: string,
  params: Readonly<Record<string, unknown>>,
  onPage: (page: P) => void,
): Promise<void> {
  let after: string | undefined;
  do {
    const page = await askPage<P>(gateway, method, { ...params, ...(after !== undefined && { after }) });
    onPage(page);
    after = page.next;
  } while (after !== undefined);
}

async function askPage<P>(gateway: Gateway, method: string, params: object): Promise<P> {
  const timeoutMs = Math.max(gateway.timeoutMs, PAGE_MS);
  for (let tries = 1; ; tries += 1) {
    try {
      return await gateway.call<P>(method, params, { timeoutMs });
    } catch (error) {
      const cause = error instanceof Failure ? error.cause : undefined;
      if (tries === TRIES || !(cause instanceof RequestError) || !cause.retryable) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
