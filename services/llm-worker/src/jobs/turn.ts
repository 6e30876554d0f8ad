import type { ContentBlock, SessionRecord, Usage } from '@moltbot/shared/contracts';
import type { AppError } from '@moltbot/shared/errors';
import type { Redis } from '@moltbot/shared/redis';
import type { CatalogModel, ModelCatalogue } from '@moltbot/config';
import type { AskModel } from '../domain/model.ts';
import type { CallSettings } from '../domain/model-call.ts';
import type { Budget, PaidCall } from './ask-model.ts';

/** What the configuration says about turns, as of their start. */
export type TurnSettings = CallSettings &
  Readonly<{
    catalogue: ModelCatalogue;
    budget: (provider: string) => Budget | undefined;
    timeoutMs: number;
    contextTokens: number | undefined;
  }>;

export type TurnDeps = Readonly<{
  redis: Redis;
  provider: (model: CatalogModel, apiKey: string | undefined) => AskModel;
  settings: TurnSettings;
  onFirstToken: (provider: string) => void;
}>;

export type AssistantRecord = Extract<SessionRecord, { type: 'assistant' }>;
export type CompactionRecord = Extract<SessionRecord, { type: 'compaction' }>;

/** How a turn ended, before it is written. `lost`: it is another worker's now, `released`: it shall be; write nothing. */
export type TurnResult = Readonly<{
  outcome: 'final' | 'aborted' | 'error' | 'lost' | 'released';
  content: readonly ContentBlock[];
  stopReason: AssistantRecord['stopReason'];
  abortReason?: string;
  error?: AppError;
  /** The model was asked to go on from what an earlier attempt had said. */
  continued?: boolean;
  model?: CatalogModel;
  usage?: Usage;
  money?: PaidCall['money'];
  compaction?: CompactionRecord;
  /** What the summary cost, beside `usage`. */
  summaryUsage?: Usage;
}>;
