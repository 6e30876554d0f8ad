import type { LoggedEvent, RunEvent } from '@moltbot/shared/contracts';
import type { RunListener, RunView } from '../domain/ports.ts';

export type ReadAfter = (after: string) => Promise<{ events: LoggedEvent[]; gap: boolean }>;

export type SessionTail = Readonly<{
  /** An event from the doorbell; what is missing before it is read from the stream. */
  take(event: LoggedEvent): void;
  /** A turn was accepted: its end must be heard even if every bell of it is lost. */
  expect(turnId: string): void;
  /** Looks for events whose bell was lost, where a run is live or expected; everywhere with `always`. */
  poll(always?: boolean): void;
  /** When the last run ended, ms; now while one is live. */
  restingSince(): number;
}>;

/** An end that has not been heard by then is no longer in the stream either. */
const EXPECTED_AT_MOST_MS = 60 * 60_000;

/**
 * One session's events, each once and in order, whatever the doorbell did. Nothing is told of
 * runs before the first event heard, but their text is read, so that it can be continued.
 */
export function createTail(
  ref: Readonly<{ sid: string; key: string }>,
  readAfter: ReadAfter,
  tell: RunListener,
  onError: (error: unknown) => void,
): SessionTail {
  const runs = new Map<string, RunView>();
  const expected = new Map<string, number>();
  let last: string | undefined;
  let reading: Promise<void> | undefined;
  let waiting: LoggedEvent[] = [];
  let restedAtMs = Date.now();
  let ended = '';

  const apply = (event: LoggedEvent, silent: boolean): void => {
    if (last !== undefined && !isAfter(event.id, last)) return;
    last = event.id;
    const view = advance(runs, ref, event);
    if (!silent) tell(event.e, view);
    if (event.e.t === 'end') {
      runs.delete(event.e.tid);
      expected.delete(event.e.tid);
      ended = event.e.tid;
      restedAtMs = Date.now();
    }
  };
  const knows = (event: LoggedEvent): boolean => {
    if (last === undefined) return event.prev === '' || startsRun(event.e);
    return event.prev === last && (startsRun(event.e) || runs.has(tidOf(event.e)));
  };
  const catchUp = async (): Promise<void> => {
    // @NOTE an unknown run may have begun before we listened: its text is rebuilt from the stream's beginning, told to nobody
    const heardFrom = last ?? waiting[0]?.prev ?? '';
    const rebuild =
      last === undefined || waiting.some((event) => !startsRun(event.e) && !runs.has(tidOf(event.e)));
    const { events } = await readAfter(rebuild ? '' : heardFrom);
    if (rebuild) last = undefined; // not before the read: one that fails must leave the place where we are
    // without a bell there is no place to go on from: of what the stream holds only the expected is news
    const blind = heardFrom === '' && waiting[0]?.prev !== '';
    const news = (event: LoggedEvent): boolean =>
      blind ? expected.has(tidOf(event.e)) : isAfter(event.id, heardFrom);
    for (const event of events) apply(event, rebuild && !news(event));
    const rest = waiting;
    waiting = [];
    for (const event of rest) apply(event, false);
  };
  const read = (): void => {
    reading ??= catchUp().then(
      () => {
        reading = undefined;
        if (waiting.length > 0) read();
      },
      (error: unknown) => {
        reading = undefined; // what waits is looked at again with the next event or poll, not at once
        onError(error);
      },
    );
  };
  const live = (): boolean => runs.size + waiting.length + expected.size > 0;
  return {
    take: (event) => {
      if (!reading && knows(event)) return apply(event, false);
      if (last !== undefined && !isAfter(event.id, last)) return;
      waiting.push(event);
      read();
    },
    expect: (turnId) => {
      if (turnId !== ended) expected.set(turnId, Date.now());
    },
    poll: (always = false) => {
      const tooOldMs = Date.now() - EXPECTED_AT_MOST_MS;
      for (const [turnId, sinceMs] of expected) if (sinceMs < tooOldMs) expected.delete(turnId);
      if ((live() || (always && last !== undefined)) && !reading) read();
    },
    restingSince: () => (live() || reading ? Date.now() : restedAtMs),
  };
}

const startsRun = (event: RunEvent): boolean =>
  event.t === 'accepted' || event.t === 'start' || event.t === 'injected';
const tidOf = (event: RunEvent): string => (event.t === 'injected' ? event.run : event.tid);

/** Ids are `<fence>-<n>`, ordered by both as numbers. */
function isAfter(id: string, other: string): boolean {
  if (other === '') return true;
  const [fence = 0, n = 0] = id.split('-').map(Number);
  const [otherFence = 0, otherN = 0] = other.split('-').map(Number);
  return fence > otherFence || (fence === otherFence && n > otherN);
}

function advance(
  runs: Map<string, RunView>,
  ref: Readonly<{ sid: string; key: string }>,
  { n, e }: LoggedEvent,
): RunView {
  const tid = tidOf(e);
  const view = runs.get(tid) ?? {
    runId: e.run,
    turnId: tid,
    ...ref,
    shownKey: ref.key,
    text: '',
    thinking: '',
    n: 0,
    startedAt: Date.now(),
    attempt: 1,
  };
  if (e.t !== 'injected') runs.set(tid, view);
  view.n = n;
  if ('shown' in e) view.shownKey = e.shown;
  if (e.t === 'start') Object.assign(view, { startedAt: e.at, attempt: e.attempt, text: '', thinking: '' });
  if (e.t === 'delta') view.text += e.text;
  if (e.t === 'thinking') view.thinking += e.text;
  return view;
}
