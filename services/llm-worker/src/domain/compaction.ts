import type { ContextMessage, NumberedRecord } from '@moltbot/shared/contracts';
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
  const old = records.slice(0, cut);
  const upTo = old.at(-1);
  const messages = buildMessages(old);
  if (upTo === undefined || messages.length < 2) return undefined;
  return { messages: fitting(messages, budgetTokens), upToSeq: upTo.seq };
}

/** Where a turn starts such that what follows fits into `keepTokens`; never past the last user message. */
function cutIndex(records: readonly NumberedRecord[], keepTokens: number): number {
  const starts = records.flatMap(({ record }, index) => (record.type === 'user' ? [index] : []));
  const newest = starts.at(-1) ?? 0;
  const fits = starts.find((start) => estimateTokens(buildMessages(records.slice(start))) <= keepTokens);
  return Math.min(fits ?? newest, newest);
}

/** The summary call itself must fit too: the oldest messages go when even they are too many. */
function fitting(messages: readonly ContextMessage[], budgetTokens: number): ContextMessage[] {
  let from = 0;
  while (from < messages.length - 2 && estimateTokens(messages.slice(from)) > budgetTokens) from += 1;
  return messages.slice(from);
}
