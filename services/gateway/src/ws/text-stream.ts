import type { RunView } from '../domain/ports.ts';
import { agentFrame, chatFrame, type Frame } from './run-frames.ts';

const CHAT_INTERVAL_MS = 150;
const AGENT_INTERVAL_MS = 40;

/** `live`: frames go out as the run speaks. `held`: only when asked for, as somebody needs who was away. */
export type Pace = 'live' | 'held';

export type TextStream = Readonly<{
  /** Another attempt begins: what was sent before does not count. */
  restart: () => void;
  /** The run has said more; a frame goes out now or soon. */
  grow: (view: RunView) => void;
  /** So much was sent already, by somebody else. */
  goOnFrom: (view: RunView) => void;
  /** Sends what was held back; the `chat` frame, too, when the text is to be seen as it is now. */
  flush: (seenNow: boolean) => void;
}>;

/**
 * One run's growing text. Its frames carry the whole text so far, so they are thinned out: the
 * first at once, then at most one `agent` frame in 40 ms and one `chat` frame in 150 ms.
 */
export function createTextStream(
  deliver: (frame: Frame) => void,
  now: () => number,
  pace: Pace = 'live',
): TextStream {
  let latest: RunView | undefined; // as it was when it grew: a view goes on changing
  let agentText = '';
  let chatText = '';
  let agentAtMs = 0;
  let chatAtMs = 0;
  let timer: NodeJS.Timeout | undefined;
  const tellAgents = (view: RunView): void => {
    const { text } = view;
    const delta = text.startsWith(agentText) ? text.slice(agentText.length) : text;
    agentText = text;
    agentAtMs = now();
    deliver(agentFrame(view, 'assistant', { text, delta }, now()));
  };
  const tellChats = (view: RunView): void => {
    chatText = view.text;
    chatAtMs = now();
    const message = {
      role: 'assistant',
      content: [{ type: 'text', text: view.text }],
      timestamp: now(),
    };
    deliver(chatFrame(view, 'delta', { message }));
  };
  const flush = (seenNow: boolean): void => {
    clearTimeout(timer);
    timer = undefined;
    if (latest === undefined) return;
    if (latest.text !== agentText) tellAgents(latest);
    const due = seenNow || now() - chatAtMs >= CHAT_INTERVAL_MS;
    if (due && latest.text !== chatText) tellChats(latest);
  };
  return {
    restart: () => {
      clearTimeout(timer);
      [timer, latest, agentText, chatText] = [undefined, undefined, '', ''];
    },
    grow: (view) => {
      latest = { ...view };
      if (timer || pace === 'held') return;
      const waitMs = agentAtMs + AGENT_INTERVAL_MS - now();
      if (waitMs <= 0) flush(false);
      else timer = setTimeout(() => flush(false), waitMs);
    },
    goOnFrom: (view) => {
      latest = { ...view };
      agentText = view.text;
    },
    flush,
  };
}
