/** Chance that can be repeated: the seed of a failed run, given again, makes the same choices. */
export type Seeded = Readonly<{
  seed: number;
  /** A whole number from `from` to `to`, both included. */
  whole(from: number, to: number): number;
  pick<T>(from: readonly T[]): T;
}>;

/** `MOLTBOT_TEST_SEED` repeats an earlier run. */
export function seeded(
  seed = Number(process.env['MOLTBOT_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31)),
): Seeded {
  let state = seed;
  // mulberry32
  const next = (): number => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1));
  const pick = <T>(from: readonly T[]): T => {
    const chosen = from[whole(0, from.length - 1)];
    if (chosen === undefined) throw new Error('nothing to choose from');
    return chosen;
  };
  return { seed, whole, pick };
}
