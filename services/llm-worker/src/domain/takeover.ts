import type { ContentBlock } from '@moltbot/shared/contracts';
import type { CatalogModel } from '@moltbot/config';
import { blockText } from './blocks.ts';
import { estimateTokens } from './context.ts';
import type { ModelCall } from './model.ts';
import { thinkingTokens } from './thinking.ts';

/** What an attempt that was cut short has said. */
export type Earlier = Readonly<{ text: string; thought: boolean }>;

/**
 * The call as the next attempt makes it: the model goes on from what was said where it can, else it is
 * asked anew. A provider takes no prefix that ends in white space, none beside thinking, and none in
 * place of the tool calls that may have come with the text, which nobody has kept.
 */
export function continued(call: ModelCall, model: CatalogModel, earlier: Earlier): ModelCall {
  const prefix = earlier.text.trimEnd();
  if (prefix === '' || earlier.thought || !canContinue(call, model)) return call;
  const said = estimateTokens([{ role: 'assistant', content: [{ type: 'text', text: prefix }] }]);
  return { ...call, prefix, maxTokens: Math.max(1, call.maxTokens - said) };
}

function canContinue(call: ModelCall, model: CatalogModel): boolean {
  if (model.api !== 'anthropic-messages' || model.entry.prefill !== true) return false;
  const last = call.messages.at(-1);
  const usesTools = call.tools.length > 0 || last?.content.some(({ type }) => type === 'toolResult');
  return last?.role === 'user' && usesTools !== true && thinkingTokens(call, model.entry) === 0;
}

/** The whole answer: what it had begun with and what the model said after that, in one block. */
export function joined(prefix: string, content: readonly ContentBlock[]): readonly ContentBlock[] {
  if (prefix === '') return content;
  const at = content.findIndex(({ type }) => type === 'text');
  const first = content[at];
  const whole = { type: 'text', text: prefix + (first ? blockText(first) : '') };
  return [whole, ...content.filter((_, index) => index !== at)];
}
