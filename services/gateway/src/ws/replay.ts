import { isLater, readCursor, type Cursor, type ResumeAnswer } from '@moltbot/shared/contracts';
import type { Replay, RunView } from '../domain/ports.ts';
import { createRunFeed } from './run-feed.ts';
import type { Frame } from './run-frames.ts';

/** Beyond that the history and the runs' present text are the shorter way. */
const MOST_BYTES = 8_388_608;

/** Before every event. */
const BEGINNING = '0-0';

type Resumed = Pick<ResumeAnswer, 'cursor' | 'gap' | 'frames' | 'runs'>;

/** What a connection would have been sent after a cursor, had it stayed. `stream`: all that there is of session `sid`. */
export function resumeFrom(
  stream: Replay,
  sid: string,
  after: Cursor,
  now: () => number = Date.now,
): Resumed {
  const known = after.sid === sid ? after.eventId : BEGINNING;
  const cursor = `${sid}/${stream.cursor === '' ? known : stream.cursor}`;
  const runs = liveRuns(stream.steps);
  const frames = framesAfter(stream, after, now);
  if (frames === undefined) return { cursor, gap: true, frames: [], runs };
  return { cursor, gap: false, frames: frames.map(toAnswer), runs };
}

export const turnsUnderWay = ({ steps }: Replay): string[] => [...openRuns(steps).keys()];

/** undefined: the cursor's event is gone or of another generation of the session, or it is too much. */
function framesAfter({ steps }: Replay, after: Cursor, now: () => number): Frame[] | undefined {
  const at = steps.findIndex(({ view }) => view.sid === after.sid && view.cursor === after.eventId);
  if (at < 0 || hasHalfRun(steps, at)) return undefined;
  const frames: Frame[] = [];
  let bytes = 0;
  const take = (frame: Frame): void => {
    const cursor = readCursor(frame.cursor);
    if (!cursor || !isLater(cursor, after)) return;
    bytes += Buffer.byteLength(frame.payload);
    if (bytes <= MOST_BYTES) frames.push(frame);
  };
  const feed = createRunFeed(take, now, 'held');
  for (const { view } of openRuns(steps.slice(0, at)).values()) feed.goOnFrom(view);
  for (const { event, view } of steps.slice(at)) {
    // a delta the cursor names was told already, if not to everybody
    if (event.t === 'delta' && view.cursor === after.eventId) feed.goOnFrom(view);
    else feed.tell(event, view);
    if (bytes > MOST_BYTES) return undefined;
  }
  feed.settle(after.sid);
  return bytes > MOST_BYTES ? undefined : frames;
}

/** Whether what was said from a place on had begun before the oldest event that is left: its text would lack the beginning. */
function hasHalfRun(steps: Replay['steps'], at: number): boolean {
  const begun = new Set<string>();
  return steps.some(({ event, view }, index) => {
    if (event.t === 'accepted' || event.t === 'start') begun.add(view.turnId);
    const grows = event.t === 'delta' || event.t === 'thinking';
    return grows && index >= at && !begun.has(view.turnId);
  });
}

type OpenRun = { view: Readonly<RunView>; begun: boolean };

/** The runs that have not ended, by turn, as they looked last. */
function openRuns(steps: Replay['steps']): Map<string, OpenRun> {
  const open = new Map<string, OpenRun>();
  for (const { event, view } of steps) {
    const { turnId } = view;
    if (event.t === 'end') open.delete(turnId);
    else if (event.t !== 'injected')
      open.set(turnId, { view, begun: event.t !== 'accepted' || (open.get(turnId)?.begun ?? false) });
  }
  return open;
}

const liveRuns = (steps: Replay['steps']): Resumed['runs'] =>
  [...openRuns(steps).values()].map(({ view, begun }) => ({
    runId: view.runId,
    sessionKey: view.shownKey,
    state: begun ? 'running' : 'waiting',
    text: view.text,
    ...(view.thinking !== '' && { thinking: view.thinking }),
    ...(begun && { startedAt: view.startedAt }),
    attempt: view.attempt,
  }));

const toAnswer = ({ name, payload }: Frame): Resumed['frames'][number] => ({
  event: name,
  payload: JSON.parse(payload) as Record<string, unknown>,
});
