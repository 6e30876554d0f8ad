import { LEASE_MS, type Held } from '@moltbot/turns';

const RENEW_INTERVAL_MS = 2_000;
/** Stop by our own clock before another worker may start: a partitioned worker gets no event. */
const GIVE_UP_AFTER_MS = LEASE_MS - 1_500;
/** A timer set for longer rings at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Why a lease stops when its worker has to end: another one shall begin the turn anew. */
export const HANDED_OVER = 'handed over';

export type Lease = Disposable &
  Readonly<{
    signal: AbortSignal;
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
