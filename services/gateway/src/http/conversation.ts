import type { ContentBlock, ContextMessage } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';

export type Conversation = Readonly<{
  system: string | undefined;
  context: ContextMessage[];
  blocks: ContentBlock[];
}>;

/** Earlier conversation, and what is said now: everything after the last assistant message of `field`. */
export function splitTalk(
  system: readonly string[],
  talk: readonly ContextMessage[],
  field: string,
): Conversation {
  const lastAssistant = talk.findLastIndex(({ role }) => role === 'assistant');
  const blocks = talk.slice(lastAssistant + 1).flatMap(({ content }) => content);
  if (blocks.length === 0) throw new AppError('INVALID_REQUEST', `Missing user message in \`${field}\`.`);
  const context = talk.slice(0, lastAssistant + 1).filter(({ content }) => content.length > 0);
  const text = system.filter((part) => part !== '').join('\n\n');
  return { system: text === '' ? undefined : text, context, blocks };
}

export const textBlocks = (text: string): ContentBlock[] => (text === '' ? [] : [{ type: 'text', text }]);

/**
 * Whose session remembers a request: nobody's when it brings its conversation along. Such a client
 * sends everything each time; remembering it too would say everything twice to the model.
 */
export function rememberingUser(
  user: string | null | undefined,
  { context }: Conversation,
): string | undefined {
  return context.length === 0 ? (user ?? undefined) : undefined;
}
