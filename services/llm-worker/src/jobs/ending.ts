import type { EndEvent, Usage } from '@moltbot/shared/contracts';
import type { Ending, Run } from '@moltbot/turns';
import { blockText } from '../domain/blocks.ts';
import { NO_TOKENS } from '../domain/model.ts';
import { together } from '../domain/money.ts';
import type { AssistantRecord, TurnResult } from './turn.ts';

const PREVIEW_CHARS = 140;
const UNASKED: Usage = { ...NO_TOKENS, costMicroUsd: 0 };

/** What commit writes for a result: the records, the terminal event, the session's new figures. */
export function turnEnding(
  run: Run,
  result: TurnResult & { outcome: 'final' | 'aborted' | 'error' },
  startedAtMs: number,
): Ending {
  const now = Date.now();
  const record = assistantRecord(run, result, now);
  const event: EndEvent = {
    t: 'end',
    tid: run.content.turnId,
    run: run.content.runId,
    shown: run.content.shownKey,
    outcome: result.outcome,
    kind: run.content.kind,
    message: record,
    ...(result.abortReason !== undefined && { stopReason: result.abortReason }),
    ...(result.error && { error: { code: result.error.code, message: result.error.message } }),
    startedAt: startedAtMs,
    endedAt: now,
  };
  const cost = result.usage?.costMicroUsd ?? 0;
  const usage = together(result.usage, result.summaryUsage);
  return {
    event,
    records: result.compaction ? [result.compaction, record] : [record],
    entry: entryChanges(result, record),
    ...(result.model && usage && { usage: { model: result.model.ref, usage } }),
    ...(result.money && { money: { ...result.money, costMicroUsd: cost } }),
    ...(result.compaction && { contextFromSeq: result.compaction.upToSeq + 1 }),
  };
}

function assistantRecord(run: Run, result: TurnResult, now: number): AssistantRecord {
  return {
    type: 'assistant',
    turnId: run.content.turnId,
    runId: run.content.runId,
    content: [...result.content],
    provider: result.model?.provider ?? 'moltbot',
    model: result.model?.entry.id ?? run.content.kind,
    api: run.content.kind === 'command' ? 'command' : (result.model?.api ?? 'none'),
    usage: result.usage ?? UNASKED,
    stopReason: result.stopReason,
    ...(result.error && { errorMessage: result.error.message }),
    timestamp: now,
  };
}

/** Strings for the session's entry. `totalTokens` is the size of the last call's context, as upstream counts it. */
function entryChanges(result: TurnResult, record: AssistantRecord): Record<string, string | number> {
  const said = record.content.map(blockText).join(' ');
  const { usage, model } = result;
  return {
    aborted: result.outcome === 'aborted' ? '1' : '',
    preview: said.replaceAll(/\s+/g, ' ').trim().slice(0, PREVIEW_CHARS),
    runId: record.runId,
    ...(usage && {
      inputTokens: usage.input,
      outputTokens: usage.output,
      totalTokens: usage.input + usage.cacheRead + usage.cacheWrite,
    }),
    ...(model && {
      model: model.entry.id,
      modelProvider: model.provider,
      contextTokens: model.entry.contextWindow ?? 0,
    }),
  };
}
