import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Held } from '@moltbot/turns';
import { keepLease } from './lease.ts';

const HELD: Held = { lost: false, abortReason: '' };
const TURN_LIMIT_MS = 600_000;
/** The ledger gives the session to somebody else this long after the last renewal. */
const LEASE_MS = 8_000;
/** Longer than any failover takes; a worker that hears nothing until then is alone. */
const GIVES_UP_AFTER_MS = 15_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a lease', () => {
  test('that is renewed lasts, and is asked for often enough', async () => {
    let renewals = 0;
    const renew = async (): Promise<Held> => {
      renewals += 1;
      return await Promise.resolve(HELD);
    };
    using lease = keepLease(renew, TURN_LIMIT_MS);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(lease.signal.aborted).toBe(false);
    expect(renewals).toBeGreaterThan(60_000 / LEASE_MS);
  });

  test.each<[string, () => Promise<Held>]>([
    ['Redis that refuses', async () => await Promise.reject(new Error('no Redis'))],
    ['Redis that hangs', async () => await new Promise<Held>(() => undefined)],
  ])('outlasts a failover, and is given up by our own clock after that: %s', async (_, renew) => {
    using lease = keepLease(renew, TURN_LIMIT_MS);
    await vi.advanceTimersByTimeAsync(GIVES_UP_AFTER_MS - 1);
    expect(lease.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(lease.signal.reason).toBe('lost');
  });

  test.each([100, 700, 1_300, 1_900])(
    'is given up as early when the last word came %i ms after a renewal',
    async (afterMs) => {
      using lease = keepLease(async () => await new Promise<Held>(() => undefined), TURN_LIMIT_MS);
      await vi.advanceTimersByTimeAsync(4_000 + afterMs);
      lease.notice(HELD);
      await vi.advanceTimersByTimeAsync(GIVES_UP_AFTER_MS - 1);
      expect(lease.signal.aborted).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      expect(lease.signal.reason).toBe('lost');
    },
  );

  test('is kept by any word from the ledger, not by renewals alone', async () => {
    using lease = keepLease(async () => await Promise.reject(new Error('no Redis')), TURN_LIMIT_MS);
    for (let second = 0; second < 30; second += 1) {
      await vi.advanceTimersByTimeAsync(1_000);
      lease.notice(HELD);
    }
    expect(lease.signal.aborted).toBe(false);
  });

  test.each<[string, Held, string]>([
    ['another worker has it', { lost: true, abortReason: '' }, 'lost'],
    ['the user wants it to stop', { lost: false, abortReason: 'stop' }, 'stop'],
  ])('ends when %s, at the next look', async (_, held, reason) => {
    using lease = keepLease(async () => await Promise.resolve(held), TURN_LIMIT_MS);
    await lease.check();
    expect(lease.signal.reason).toBe(reason);
  });
});

describe('a turn', () => {
  test('is stopped at its time limit', async () => {
    using lease = keepLease(async () => await Promise.resolve(HELD), 5_000);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(lease.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(lease.signal.reason).toBe('timeout');
  });

  test('with a limit that no timer can count is not stopped at once', async () => {
    using lease = keepLease(async () => await Promise.resolve(HELD), 2 ** 40);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(lease.signal.aborted).toBe(false);
  });

  test('that has ended leaves no timer', () => {
    keepLease(async () => await Promise.resolve(HELD), TURN_LIMIT_MS)[Symbol.dispose]();
    expect(vi.getTimerCount()).toBe(0);
  });
});
