import type { EndOfRun, Hub } from './ports.ts';

export type AwaitedEnd = Disposable &
  Readonly<{ event: Promise<EndOfRun>; within(timeoutMs: number): Promise<EndOfRun | undefined> }>;

/** Listens for a run's end; open it before the run is submitted, so that a quick one is not missed. */
export async function awaitEnd(hub: Hub, userId: string, runId: string): Promise<AwaitedEnd> {
  const { promise, resolve } = Promise.withResolvers<EndOfRun>();
  const stop = await hub.watchRun(userId, runId, (event) => {
    if (event.t === 'end') resolve(event);
  });
  return {
    event: promise,
    within: async (timeoutMs) => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<undefined>((done) => {
        timer = setTimeout(() => done(undefined), timeoutMs);
      });
      return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
    },
    [Symbol.dispose]: stop,
  };
}
