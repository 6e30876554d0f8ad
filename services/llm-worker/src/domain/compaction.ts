import type { ContentBlock, ContextMessage, NumberedRecord } from '@moltbot/shared/contracts';
import { blockText } from './blocks.ts';
import { buildMessages, estimateTokens } from './context.ts';

const FILL_SHARE = 0.8;
const KEEP_SHARE = 0.3;

export const SUMMARY_SYSTEM = [
  'You are compacting a conversation so that it fits your context window.',
  'Write a summary of the conversation that lets you go on as if you had read all of it: facts, decisions, names, numbers, open questions, what the user wants.',
  'Write in the language of the conversation. Answer with the summary alone.',
].join(' ');

export type CompactionPlan = Readonly<{
  /** To be summarised. */
  messages: readonly ContextMessage[];
  /** The last record the summary covers. */
  upToSeq: number;
}>;

/**
 * What to summarise when the context would leave no room for the answer; undefined while it fits.
 * The newest turns stay word for word, the present message always. `budgetTokens` is what the
 * context may hold: the window less the answer.
 */
export function planCompaction(
  records: readonly NumberedRecord[],
  budgetTokens: number,
): CompactionPlan | undefined {
  if (estimateTokens(buildMessages(records)) <= budgetTokens * FILL_SHARE) return undefined;
  const cut = cutIndex(records, budgetTokens * KEEP_SHARE);
  if (records.slice(cut).some(bringsAlong)) return undefined; // what came before is not sent anyway
  const old = records.slice(0, cut);
  const upTo = old.at(-1);
  const messages = fitting(old, budgetTokens);
  if (upTo === undefined || messages.length === 0) return undefined;
  return { messages, upToSeq: upTo.seq };
}

/** Where a turn starts such that what follows fits into `keepTokens`; never past the last user message. */
function cutIndex(records: readonly NumberedRecord[], keepTokens: number): number {
  const starts = turnStarts(records);
  const newest = starts.at(-1) ?? 0;
  const fits = starts.find((start) => estimateTokens(buildMessages(records.slice(start))) <= keepTokens);
  return Math.min(fits ?? newest, newest);
}

const bringsAlong = ({ record }: NumberedRecord): boolean =>
  record.type === 'user' && record.context !== undefined;

const turnStarts = (records: readonly NumberedRecord[]): number[] =>
  records.flatMap(({ record }, index) => (record.type === 'user' ? [index] : []));

/**
 * The summary call itself must fit too: the oldest turns go when even they are too many, and a single
 * one that is too long is shortened. The summary before this one stays, because nothing else tells of
 * what it covers.
 */
function fitting(old: readonly NumberedRecord[], budgetTokens: number): ContextMessage[] {
  const summary = old.findLast(({ record }) => record.type === 'compaction');
  let messages: ContextMessage[] = [];
  for (const start of [0, ...turnStarts(old)]) {
    const newest = old.slice(start);
    messages = buildMessages(
      summary === undefined || newest.includes(summary) ? newest : [summary, ...newest],
    );
    if (estimateTokens(messages) <= budgetTokens) return messages;
  }
  return messages.map((message) => shortened(message, Math.floor(budgetTokens / messages.length)));
}

/** @NOTE a character can be a token by itself, so `chars` is taken for the number of tokens that fit. */
function shortened({ role, content }: ContextMessage, chars: number): ContextMessage {
  const cut = (block: ContentBlock): ContentBlock => {
    const text = blockText(block);
    return text.length <= chars ? block : { ...block, text: `${text.slice(0, chars).toWellFormed()} […]` };
  };
  return { role, content: content.map(cut) };
}
