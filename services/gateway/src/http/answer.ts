import type { AssistantRecord, EndOfRun } from '../domain/ports.ts';
import { textOf } from '../domain/transcript.ts';

export type ToolCall = Readonly<{ id: string; name: string; input: unknown }>;

/** What a finished run said, before each API gives it its own shape. */
export type Answer = Readonly<{
  text: string;
  calls: readonly ToolCall[];
  stop: 'stop' | 'length' | 'toolUse';
  /** `input` counts everything the model read, of which `cached` came from the provider's cache. */
  tokens: Readonly<{ input: number; cached: number; cacheWrite: number; output: number }>;
}>;

export function answerOf(end: EndOfRun): Answer {
  const record = end.message as AssistantRecord | undefined;
  const content = record?.content ?? [];
  const { input = 0, output = 0, cacheRead = 0, cacheWrite = 0 } = record?.usage ?? {};
  const reason = record?.stopReason;
  return {
    text: textOf(content),
    calls: content
      .filter(({ type }) => type === 'toolCall')
      .map((block) => ({
        id: String(block['id']),
        name: String(block['name']),
        input: block['arguments'] ?? {},
      })),
    stop: reason === 'length' || reason === 'toolUse' ? reason : 'stop',
    tokens: { input: input + cacheRead + cacheWrite, cached: cacheRead, cacheWrite, output },
  };
}
