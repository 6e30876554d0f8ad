const FIRST_CEILING_MS = 500;
const LAST_CEILING_MS = 20_000;
const FLOOR_MS = 100;

/**
 * Full jitter: anywhere between almost nothing and a ceiling that doubles. After a
 * gateway restart thousands of pages come back, and none should come together.
 */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  const ceilingMs = Math.min(LAST_CEILING_MS, FIRST_CEILING_MS * 2 ** Math.min(attempt, 16));
  return FLOOR_MS + Math.floor(random() * ceilingMs);
}
