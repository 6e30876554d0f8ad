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

/** Frames that do not come after the one before; text that takes back what was said. */
export function inOrder(frames: readonly SeenFrame[]): string[] {
  const faults: string[] = [];
  for (const [at, frame] of frames.entries()) {
    const before = frames[at - 1];
    const [here, there] = [frame, before].map((one) => one && readCursor(one.payload.cursor));
    if (here === undefined) faults.push(`frame ${at} has no cursor`);
    else if (there && !isLater(here, there))
      faults.push(`${frame.payload.cursor} comes after ${before?.payload.cursor}`);
  }
  const texts = frames.filter(({ payload }) => payload.stream === 'assistant');
  for (const [at, { payload }] of texts.entries()) {
    const earlier = texts.slice(0, at).findLast((one) => one.payload.runId === payload.runId);
    const [text, shorter] = [payload.data?.['text'], earlier?.payload.data?.['text'] ?? ''].map(String);
    if (!text?.startsWith(shorter ?? '')) faults.push(`${payload.cursor} takes back text`);
  }
  return faults;
}
