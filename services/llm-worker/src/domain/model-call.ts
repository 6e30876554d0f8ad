import type { ContextMessage, ModelEntry, TurnContent } from '@moltbot/shared/contracts';
import type { CatalogModel } from '@moltbot/config';
import type { ModelCall } from './model.ts';

/** What the configuration adds to every turn. */
export type CallSettings = Readonly<{
  /** Thinking level of a turn that names none. */
  thinking: string;
  system: (agentId: string) => string;
}>;

/** What a turn asks its model: the company's words first, then the caller's. */
export function modelCall(
  turn: TurnContent,
  model: CatalogModel,
  messages: readonly ContextMessage[],
  settings: CallSettings,
): ModelCall {
  return {
    system: [settings.system(turn.agentId), turn.system ?? ''].filter((part) => part !== '').join('\n\n'),
    messages: readable(messages, model.entry),
    tools: turn.tools ?? [],
    toolChoice: turn.toolChoice,
    thinking: turn.thinking ?? settings.thinking,
    maxTokens: maxTokens(model, turn.maxTokens),
  };
}

/**
 * A conversation as the model can take it. One that reads text alone is told of an image instead: its
 * provider would refuse the message, and every later one of the session with it.
 */
export function readable(
  messages: readonly ContextMessage[],
  { input }: ModelEntry,
): readonly ContextMessage[] {
  if (input === undefined || input.includes('image')) return messages;
  return messages.map(({ role, content }) => ({
    role,
    content: content.map((block) => (block.type === 'image' ? UNSEEN : block)),
  }));
}

const UNSEEN = { type: 'text', text: '(an image is here, and this model reads text alone)' } as const;

const DEFAULT_MAX_TOKENS = 16_384;

/** How long an answer may be: what was asked for, never more than the model can write. */
export function maxTokens(model: CatalogModel, wanted?: number): number {
  const configured = Number(model.params['maxTokens'] ?? DEFAULT_MAX_TOKENS);
  return Math.min(wanted ?? configured, model.entry.maxTokens ?? DEFAULT_MAX_TOKENS);
}
