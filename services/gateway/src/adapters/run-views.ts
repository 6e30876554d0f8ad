import type { LoggedEvent, RunEvent } from '@moltbot/shared/contracts';
import type { RunView } from '../domain/ports.ts';

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
    const fresh = { text: '', thinking: '', n: 0, startedAt: Date.now(), attempt: 1 };
    return views.get(turnId) ?? { runId: event.run, turnId, ...session, shownKey: session.key, ...fresh };
  }

  return {
    has: (turnId) => views.has(turnId),
    live: () => views.size > 0,
    advance: ({ n, e }) => {
      const view = viewOf(e);
      view.n = n;
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

export const startsRun = (event: RunEvent): boolean =>
  event.t === 'accepted' || event.t === 'start' || event.t === 'injected';

export const turnOf = (event: RunEvent): string => (event.t === 'injected' ? event.run : event.tid);
