export type StallLimit = Readonly<{
  signal: AbortSignal;
  /** The stream has said something. */
  alive: () => void;
  stalled: () => boolean;
  end: () => void;
}>;

/** Ends a call whose stream says nothing for too long; a provider that hangs raises no error by itself. */
export function withStallLimit(outer: AbortSignal, stallMs: number): StallLimit {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort('stall'), stallMs);
  return {
    signal: AbortSignal.any([outer, controller.signal]),
    alive: () => timer.refresh(),
    stalled: () => controller.signal.aborted && !outer.aborted,
    end: () => clearTimeout(timer),
  };
}
