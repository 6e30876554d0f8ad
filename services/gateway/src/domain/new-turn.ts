import type { NewTurn, SessionRef } from '@moltbot/turns';
import { titleOf } from './message.ts';
import type { SessionEntry, TurnRequest } from './ports.ts';
import { textOf } from './transcript.ts';

/** A request as the ledger takes it. What the request leaves open, the session's own settings say. */
export function newTurn(
  ref: SessionRef,
  request: TurnRequest,
  entry: SessionEntry | undefined,
  nowMs: number,
): NewTurn {
  const { session, runId, blocks = [], context = [], tools } = request;
  const { text, kind } = wordsOf(request.intent);
  return {
    content: {
      ...ref,
      runId,
      shownKey: session.shownKey,
      agentId: session.agentId,
      lane: session.lane,
      kind,
      system: request.system,
      tools: tools && [...tools],
      toolChoice: request.toolChoice,
      thinking: request.thinking ?? entry?.['thinkingLevel'],
      model: request.model ?? entry?.['modelOverride'],
      maxTokens: request.maxTokens,
      timeoutMs: request.timeoutMs,
    },
    record: {
      runId,
      content: [...(text === '' ? [] : [{ type: 'text', text }]), ...blocks],
      context: context.length > 0 ? [...context] : undefined,
      timestamp: nowMs,
    },
    title: titleOf(text === '' ? textOf(blocks) : text),
  };
}

/** A reset word by itself is answered like a command; one with a message is that message's turn. */
function wordsOf(intent: TurnRequest['intent']): { text: string; kind: 'chat' | 'command' } {
  if (intent.kind !== 'reset') return { text: intent.text, kind: intent.kind };
  return intent.text === '' ? { text: intent.trigger, kind: 'command' } : { text: intent.text, kind: 'chat' };
}
