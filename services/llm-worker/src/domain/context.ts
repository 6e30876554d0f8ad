import type { ContentBlock, ContextMessage, NumberedRecord, SessionRecord } from '@moltbot/shared/contracts';
import { blockText } from './blocks.ts';

/**
 * The model's view of a session's records: the newest summary first, then every later turn.
 * Failed turns keep the user's words; commands and thinking never go back to the model. A client
 * that brings the earlier conversation along knows it best: what the log holds of it gives way.
 */
export function buildMessages(records: readonly NumberedRecord[]): ContextMessage[] {
  const summary = newestSummary(records);
  const commands = new Set(
    records
      .map(({ record }) => record)
      .filter(isCommand)
      .map((record) => record.turnId),
  );
  let messages: ContextMessage[] = summary
    ? [{ role: 'user', content: [text(`Summary of the conversation so far:\n\n${summary.summary}`)] }]
    : [];
  for (const { seq, record } of records) {
    if (summary && seq <= summary.upToSeq) continue;
    if (record.type === 'compaction' || commands.has(record.turnId)) continue;
    if (record.type === 'user' && record.context) messages = [...record.context];
    const content = record.content.filter(speaks);
    if (content.length > 0) messages.push({ role: record.type, content });
    else if (record.type === 'user') messages.push({ role: 'user', content: [text('(empty message)')] });
  }
  return answeredCalls(alternate(messages));
}

/** A tool call without its result, or a result without its call, makes providers refuse the whole conversation. */
function answeredCalls(messages: readonly ContextMessage[]): ContextMessage[] {
  const ids = (message: ContextMessage | undefined, type: string, member: string): Set<unknown> =>
    new Set(message?.content.filter((block) => block.type === type).map((block) => block[member]));
  const kept = messages.map(({ role, content }, index) => {
    const results = ids(messages[index + 1], 'toolResult', 'toolCallId');
    const calls = ids(messages[index - 1], 'toolCall', 'id');
    const stays = (block: ContentBlock): boolean => {
      if (block.type === 'toolCall') return results.has(block['id']);
      return block.type !== 'toolResult' || calls.has(block['toolCallId']);
    };
    return { role, content: content.filter(stays) };
  });
  return alternate(kept.filter(({ content }) => content.length > 0));
}

type Compaction = Extract<SessionRecord, { type: 'compaction' }>;

function newestSummary(records: readonly NumberedRecord[]): Compaction | undefined {
  return records.map(({ record }) => record).findLast((record) => record.type === 'compaction');
}

const isCommand = (record: SessionRecord): boolean => record.type === 'assistant' && record.api === 'command';
const text = (value: string): ContentBlock => ({ type: 'text', text: value });
const speaks = (block: ContentBlock): boolean =>
  block.type !== 'thinking' && (block.type !== 'text' || blockText(block).trim() !== '');

/** Providers want user and assistant in turn, starting with the user: neighbours of one role become one message. */
function alternate(messages: readonly ContextMessage[]): ContextMessage[] {
  const out: ContextMessage[] = [];
  for (const message of messages) {
    const last = out.at(-1);
    if (last?.role === message.role)
      out[out.length - 1] = { role: last.role, content: [...last.content, ...message.content] };
    else if (last || message.role === 'user') out.push(message);
    else out.push({ role: 'user', content: [text('(the conversation starts with the assistant)')] }, message);
  }
  return out;
}

const CHARS_PER_TOKEN = 3.5;
const IMAGE_TOKENS = 1_600;

/** A cautious guess, for deciding about compaction and budget holds before the provider has counted. */
export function estimateTokens(messages: readonly ContextMessage[], system = ''): number {
  let tokens = system.length / CHARS_PER_TOKEN;
  for (const message of messages) for (const block of message.content) tokens += blockTokens(block);
  return Math.ceil(tokens);
}

function blockTokens(block: ContentBlock): number {
  if (block.type === 'image') return IMAGE_TOKENS;
  const value = block.type === 'text' ? blockText(block) : JSON.stringify(block);
  const wide = value.match(/[\u2E80-\uFFFF]/g)?.length ?? 0; // a Han character is about a token by itself
  return (value.length - wide) / CHARS_PER_TOKEN + wide + 4;
}
