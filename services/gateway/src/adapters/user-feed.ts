import type { LoggedEvent } from '@moltbot/shared/contracts';
import type { RunListener } from '../domain/ports.ts';
import { createTail, type ReadAfter, type SessionTail } from './session-tail.ts';

type Session = Readonly<{ sid: string; key: string }>;

/** One user's run events: a tail for each session that is spoken in, told to whoever listens. */
export type UserFeed = Readonly<{
  hear: (event: LoggedEvent) => void;
  /** Everything, from now on. */
  watchAll: (listener: RunListener) => () => void;
  /** `key`: only where it runs in that session; the same run id may be in use in another. */
  watchRun: (runId: string, listener: RunListener, key?: string) => () => void;
  /** A turn was accepted in a session: see that its end is heard. */
  expect: (session: Session, turnId: string) => void;
  /** Looks for events whose bell was lost; with `always` also where nothing is known to go on. */
  poll: (always?: boolean) => void;
  /** Drops what has rested since `sinceMs`. */
  tidy: (sinceMs: number) => void;
  /** Since when nobody listens, ms; now while somebody does. */
  silentSince: () => number;
}>;

/** `readOf` reads the event stream of one session. */
export function createUserFeed(
  readOf: (session: Session) => ReadAfter,
  onError: (error: unknown) => void,
  endsAreRead = false,
): UserFeed {
  const sessions = new Map<string, SessionTail>();
  const all = new Set<RunListener>();
  const runs = new Map<string, Set<RunListener>>();
  let leftAtMs = Date.now();

  const tell: RunListener = (event, view) => {
    for (const listener of all) listener(event, view);
    for (const listener of runs.get(view.runId) ?? []) listener(event, view);
  };
  const tailOf = ({ sid, key }: Session): SessionTail => {
    const tail =
      sessions.get(sid) ?? createTail({ sid, key }, readOf({ sid, key }), tell, onError, endsAreRead);
    sessions.set(sid, tail);
    return tail;
  };
  const silent = (): boolean => all.size === 0 && runs.size === 0;
  return {
    hear: (event) => tailOf(event).take(event),
    watchAll: (listener) => {
      all.add(listener);
      return () => {
        all.delete(listener);
        if (silent()) leftAtMs = Date.now();
      };
    },
    watchRun: (runId, told, key) => {
      const listener: RunListener = (event, view) => {
        if (key === undefined || view.key === key) told(event, view);
      };
      const listeners = runs.get(runId) ?? new Set();
      runs.set(runId, listeners.add(listener));
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) runs.delete(runId);
        if (silent()) leftAtMs = Date.now();
      };
    },
    expect: (session, turnId) => {
      if (!silent()) tailOf(session).expect(turnId);
    },
    poll: (always) => {
      for (const tail of sessions.values()) tail.poll(always);
    },
    tidy: (sinceMs) => {
      for (const [sid, tail] of sessions) if (tail.restingSince() < sinceMs) sessions.delete(sid);
    },
    silentSince: () => (silent() ? leftAtMs : Date.now()),
  };
}
