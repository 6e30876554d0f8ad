import type { ChatMessage, ChatRun, ChatSnapshot } from '@moltbot/client';

export type TimelineItem =
  | Readonly<{ kind: 'message'; id: string; message: ChatMessage }>
  | Readonly<{ kind: 'run'; id: string; run: ChatRun }>;

/** Each running answer stands under its own question, even when several questions wait. */
export function timeline({
  messages,
  runs,
}: Pick<ChatSnapshot, 'messages' | 'runs'>): readonly TimelineItem[] {
  const waiting = new Map(runs.map((run) => [run.runId, run] as const));
  const items: TimelineItem[] = [];
  for (const message of messages) {
    if (isShown(message)) items.push({ kind: 'message', id: message.id, message });
    const run =
      message.role === 'user' && message.runId !== undefined ? waiting.get(message.runId) : undefined;
    if (run === undefined) continue;
    waiting.delete(run.runId);
    items.push({ kind: 'run', id: `run:${run.runId}`, run });
  }
  for (const run of waiting.values()) items.push({ kind: 'run', id: `run:${run.runId}`, run });
  return items;
}

/** Tool traffic is the assistant's business; its text, its pictures and its faults are the reader's. */
function isShown(message: ChatMessage): boolean {
  if (message.role === 'user') return true;
  if (message.role !== 'assistant') return false;
  return message.text !== '' || incompleteness(message) !== undefined;
}

export type Incompleteness = 'aborted' | 'interrupted' | 'timedOut' | 'length' | 'error';

const WHOLE: ReadonlySet<string> = new Set(['stop', 'toolUse', 'injected']);
const KNOWN: Readonly<Record<string, Incompleteness>> = {
  aborted: 'aborted',
  timeout: 'timedOut',
  length: 'length',
  error: 'error',
};

/** Why an answer is not whole. A reason nobody foresaw counts as an interruption, never as an end. */
export function incompleteness(message: ChatMessage): Incompleteness | undefined {
  if (message.role !== 'assistant') return undefined;
  const { stopReason } = message;
  if (stopReason === undefined) return message.errorMessage === undefined ? undefined : 'error';
  return WHOLE.has(stopReason) ? undefined : (KNOWN[stopReason] ?? 'interrupted');
}

/** The question an answer belongs to: by its run, else the nearest before it. */
export function questionOf(messages: readonly ChatMessage[], answer: ChatMessage): ChatMessage | undefined {
  const sameRun = messages.find(
    (m) => m.role === 'user' && m.runId !== undefined && m.runId === answer.runId,
  );
  return (
    sameRun ?? messages.slice(0, Math.max(0, messages.indexOf(answer))).findLast((m) => m.role === 'user')
  );
}
