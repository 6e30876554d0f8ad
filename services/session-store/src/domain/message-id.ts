import type { ContentBlock } from '@moltbot/shared/contracts';

/**
 * Transcripts on disk end a user's text with the id of its message. Both directions are exact:
 * what `stamp` added, `unstamp` takes away, whatever the text was.
 */
export function stamp(content: readonly ContentBlock[], runId: string): ContentBlock[] {
  const mark = markOf(runId);
  const last = lastText(content);
  if (!last) return [...content, { type: 'text', text: mark }];
  return content.with(last.at, { ...last.block, text: `${last.text}\n${mark}` });
}

export function unstamp(content: readonly ContentBlock[], runId: string): ContentBlock[] {
  const mark = markOf(runId);
  const last = lastText(content);
  if (last?.text === mark) return content.toSpliced(last.at, 1);
  if (!last?.text.endsWith(`\n${mark}`)) return [...content];
  return content.with(last.at, { ...last.block, text: last.text.slice(0, -mark.length - 1) });
}

const markOf = (runId: string): string => `[message_id: ${runId}]`;

function lastText(
  content: readonly ContentBlock[],
): { at: number; block: ContentBlock; text: string } | undefined {
  for (const [at, block] of [...content.entries()].toReversed()) {
    const { type, text } = block;
    if (type === 'text' && typeof text === 'string') return { at, block, text };
  }
  return undefined;
}
