import type { RunEvent } from '@moltbot/shared/contracts';
import type { RunView } from '../domain/ports.ts';

/** What one run's events become on a WebSocket: ready JSON, made once for all of a user's connections. */
export type Frame = Readonly<{
  name: 'agent' | 'chat';
  payload: string;
  droppable: boolean;
  sessionKey: string;
}>;

const CHAT_INTERVAL_MS = 150;
const AGENT_INTERVAL_MS = 40;

type Stream = {
  sentText: string;
  agentAtMs: number;
  chatAtMs: number;
  timer: NodeJS.Timeout | undefined;
  chatText: string;
};

/**
 * Deltas carry the whole text so far, so they are thinned out: the first at once, then at most
 * one `agent` frame in 40 ms and one `chat` frame in 150 ms for each run. Ends are never held back.
 */
export function createRunFeed(
  deliver: (frame: Frame) => void,
  now: () => number = Date.now,
): (event: RunEvent, view: RunView) => void {
  const streams = new Map<string, Stream>();
  const streamOf = (view: RunView): Stream => {
    const known = streams.get(view.turnId);
    if (known) return known;
    const made: Stream = { sentText: '', agentAtMs: 0, chatAtMs: 0, timer: undefined, chatText: '' };
    streams.set(view.turnId, made);
    return made;
  };
  const agent = (view: RunView, stream: string, data: unknown): void => {
    const payload = JSON.stringify({
      runId: view.runId,
      stream,
      data,
      sessionKey: view.shownKey,
      seq: view.n,
      ts: now(),
    });
    deliver({ name: 'agent', payload, droppable: stream === 'assistant', sessionKey: view.shownKey });
  };
  const chat = (view: RunView, state: string, rest: unknown): void => {
    const payload = JSON.stringify({
      runId: view.runId,
      sessionKey: view.shownKey,
      seq: view.n,
      state,
      ...(rest as object),
    });
    deliver({ name: 'chat', payload, droppable: state === 'delta', sessionKey: view.shownKey });
  };
  const flush = (view: RunView, stream: Stream): void => {
    clearTimeout(stream.timer);
    stream.timer = undefined;
    if (view.text === stream.sentText) return;
    const delta = view.text.startsWith(stream.sentText) ? view.text.slice(stream.sentText.length) : view.text;
    stream.sentText = view.text;
    stream.agentAtMs = now();
    agent(view, 'assistant', { text: view.text, delta });
    if (now() - stream.chatAtMs < CHAT_INTERVAL_MS) return;
    stream.chatAtMs = now();
    chat(view, 'delta', {
      message: { role: 'assistant', content: [{ type: 'text', text: view.text }], timestamp: now() },
    });
  };
  const grow = (view: RunView): void => {
    const stream = streamOf(view);
    if (stream.timer) return;
    const waitMs = stream.agentAtMs + AGENT_INTERVAL_MS - now();
    if (waitMs <= 0) flush(view, stream);
    else stream.timer = setTimeout(() => flush(view, stream), waitMs);
  };
  const end = (event: Extract<RunEvent, { t: 'end' }>, view: RunView): void => {
    const stream = streams.get(view.turnId);
    if (stream) flush(view, stream);
    streams.delete(view.turnId);
    if (event.kind === 'chat') {
      if (event.outcome === 'error')
        agent(view, 'lifecycle', {
          phase: 'error',
          error: event.error?.message ?? 'failed',
          endedAt: event.endedAt,
        });
      else
        agent(view, 'lifecycle', {
          phase: 'end',
          endedAt: event.endedAt,
          ...(event.outcome === 'aborted' && { aborted: true }),
        });
    }
    if (event.outcome === 'error') chat(view, 'error', { errorMessage: event.error?.message ?? 'failed' });
    else if (event.outcome === 'aborted') chat(view, 'aborted', { stopReason: event.stopReason ?? 'rpc' });
    else chat(view, 'final', finalMessage(event.message));
  };
  return (event, view) => {
    if (event.t === 'start') {
      streamOf(view).sentText = '';
      agent(view, 'lifecycle', {
        phase: 'start',
        startedAt: event.at,
        ...(event.attempt > 1 && { attempt: event.attempt }),
      });
    } else if (event.t === 'delta') grow(view);
    else if (event.t === 'thinking') agent(view, 'thinking', { text: view.thinking, delta: event.text });
    else if (event.t === 'compaction')
      agent(view, 'compaction', { phase: event.phase, ...(event.phase === 'end' && { willRetry: false }) });
    else if (event.t === 'injected') chat({ ...view, n: 0 }, 'final', { message: event.message });
    else if (event.t === 'end') end(event, view);
  };
}

/** The whole message, or none at all when nothing was said. */
function finalMessage(record: unknown): { message?: unknown } {
  const { content, timestamp } = (record ?? {}) as { content?: { type: string }[]; timestamp?: number };
  const shown = content?.filter(({ type }) => type !== 'thinking') ?? [];
  return shown.length === 0 ? {} : { message: { role: 'assistant', content: shown, timestamp } };
}
