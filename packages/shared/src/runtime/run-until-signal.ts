import { once } from 'node:events';

export type Service = AsyncDisposable & Readonly<{ drain(): Promise<void> }>;

/**
 * The life of a service process: start, wait for SIGTERM or SIGINT, drain, close. A start that
 * fails says why in one line. `forcedExitAfterMs` must stay below the platform's grace period.
 */
export async function runUntilSignal(
  start: () => Promise<Service>,
  forcedExitAfterMs: number,
): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort(signal));
  stop.signal.addEventListener('abort', () => {
    setTimeout(() => process.exit(1), forcedExitAfterMs).unref();
  });
  try {
    await using service = await start();
    if (!stop.signal.aborted) await once(stop.signal, 'abort');
    await service.drain();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
  process.exit();
}
