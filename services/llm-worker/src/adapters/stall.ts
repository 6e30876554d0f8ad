export type StallLimit = Readonly<{
  signal: AbortSignal;
  /** The stream has said something. */
  alive: () => void;
  stalled: () => boolean;
  end: () => void;
}>;

/**
 * Ends a call whose stream says nothing for too long; a provider that hangs raises no error by
 * itself. The clock starts with the first `alive`, when the stream is open: until then the SDK has
 * a limit of its own for each attempt, and waits between them as long as the provider asks.
 */
export function withStallLimit(outer: AbortSignal, stallMs: number): StallLimit {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  return {
    signal: AbortSignal.any([outer, controller.signal]),
    alive: () => {
      timer = timer?.refresh() ?? setTimeout(() => controller.abort('stall'), stallMs);
    },
    stalled: () => controller.signal.aborted && !outer.aborted,
    end: () => clearTimeout(timer),
  };
}
