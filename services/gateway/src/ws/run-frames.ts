import type { AgentEvent, ChatEvent, RunEvent } from '@moltbot/shared/contracts';
import type { EndOfRun, RunView } from '../domain/ports.ts';

/** An event of a run as a WebSocket carries it: ready JSON, made once for all of a user's connections. */
export type Frame = Readonly<{
  name: 'agent' | 'chat';
  payload: string;
  droppable: boolean;
  /** Whoever has this frame has everything of the session up to there. */
  cursor: string;
}>;

/** Frames that are not the last of their event, in the order they go out. */
const PART = { assistant: 1, delta: 2, lifeEnd: 3 } as const;

const cursorOf = ({ sid, cursor }: RunView, part?: number): string =>
  part === undefined ? `${sid}/${cursor}` : `${sid}/${cursor}.${part}`;

export function agentFrame(
  view: RunView,
  stream: 'lifecycle' | 'assistant' | 'thinking' | 'compaction',
  data: AgentEvent['data'],
  nowMs: number,
  part?: number,
): Frame {
  const { runId, shownKey: sessionKey, n: seq } = view;
  const droppable = stream === 'assistant';
  const cursor = cursorOf(view, droppable ? PART.assistant : part);
  const event: AgentEvent = { runId, stream, data, sessionKey, seq, ts: nowMs, cursor };
  return { name: 'agent', payload: JSON.stringify(event), droppable, cursor };
}

export function chatFrame(
  view: RunView,
  state: 'delta' | 'final' | 'aborted' | 'error',
  rest: Partial<Pick<ChatEvent, 'message' | 'errorMessage' | 'stopReason'>>,
): Frame {
  const { runId, shownKey: sessionKey, n: seq } = view;
  const droppable = state === 'delta';
  const cursor = cursorOf(view, droppable ? PART.delta : undefined);
  const event: ChatEvent = { runId, sessionKey, seq, state, ...rest, cursor };
  return { name: 'chat', payload: JSON.stringify(event), droppable, cursor };
}

export function startFrame(
  { at, attempt }: Extract<RunEvent, { t: 'start' }>,
  view: RunView,
  nowMs: number,
): Frame {
  const data = { phase: 'start', startedAt: at, ...(attempt > 1 && { attempt }) };
  return agentFrame(view, 'lifecycle', data, nowMs);
}

/** The run's last words; a command has no life of its own to report the end of. */
export function endFrames(event: EndOfRun, view: RunView, nowMs: number): Frame[] {
  const life =
    event.kind === 'chat' ? [agentFrame(view, 'lifecycle', lifeEnd(event), nowMs, PART.lifeEnd)] : [];
  return [...life, chatEnd(event, view)];
}

function lifeEnd({ outcome, endedAt, error }: EndOfRun): AgentEvent['data'] {
  if (outcome === 'error') return { phase: 'error', error: error?.message ?? 'failed', endedAt };
  return { phase: 'end', endedAt, ...(outcome === 'aborted' && { aborted: true }) };
}

function chatEnd({ outcome, error, stopReason, message }: EndOfRun, view: RunView): Frame {
  if (outcome === 'error') return chatFrame(view, 'error', { errorMessage: error?.message ?? 'failed' });
  if (outcome === 'aborted') return chatFrame(view, 'aborted', { stopReason: stopReason ?? 'rpc' });
  return chatFrame(view, 'final', finalMessage(message));
}

/** The whole message, or none at all when nothing was said. */
function finalMessage(record: unknown): Partial<Pick<ChatEvent, 'message'>> {
  const { content = [], timestamp } = (record ?? {}) as { content?: { type: string }[]; timestamp?: number };
  const shown = content.filter(({ type }) => type !== 'thinking');
  return shown.length === 0 ? {} : { message: { role: 'assistant', content: shown, timestamp } };
}
