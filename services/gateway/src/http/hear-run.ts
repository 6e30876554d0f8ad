import { isAfter } from '../domain/event-order.ts';
import type { Hub, Replay, RunListener } from '../domain/ports.ts';

export type Steps = Replay['steps'];

/** One reader of a run: first what the stream holds of it, then what comes; each event once and in order. */
export type Hearing = Disposable &
  Readonly<{
    /** What was said so far; undefined when the stream no longer holds its beginning. */
    past(run: Readonly<{ sid: string; key: string; turnId: string }>): Promise<Steps | undefined>;
    /** Tells `steps`, then what has come since the hearing was opened, then whatever comes, at once. */
    go(steps?: Steps): void;
  }>;

/** Open it before the run is submitted or looked up, so that nothing falls between. */
export async function hearRun(
  hub: Pick<Hub, 'watchRun' | 'replay'>,
  userId: string,
  { runId, key }: Readonly<{ runId: string; key: string }>,
  listener: RunListener,
): Promise<Hearing> {
  let waiting: Steps[number][] | undefined = [];
  let readUpTo = '';
  const hear: RunListener = (event, view) => {
    if (waiting) waiting.push({ event, view: { ...view } });
    else if (isAfter(view.cursor, readUpTo)) listener(event, view);
  };
  const stop = await hub.watchRun(userId, runId, hear, key);
  return {
    past: async ({ sid, turnId }) => {
      const { steps, cursor } = await hub.replay({ sid, key }, '');
      const own = steps.filter(({ view }) => view.turnId === turnId);
      if (!own[0] || !begins(own[0])) return undefined;
      readUpTo = cursor;
      return own;
    },
    go: (steps = []) => {
      for (const { event, view } of steps) listener(event, view);
      const late = waiting ?? [];
      waiting = undefined;
      for (const { event, view } of late) hear(event, view);
    },
    [Symbol.dispose]: stop,
  };
}

/** A trimmed stream may begin in the middle of a run: what that run said before is then unknown. */
function begins({ event }: Steps[number]): boolean {
  return event.t === 'accepted' || (event.t === 'start' && event.attempt === 1);
}
