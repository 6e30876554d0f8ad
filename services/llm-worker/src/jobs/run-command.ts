import type { NumberedRecord } from '@moltbot/shared/contracts';
import type { CatalogModel } from '@moltbot/config';
import type { Run } from '@moltbot/turns';
import { textOf } from '../domain/blocks.ts';
import { answerCommand } from '../domain/command.ts';
import { maxTokens } from '../domain/model-call.ts';
import type { TurnResult, TurnSettings } from './turn.ts';

/** Answers a slash command from what is known here; no model is asked. */
export function runCommand({ content, records }: Run, settings: TurnSettings): TurnResult {
  const [model] = settings.catalogue.choices(content.agentId, content.model, content.lane);
  const text = answerCommand(saidIn(records, content.turnId), {
    sessionKey: content.shownKey,
    model: model?.ref ?? '(none)',
    models: settings.catalogue.models.map(({ ref }) => ref),
    thinking: content.thinking ?? settings.thinking,
    contextTokens: contextTokens(records),
    contextWindow: contextWindow(model),
    records: records.length,
  });
  return { outcome: 'final', content: [{ type: 'text', text }], stopReason: 'stop' };
}

/** The user's words in one turn. */
function saidIn(records: readonly NumberedRecord[], turnId: string): string {
  const said = records.findLast(({ record }) => record.type === 'user' && record.turnId === turnId)?.record;
  return said?.type === 'user' ? textOf(said.content) : '';
}

/** What the last call to a model had read. */
function contextTokens(records: readonly NumberedRecord[]): number {
  const answer = records.findLast(
    ({ record }) => record.type === 'assistant' && record.api !== 'command',
  )?.record;
  if (answer?.type !== 'assistant') return 0;
  const { input, cacheRead, cacheWrite } = answer.usage;
  return input + cacheRead + cacheWrite;
}

function contextWindow(model: CatalogModel | undefined): number {
  if (model === undefined) return 0;
  return model.entry.contextWindow ?? maxTokens(model);
}
