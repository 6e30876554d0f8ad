import { setImmediate as immediate } from 'node:timers/promises';
import type { LoggedEvent, RunEvent } from '@moltbot/shared/contracts';
import type { Replay, RunView } from '../domain/ports.ts';

/** The live runs of one session, as far as its events have been read. */
export type RunViews = Readonly<{
  has: (turnId: string) => boolean;
  live: () => boolean;
  /** What the run looks like after the event; an ended one is forgotten. */
  advance: (event: LoggedEvent) => RunView;
}>;

export function createRunViews(session: Readonly<{ sid: string; key: string }>): RunViews {
  const views = new Map<string, RunView>();

  function viewOf(event: RunEvent): RunView {
    const turnId = turnOf(event);
    const fresh = { text: '', thinking: '', n: 0, startedAt: Date.now(), attempt: 1, cursor: '' };
    return views.get(turnId) ?? { runId: event.run, turnId, ...session, shownKey: session.key, ...fresh };
  }

  return {
    has: (turnId) => views.has(turnId),
    live: () => views.size > 0,
    advance: ({ id, n, e }) => {
      const view = viewOf(e);
      view.n = n;
      view.cursor = id;
      if ('shown' in e) view.shownKey = e.shown;
      if (e.t === 'start')
        Object.assign(view, { startedAt: e.at, attempt: e.attempt, text: '', thinking: '' });
      if (e.t === 'delta') view.text += e.text;
      if (e.t === 'thinking') view.thinking += e.text;
      if (e.t === 'end') views.delete(e.tid);
      else if (e.t !== 'injected') views.set(e.tid, view);
      return view;
    },
  };
}

type Step = Replay['steps'][number];

const stepOf = (runs: RunViews, event: LoggedEvent): Step => ({
  event: event.e,
  view: { ...runs.advance(event) },
});

const replayFrom = (events: readonly LoggedEvent[], steps: readonly Step[]): Replay => ({
  cursor: events.at(-1)?.id ?? '',
  steps,
});

/** `events`: all that a session's stream holds, so that the runs under way look whole at every step. */
export function replayOf(
  session: Readonly<{ sid: string; key: string }>,
  events: readonly LoggedEvent[],
): Replay {
  const runs = createRunViews(session);
  return replayFrom(
    events,
    events.map((event) => stepOf(runs, event)),
  );
}

const STEPS_AT_ONCE = 1_000;

/** The same, leaving time for others in between. */
export async function longReplayOf(
  session: Readonly<{ sid: string; key: string }>,
  events: readonly LoggedEvent[],
): Promise<Replay> {
  const runs = createRunViews(session);
  const steps: Step[] = [];
  for (const event of events) {
    steps.push(stepOf(runs, event));
    if (steps.length % STEPS_AT_ONCE === 0) await immediate();
  }
  return replayFrom(events, steps);
}

export const startsRun = (event: RunEvent): boolean =>
  event.t === 'accepted' || event.t === 'start' || event.t === 'injected';

export const turnOf = (event: RunEvent): string => (event.t === 'injected' ? event.run : event.tid);
