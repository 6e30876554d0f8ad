/** What the events of one session must look like, whoever hears them. */
import type { LoggedEvent } from '@moltbot/shared/contracts';
import { expect } from 'vitest';

/** `<fence>-<n>` as one number. */
function idOrder(id: string): bigint {
  const [fence = '0', n = '0'] = id.split('-');
  return BigInt(fence) * 1_000_000n + BigInt(n);
}

/** Ids rise, and each event names the one before it; '' where an eviction began anew. */
export function expectUnbroken(events: readonly LoggedEvent[]): void {
  const before = (i: number): string => events[i - 1]?.id ?? '';
  const broken = events.filter(
    ({ id, prev }, i) => (prev !== '' && prev !== before(i)) || idOrder(id) <= idOrder(before(i)),
  );
  expect(broken).toEqual([]);
}

/** From a run's first word to its end no other run of the session speaks, and all end as they were accepted. */
export function expectOneAtATime(events: readonly LoggedEvent[]): void {
  const accepted = events.filter(({ e }) => e.t === 'accepted').map(({ e }) => e.run);
  const spoken = events.filter(({ n }) => n > 0);
  expect(spoken.filter(({ n }) => n === 1).map(({ e }) => e.run)).toEqual(accepted);
  expect(spoken.filter(({ e }) => e.t === 'end').map(({ e }) => e.run)).toEqual(accepted);
  const mixed = spoken.filter(({ n, e }, i) => {
    const before = spoken[i - 1];
    return n === 1
      ? before !== undefined && before.e.t !== 'end'
      : before?.e.run !== e.run || before.n !== n - 1;
  });
  expect(mixed).toEqual([]);
}
