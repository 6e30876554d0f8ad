import type { RunView } from '../domain/ports.ts';
import { agentFrame, chatFrame, type Frame } from './run-frames.ts';

const CHAT_INTERVAL_MS = 150;
const AGENT_INTERVAL_MS = 40;

export type TextStream = Readonly<{
  /** Another attempt begins: what was sent before does not count. */
  restart: () => void;
  /** The run has said more; a frame goes out now or soon. */
  grow: (view: RunView) => void;
  /** Sends what was held back. */
  flush: (view: RunView) => void;
}>;

/**
 * One run's growing text. Its frames carry the whole text so far, so they are thinned out: the
 * first at once, then at most one `agent` frame in 40 ms and one `chat` frame in 150 ms.
 */
export function createTextStream(deliver: (frame: Frame) => void, now: () => number): TextStream {
  let sentText = '';
  let agentAtMs = 0;
  let chatAtMs = 0;
  let timer: NodeJS.Timeout | undefined;
  const flush = (view: RunView): void => {
    clearTimeout(timer);
    timer = undefined;
    const { text } = view;
    if (text === sentText) return;
    const delta = text.startsWith(sentText) ? text.slice(sentText.length) : text;
    sentText = text;
    agentAtMs = now();
    deliver(agentFrame(view, 'assistant', { text, delta }, now()));
    if (now() - chatAtMs < CHAT_INTERVAL_MS) return;
    chatAtMs = now();
    const message = { role: 'assistant', content: [{ type: 'text', text }], timestamp: now() };
    deliver(chatFrame(view, 'delta', { message }));
  };
  return {
    restart: () => {
      sentText = '';
    },
    grow: (view) => {
      if (timer) return;
      const waitMs = agentAtMs + AGENT_INTERVAL_MS - now();
      if (waitMs <= 0) flush(view);
      else timer = setTimeout(() => flush(view), waitMs);
    },
    flush,
  };
}
