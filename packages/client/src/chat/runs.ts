import type { AgentEvent, ChatEvent, ResumeAnswer } from '@moltbot/shared/contracts';
import { fromWire } from './messages.ts';
import type { ChatMessage, ChatRun, ChatSnapshot, ChatTool } from './types.ts';

export type TerminalEvent = ChatEvent & { state: 'final' | 'aborted' | 'error' };

export function isTerminal(event: ChatEvent): event is TerminalEvent {
  return event.state === 'final' || event.state === 'aborted' || event.state === 'error';
}

/** Adds the run when it is new; `change` sees the run as it was. */
export function withRun(
  snapshot: ChatSnapshot,
  runId: string,
  change: (run: ChatRun) => ChatRun,
): ChatSnapshot {
  const at = snapshot.runs.findIndex((run) => run.runId === runId);
  const before = snapshot.runs[at] ?? {
    runId,
    phase: 'queued',
    text: '',
    startedAtMs: Date.now(),
    tools: [],
  };
  const after = change(before);
  return { ...snapshot, runs: at < 0 ? [...snapshot.runs, after] : snapshot.runs.with(at, after) };
}

/** A delta holds the whole text so far: losing one, or hearing one twice, changes nothing. */
export function applyDelta(snapshot: ChatSnapshot, event: ChatEvent): ChatSnapshot {
  const text = event.message ? fromWire(event.message, 0).text : '';
  return withRun(snapshot, event.runId, (run) => ({
    ...run,
    phase: text === '' ? 'thinking' : 'streaming',
    text,
  }));
}

/** A run as the server sees it, which may have said more than we were sent. What an attempt said that was lost stays until the next one speaks. */
export function applyLiveRun(snapshot: ChatSnapshot, live: ResumeAnswer['runs'][number]): ChatSnapshot {
  return withRun(snapshot, live.runId, (run) => ({
    ...run,
    phase: live.text === '' ? begunPhase(run, live.state === 'running') : 'streaming',
    text: live.text === '' ? run.text : live.text,
    ...(live.thinking !== undefined && { thinking: live.thinking }),
  }));
}

const begunPhase = ({ phase }: ChatRun, begun: boolean): ChatRun['phase'] =>
  begun && phase === 'queued' ? 'thinking' : phase;

/** The run ends; what it said becomes a message, still without its place in the log. */
export function applyEnd(snapshot: ChatSnapshot, event: TerminalEvent): ChatSnapshot {
  const run = snapshot.runs.find((candidate) => candidate.runId === event.runId);
  const said = ending(event, run);
  const messages = snapshot.messages.map((message) =>
    message.runId === event.runId && message.status === 'queued'
      ? { ...message, status: 'sent' as const }
      : message,
  );
  const isStored = messages.some((message) => message.runId === event.runId && message.role === 'assistant');
  return {
    ...snapshot,
    runs: snapshot.runs.filter((candidate) => candidate !== run),
    messages: said && !isStored ? [...messages, said] : messages,
  };
}

function ending(event: TerminalEvent, run: ChatRun | undefined): ChatMessage | undefined {
  const partial = run?.text ?? '';
  const identity = { id: `run:${event.runId}`, runId: event.runId } as const;
  if (event.message) {
    const { seq: _unplaced, ...message } = fromWire(event.message, 0);
    return { ...message, ...identity, ...(event.state !== 'final' && { stopReason: event.state }) };
  }
  if (event.state === 'error') {
    const errorMessage = event.errorMessage ?? 'the run failed without a reason';
    return { ...assistant(partial), ...identity, stopReason: 'error', errorMessage };
  }
  // What stands there at a final without a message was said by an attempt that was lost.
  if (partial === '' || event.state === 'final') return undefined;
  return { ...assistant(partial), ...identity, stopReason: 'aborted' };
}

function assistant(text: string): Omit<ChatMessage, 'id'> {
  const content = text === '' ? [] : [{ type: 'text', text }];
  return { role: 'assistant', content, text, timestampMs: Date.now(), status: 'sent' };
}

export function applyAgentEvent(snapshot: ChatSnapshot, event: AgentEvent): ChatSnapshot {
  const phase = event.data['phase'];
  if (event.stream === 'lifecycle' && phase === 'start') {
    return withRun(snapshot, event.runId, (run) =>
      run.phase === 'queued' ? { ...run, phase: 'thinking' } : run,
    );
  }
  const thinking = event.data['text'];
  if (event.stream === 'thinking' && typeof thinking === 'string') {
    return withRun(snapshot, event.runId, (run) => ({
      ...run,
      thinking,
      phase: run.phase === 'queued' ? 'thinking' : run.phase,
    }));
  }
  if (event.stream !== 'tool') return snapshot;
  return withRun(snapshot, event.runId, (run) => ({ ...run, tools: withTool(run.tools, event.data) }));
}

function withTool(tools: readonly ChatTool[], data: Readonly<Record<string, unknown>>): readonly ChatTool[] {
  const id = typeof data['toolCallId'] === 'string' ? data['toolCallId'] : '';
  const at = tools.findIndex((tool) => tool.id === id);
  const name = typeof data['name'] === 'string' ? data['name'] : (tools[at]?.name ?? 'tool');
  const ended = data['isError'] === true ? 'failed' : 'done';
  const tool: ChatTool = { id, name, phase: data['phase'] === 'result' ? ended : 'running' };
  return at < 0 ? [...tools, tool] : tools.with(at, tool);
}
