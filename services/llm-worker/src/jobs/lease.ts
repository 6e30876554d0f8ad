import type { Held } from '@moltbot/turns';

const RENEW_INTERVAL_MS = 2_000;
/**
 * Stop by our own clock: a partitioned worker gets no event. Later than the lease ends, because nobody
 * can begin anew while Redis itself is away, and a failover takes 5 to 8 s (measured); see ADR 20.
 */
const GIVE_UP_AFTER_MS = 15_000;
/** A timer set for longer rings at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Why a lease stops when its worker has to end: another one shall begin the turn anew. */
export const HANDED_OVER = 'handed over';

export type Lease = Disposable &
  Readonly<{
    signal: AbortSignal;
    /** Renews it now, and learns whether it is still ours. */
    check(): Promise<void>;
    notice(held: Held): void;
    stop(reason: string): void;
  }>;

/**
 * Keeps a session's lease while a turn runs. Its signal aborts with `lost` when somebody else
 * holds the session or nothing has been heard for too long, else with the user's reason.
 */
export function keepLease(renew: () => Promise<Held>, timeoutMs: number): Lease {
  const controller = new AbortController();
  const silence = setTimeout(() => controller.abort('lost'), GIVE_UP_AFTER_MS);
  const notice = (held: Held): void => {
    silence.refresh();
    if (held.lost) controller.abort('lost');
    else if (held.abortReason !== '') controller.abort(held.abortReason);
  };
  const check = async (): Promise<void> => {
    await renew().then(notice, () => undefined); // `silence` decides when that is too long
  };
  const timer = setInterval(() => void check(), RENEW_INTERVAL_MS);
  const limit = setTimeout(() => controller.abort('timeout'), Math.min(timeoutMs, LONGEST_TIMER_MS));
  return {
    signal: controller.signal,
    check,
    notice,
    stop: (reason) => controller.abort(reason),
    [Symbol.dispose]: () => {
      clearInterval(timer);
      clearTimeout(silence);
      clearTimeout(limit);
    },
  };
}
