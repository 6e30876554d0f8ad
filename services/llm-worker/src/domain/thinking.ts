import type { ModelEntry } from '@moltbot/shared/contracts';
import type { ModelCall } from './model.ts';

/** Tokens a thinking level may use, as upstream sets them. */
const LEVEL_TOKENS: Readonly<Record<string, number>> = {
  minimal: 1_024,
  low: 2_048,
  medium: 8_192,
  high: 16_384,
  xhigh: 32_000,
};
/** Less is no thinking: the API wants at least this much. */
const LEAST_TOKENS = 1_024;
/** What stays for the answer itself. */
const ANSWER_TOKENS = 1_024;

/**
 * Tokens the model may think for; 0: it is not asked to.
 *
 * @NOTE a tool result must be answered with the thinking block that asked for it; we do not keep
 * those, so such calls go without.
 */
export function thinkingTokens(call: ModelCall, model: ModelEntry): number {
  const answersTool = call.messages.at(-1)?.content.some((block) => block.type === 'toolResult') === true;
  if (answersTool || model.reasoning !== true) return 0;
  const room = (model.maxTokens ?? Number.POSITIVE_INFINITY) - ANSWER_TOKENS;
  const tokens = Math.min(LEVEL_TOKENS[call.thinking] ?? 0, room);
  return tokens < LEAST_TOKENS ? 0 : tokens;
}

/** The most an answer may hold, its thinking included. */
export function answerTokens(call: ModelCall, model: ModelEntry): number {
  const thinking = thinkingTokens(call, model);
  return thinking === 0 ? call.maxTokens : Math.max(call.maxTokens, thinking + ANSWER_TOKENS);
}
