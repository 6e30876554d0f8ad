import type { ContextMessage, Usage } from '@moltbot/shared/contracts';
import type { CatalogModel } from '@moltbot/config';
import { emitEvent, type Run } from '@moltbot/turns';
import { planCompaction, SUMMARY_SYSTEM, type CompactionPlan } from '../domain/compaction.ts';
import { buildMessages } from '../domain/context.ts';
import { maxTokens, readable } from '../domain/model-call.ts';
import { ProviderError, type AskModel, type ModelCall } from '../domain/model.ts';
import { settleCall, startCall } from './ask-model.ts';
import type { Lease } from './lease.ts';
import type { CompactionRecord, TurnDeps } from './turn.ts';

const DEFAULT_WINDOW = 128_000;
const SUMMARY_MAX_TOKENS = 2_048;

export type Context = Readonly<{
  messages: readonly ContextMessage[];
  /** The summary made on the way, to be written with the turn's end, and what it cost. */
  made?: Readonly<{ compaction: CompactionRecord; summaryUsage: Usage }>;
}>;

/** The turn's context, inside the model's window: old turns give way to a summary that the model itself writes. */
export async function compacted(
  run: Run,
  deps: TurnDeps,
  lease: Lease,
  model: CatalogModel,
  ask: AskModel,
): Promise<Context> {
  const window = Math.min(
    model.entry.contextWindow ?? DEFAULT_WINDOW,
    deps.settings.contextTokens ?? Number.MAX_SAFE_INTEGER,
  );
  const budgetTokens = Math.max(window - maxTokens(model, run.content.maxTokens), Math.floor(window / 2));
  const plan = planCompaction(run.records, budgetTokens);
  if (plan === undefined) return { messages: buildMessages(run.records) };
  const { summary, summaryUsage } = await announced(
    run,
    deps,
    lease,
    async () => await summarise(plan, deps, lease, model, ask),
  );
  const compaction = {
    type: 'compaction',
    turnId: run.content.turnId,
    summary,
    upToSeq: plan.upToSeq,
    timestamp: Date.now(),
  } as const;
  const last = run.records.at(-1);
  const noted = [...run.records, { seq: (last?.seq ?? 0) + 1, fence: Number(run.fence), record: compaction }];
  return { messages: buildMessages(noted), made: { compaction, summaryUsage } };
}

/** Whoever watches sees that a summary is being made, and when that is over, well or not. */
async function announced<T>(run: Run, deps: TurnDeps, lease: Lease, work: () => Promise<T>): Promise<T> {
  const tell = async (phase: 'start' | 'end'): Promise<void> => {
    const event = { t: 'compaction', tid: run.content.turnId, run: run.content.runId, phase } as const;
    lease.notice(await emitEvent(deps.redis, run, event));
  };
  await tell('start');
  try {
    return await work();
  } finally {
    await tell('end');
  }
}

async function summarise(
  plan: CompactionPlan,
  deps: TurnDeps,
  lease: Lease,
  model: CatalogModel,
  ask: AskModel,
): Promise<Readonly<{ summary: string; summaryUsage: Usage }>> {
  const request: ContextMessage = {
    role: 'user',
    content: [{ type: 'text', text: 'Summarise our conversation so far.' }],
  };
  const old = readable(plan.messages, model.entry);
  const last = old.at(-1);
  const messages =
    last?.role === 'user'
      ? [...old.slice(0, -1), { role: last.role, content: [...last.content, ...request.content] }]
      : [...old, request];
  const call: ModelCall = {
    system: SUMMARY_SYSTEM,
    messages,
    tools: [],
    thinking: 'off',
    maxTokens: maxTokens(model, SUMMARY_MAX_TOKENS),
  };
  const paid = await startCall(
    deps.redis,
    ask,
    model,
    call,
    deps.settings.budget(model.provider),
    deps.settings.timeoutMs,
    lease.signal,
  );
  let summary = '';
  try {
    for await (const event of paid.events) if (event.type === 'text') summary += event.text;
  } catch (cause) {
    await settleCall(deps.redis, paid, summary.length);
    throw cause;
  }
  const summaryUsage = await settleCall(deps.redis, paid, summary.length);
  if (summary.trim() === '') throw new ProviderError(`${model.provider} gave no summary of the conversation`);
  return { summary, summaryUsage };
}
