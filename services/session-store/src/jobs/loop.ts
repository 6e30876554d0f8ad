export type Loop = Readonly<{
  /** Starts the next round now instead of after its pause. */
  wake(): void;
  /** Resolves when the round under way has ended; no other begins. */
  stop(): Promise<void>;
}>;

const PAUSE_AFTER_FAILURE_MS = 1_000;

/** Runs `round` again and again, with the pause it asks for in between. */
export function startLoop(round: () => Promise<number>, onError: (error: unknown) => void): Loop {
  let stopped = false;
  let woken = false;
  let endPause = (): void => undefined;
  const pause = async (pauseMs: number): Promise<void> => {
    if (woken || stopped) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    endPause = resolve;
    const timer = setTimeout(resolve, pauseMs);
    await promise;
    clearTimeout(timer);
  };
  const ended = (async () => {
    while (!stopped) {
      woken = false;
      const pauseMs = await round().catch((error: unknown) => {
        if (!stopped) onError(error);
        return PAUSE_AFTER_FAILURE_MS;
      });
      await pause(pauseMs);
    }
  })();
  return {
    wake() {
      woken = true;
      endPause();
    },
    async stop() {
      stopped = true;
      endPause();
      await ended;
    },
  };
}
