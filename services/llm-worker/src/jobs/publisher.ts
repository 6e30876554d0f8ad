import type { Held } from '@moltbot/turns';

export type Publisher = Readonly<{
  push(text: string): void;
  /** Everything said so far, published or not. */
  text(): string;
  /** Resolves when all that was pushed is published; rejects if publishing failed. */
  flush(): Promise<void>;
}>;

/**
 * Batches by backpressure: the first words go out at once, then one publish is in flight at
 * a time and what arrives meanwhile is the next batch. No timer, so nothing waits when idle.
 */
export function createPublisher(
  publish: (text: string) => Promise<Held>,
  onHeld: (held: Held) => void,
): Publisher {
  let waiting = '';
  let said = '';
  let failure: Readonly<{ cause: unknown }> | undefined;
  let running: Promise<void> | undefined;
  const run = async (): Promise<void> => {
    while (waiting !== '' && failure === undefined) {
      const batch = waiting;
      waiting = '';
      onHeld(await publish(batch));
    }
  };
  const start = (): void => {
    running ??= run()
      .catch((cause: unknown) => {
        failure = { cause };
      })
      .finally(() => {
        running = undefined;
        if (waiting !== '' && failure === undefined) start(); // said while the last batch was ending
      });
  };
  return {
    push: (text) => {
      said += text;
      waiting += text;
      start();
    },
    text: () => said,
    flush: async () => {
      while (running) await running;
      if (failure) throw failure.cause;
    },
  };
}
