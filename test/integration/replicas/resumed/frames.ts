/** What must hold of the frames of one session, however many connections brought them. */
import { isLater, readCursor } from '@moltbot/shared/contracts';

export type SeenFrame = Readonly<{
  event: 'chat' | 'agent';
  payload: Readonly<{
    runId: string;
    cursor: string;
    seq: number;
    state?: string;
    stream?: string;
    data?: Readonly<Record<string, unknown>>;
    message?: { content: { type: string; text?: string }[] };
  }>;
}>;

const isText = ({ payload }: SeenFrame): boolean =>
  payload.state === 'delta' || payload.stream === 'assistant';

/** Everything but growing text, which may be thinned out, as something two connections can be compared by. */
export function lasting(frames: readonly SeenFrame[]): unknown[] {
  return frames
    .filter((frame) => !isText(frame))
    .map(({ event, payload: { runId, cursor, seq, state, stream, data, message } }) => ({
      ...{ event, runId, cursor, seq, state, stream, message },
      data: data && Object.fromEntries(Object.entries(data).filter(([name]) => name !== 'ts')),
    }));
}

/** Frames that do not come after the one before; text that takes back what was said, or has grown by something else. */
export const inOrder = (frames: readonly SeenFrame[]): string[] => [
  ...misplaced(frames),
  ...shrunken(frames),
];

function misplaced(frames: readonly SeenFrame[]): string[] {
  const places = frames.map(({ payload }) => readCursor(payload.cursor));
  return places.flatMap((here, at) => {
    const [cursor, there] = [frames[at]?.payload.cursor, places[at - 1]];
    if (here === undefined) return [`frame ${at} has no cursor`];
    return there && !isLater(here, there) ? [`${cursor} comes after ${frames[at - 1]?.payload.cursor}`] : [];
  });
}

function shrunken(frames: readonly SeenFrame[]): string[] {
  const texts = new Map<string, string>();
  return frames.flatMap(({ payload: { stream, runId, data, cursor } }) => {
    if (stream !== 'assistant') return [];
    const [before, now] = [texts.get(runId) ?? '', String(data?.['text'])];
    texts.set(runId, now);
    if (!now.startsWith(before)) return [`${cursor} takes back text`];
    return now === before + String(data?.['delta']) ? [] : [`${cursor} says other news than its delta`];
  });
}
