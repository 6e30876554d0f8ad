import type { ContextMessage, TurnContent } from '@moltbot/shared/contracts';
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
    messages,
    tools: turn.tools ?? [],
    toolChoice: turn.toolChoice,
    thinking: turn.thinking ?? settings.thinking,
    maxTokens: maxTokens(model, turn.maxTokens),
  };
}

const DEFAULT_MAX_TOKENS = 16_384;

/** How long an answer may be: what was asked for, never more than the model can write. */
export function maxTokens(model: CatalogModel, wanted?: number): number {
  const configured = Number(model.params['maxTokens'] ?? DEFAULT_MAX_TOKENS);
  return Math.min(wanted ?? configured, model.entry.maxTokens ?? DEFAULT_MAX_TOKENS);
}
