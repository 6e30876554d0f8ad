import type { ContentBlock, NumberedRecord, SessionRecord, Usage } from '@moltbot/shared/contracts';

export type TranscriptMessage = Readonly<Record<string, unknown>> &
  Readonly<{ role: string; content: readonly ContentBlock[]; timestamp: number }>;

/** A record as `chat.history` and `chat` events show it; undefined for what is not said by anybody. */
export function toMessage(record: SessionRecord): TranscriptMessage | undefined {
  if (record.type === 'compaction') return undefined;
  const { content, timestamp, runId } = record;
  if (record.type === 'user') return { role: 'user', content, timestamp, runId };
  return {
    role: 'assistant',
    content,
    api: record.api,
    provider: record.provider,
    model: record.model,
    usage: toUsage(record.usage),
    stopReason: record.stopReason,
    ...(record.errorMessage !== undefined && { errorMessage: record.errorMessage }),
    timestamp,
    runId,
  };
}

function toUsage(usage: Usage): Record<string, unknown> {
  const { input, output, cacheRead, cacheWrite, costMicroUsd } = usage;
  const totalTokens = input + output + cacheRead + cacheWrite;
  return { input, output, cacheRead, cacheWrite, totalTokens, cost: { total: (costMicroUsd ?? 0) / 1e6 } };
}

export const textOf = (content: readonly ContentBlock[]): string =>
  content
    .filter(({ type }) => type === 'text')
    .map(blockText)
    .join('');

/** What a block says; '' when its text is no text. */
function blockText({ text }: ContentBlock): string {
  return typeof text === 'string' ? text : '';
}

const MAX_HISTORY_BYTES = 6 * 1024 * 1024;

/** The newest messages that fit, oldest first, each with its `seq`. */
export function toHistory(records: readonly NumberedRecord[]): {
  messages: TranscriptMessage[];
  cut: boolean;
} {
  const messages: TranscriptMessage[] = [];
  let bytes = 0;
  for (const { seq, record } of records.toReversed()) {
    const message = toMessage(record);
    if (!message) continue;
    bytes += JSON.stringify(message).length;
    if (bytes > MAX_HISTORY_BYTES && messages.length > 0)
      return { messages: messages.toReversed(), cut: true };
    messages.push({ ...message, seq });
  }
  return { messages: messages.toReversed(), cut: false };
}
