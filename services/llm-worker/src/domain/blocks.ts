import type { ContentBlock } from '@moltbot/shared/contracts';

/** What a block says; '' for an image, and for a block whose text is no text. */
export function blockText(block: ContentBlock): string {
  const { text } = block;
  return typeof text === 'string' ? text : '';
}

/** The text blocks of a message as one text; thinking and tools are not said to anybody. */
export const textOf = (content: readonly ContentBlock[]): string =>
  content
    .filter(({ type }) => type === 'text')
    .map(blockText)
    .join('');
