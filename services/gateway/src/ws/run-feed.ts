import type { RunEvent, WireMessage } from '@moltbot/shared/contracts';
import type { RunView } from '../domain/ports.ts';
import { agentFrame, chatFrame, endFrames, startFrame, type Frame } from './run-frames.ts';
import { createTextStream, type Pace, type TextStream } from './text-stream.ts';

export type RunFeed = Readonly<{
  tell: (event: RunEvent, view: RunView) => void;
  /** The run was told of so far, by somebody else. */
  goOnFrom: (view: RunView) => void;
  /** Sends the text that was held back in a session. */
  settle: (sid: string) => void;
}>;

/** Turns a user's run events into frames. Text may be thinned out; everything else, the end above all, is never held back. */
export function createRunFeed(
  deliver: (frame: Frame) => void,
  now: () => number = Date.now,
  pace: Pace = 'live',
): RunFeed {
  const streams = new Map<string, Readonly<{ sid: string; text: TextStream }>>();
  const textOf = ({ turnId, sid }: RunView): TextStream => {
    const stream = streams.get(turnId) ?? { sid, text: createTextStream(deliver, now, pace) };
    streams.set(turnId, stream);
    return stream.text;
  };
  // before any other frame of the session, so that its cursor does not skip text that was held back
  const settle = (sid: string): void => {
    for (const stream of streams.values()) if (stream.sid === sid) stream.text.flush(true);
  };
  const end = (event: Extract<RunEvent, { t: 'end' }>, view: RunView): void => {
    // an end that brings no message of its own leaves what was last seen
    streams.get(view.turnId)?.text.flush(event.outcome !== 'final');
    streams.delete(view.turnId);
    settle(view.sid);
    for (const frame of endFrames(event, view, now())) deliver(frame);
  };
  const tell = (event: RunEvent, view: RunView): void => {
    if (event.t === 'accepted') return;
    if (event.t === 'delta') return textOf(view).grow(view);
    if (event.t === 'end') return end(event, view);
    settle(view.sid);
    switch (event.t) {
      case 'start':
        textOf(view).restart();
        return event.kind === 'command' ? undefined : deliver(startFrame(event, view, now()));
      case 'thinking':
        return deliver(agentFrame(view, 'thinking', { text: view.thinking, delta: event.text }, now()));
      case 'compaction': {
        const data = { phase: event.phase, ...(event.phase === 'end' && { willRetry: false }) };
        return deliver(agentFrame(view, 'compaction', data, now()));
      }
      case 'injected':
        return deliver(chatFrame({ ...view, n: 0 }, 'final', { message: event.message as WireMessage }));
    }
  };
  return { tell, settle, goOnFrom: (view) => textOf(view).goOnFrom(view) };
}
