import type { RunEvent, WireMessage } from '@moltbot/shared/contracts';
import type { RunView } from '../domain/ports.ts';
import { agentFrame, chatFrame, endFrames, startFrame, type Frame } from './run-frames.ts';
import { createTextStream, type TextStream } from './text-stream.ts';

/** Turns a user's run events into frames. Text may be thinned out; everything else, the end above all, is never held back. */
export function createRunFeed(
  deliver: (frame: Frame) => void,
  now: () => number = Date.now,
): (event: RunEvent, view: RunView) => void {
  const streams = new Map<string, TextStream>();
  const streamOf = ({ turnId }: RunView): TextStream => {
    const stream = streams.get(turnId) ?? createTextStream(deliver, now);
    streams.set(turnId, stream);
    return stream;
  };
  return (event, view) => {
    switch (event.t) {
      case 'accepted':
        return;
      case 'start':
        streamOf(view).restart();
        return event.kind === 'command' ? undefined : deliver(startFrame(event, view, now()));
      case 'delta':
        return streamOf(view).grow(view);
      case 'thinking':
        return deliver(agentFrame(view, 'thinking', { text: view.thinking, delta: event.text }, now()));
      case 'compaction': {
        const data = { phase: event.phase, ...(event.phase === 'end' && { willRetry: false }) };
        return deliver(agentFrame(view, 'compaction', data, now()));
      }
      case 'injected':
        return deliver(chatFrame({ ...view, n: 0 }, 'final', { message: event.message as WireMessage }));
      case 'end':
        streams.get(view.turnId)?.flush(view);
        streams.delete(view.turnId);
        for (const frame of endFrames(event, view, now())) deliver(frame);
    }
  };
}
