import { setImmediate as immediate } from 'node:timers/promises';
import { isAfter } from '../domain/event-order.ts';
import type { Hub, Replay, RunListener } from '../domain/ports.ts';

export type Steps = Replay['steps'];
type Step = Steps[number];

/** Undefined while the reader keeps up; else when it has taken what it was sent. */
export type Room = () => Promise<void> | undefined;

const STEPS_AT_ONCE = 500;
/** Behind so many events that wait, pieces of the same text become one. */
const MOST_WAITING = 1_000;

/** One reader of a run: first what the stream holds of it, then what comes; each event once and in order. */
export type Hearing = Disposable &
  Readonly<{
    /** What was said so far; undefined when the stream no longer holds its beginning. */
    past(run: Readonly<{ sid: string; key: string; turnId: string }>): Promise<Steps | undefined>;
    /**
     * Tells `steps`, then what has come since the hearing was opened, as fast as there is room for it; when it
     * resolves, whatever comes is told at once.
     */
    go(steps?: Steps, room?: Room): Promise<void>;
  }>;

/** Open it before the run is submitted or looked up, so that nothing falls between. */
export async function hearRun(
  hub: Pick<Hub, 'watchRun' | 'replay'>,
  userId: string,
  { runId, key }: Readonly<{ runId: string; key: string }>,
  listener: RunListener,
): Promise<Hearing> {
  let waiting: Step[] | undefined = [];
  let readUpTo = '';
  const hear: RunListener = (event, view) => {
    if (waiting) wait(waiting, { event, view: { ...view } });
    else if (isAfter(view.cursor, readUpTo)) listener(event, view);
  };
  const stop = await hub.watchRun(userId, runId, hear, key);
  return {
    past: async ({ sid, turnId }) => {
      const { steps, cursor } = await hub.replay({ sid, key });
      const own = steps.filter(({ view }) => view.turnId === turnId);
      if (!own[0] || !begins(own[0])) return undefined;
      readUpTo = cursor;
      return own;
    },
    go: async (steps = [], room = keepsUp) => {
      let told = 0;
      for (const { event, view } of steps) {
        listener(event, view);
        told += 1;
        const pause = room() ?? (told % STEPS_AT_ONCE === 0 ? immediate() : undefined);
        if (pause) await pause;
      }
      for (let next = waiting?.shift(); next; next = waiting?.shift()) {
        if (!isAfter(next.view.cursor, readUpTo)) continue;
        listener(next.event, next.view);
        const pause = room();
        if (pause) await pause;
      }
      waiting = undefined;
    },
    [Symbol.dispose]: stop,
  };
}

const keepsUp: Room = () => undefined;

/** A view holds the whole text, so of pieces that nobody has been told yet only their sum matters. */
function wait(waiting: Step[], { event, view }: Step): void {
  const last = waiting.at(-1);
  const full = last !== undefined && waiting.length >= MOST_WAITING;
  if (full && isText(last.event) && isText(event) && last.event.t === event.t && last.event.tid === event.tid)
    waiting.splice(-1, 1, { event: { ...event, text: last.event.text + event.text }, view });
  else waiting.push({ event, view });
}

type Text = Extract<Step['event'], { t: 'delta' | 'thinking' }>;
const isText = (event: Step['event']): event is Text => event.t === 'delta' || event.t === 'thinking';

/** A trimmed stream may begin in the middle of a run: what that run said before is then unknown. */
function begins({ event }: Steps[number]): boolean {
  return event.t === 'accepted' || (event.t === 'start' && event.attempt === 1);
}
