import type { EndOfRun, Hub, RunListener } from './ports.ts';

export type AwaitedEnd = Disposable &
  Readonly<{ event: Promise<EndOfRun>; within(timeoutMs: number): Promise<EndOfRun | undefined> }>;

/** Longer ones fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Listens for a run's end; open it before the run is submitted, so that a quick one is not missed. */
export async function awaitEnd(hub: Hub, userId: string, runId: string, key?: string): Promise<AwaitedEnd> {
  const { promise, resolve } = Promise.withResolvers<EndOfRun>();
  const end: RunListener = (event) => {
    if (event.t === 'end') resolve(event);
  };
  const stop = await hub.watchRun(userId, runId, end, key);
  return {
    event: promise,
    within: async (timeoutMs) => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<undefined>((done) => {
        timer = setTimeout(() => done(undefined), Math.min(timeoutMs, MAX_TIMER_MS));
      });
      return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
    },
    [Symbol.dispose]: stop,
  };
}
