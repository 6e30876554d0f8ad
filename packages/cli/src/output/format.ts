const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `42s`, `5m`, `3h`, `12d`: one unit is enough to see whether something is alive. */
export function duration(ms: number): string {
  if (ms < MINUTE_MS) return `${Math.max(0, Math.floor(ms / SECOND_MS))}s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)}m`;
  return ms < 2 * DAY_MS ? `${Math.floor(ms / HOUR_MS)}h` : `${Math.floor(ms / DAY_MS)}d`;
}

export const ago = (atMs: number | null | undefined, nowMs = Date.now()): string =>
  atMs ? `${duration(nowMs - atMs)} ago` : '-';

/** `950`, `12.3k`, `4.1M`. */
export function count(value: number | null | undefined): string {
  if (value === null || value === undefined) return '-';
  if (value < 1_000) return String(value);
  return value < 1_000_000 ? `${(value / 1_000).toFixed(1)}k` : `${(value / 1_000_000).toFixed(1)}M`;
}

/** Cents, and more digits where cents would show nothing. */
export const money = (usd: number | null | undefined): string =>
  usd === null || usd === undefined ? '-' : `$${usd.toFixed(usd !== 0 && Math.abs(usd) < 0.1 ? 4 : 2)}`;

export const day = (atMs: number | null | undefined): string =>
  atMs ? new Date(atMs).toISOString().slice(0, 10) : 'never';
