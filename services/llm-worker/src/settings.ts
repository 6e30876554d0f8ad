import type { Lane, MoltbotConfig } from '@moltbot/shared/contracts';
import { modelCatalogue } from '@moltbot/config';
import type { WatchedBudget } from './jobs/budget-watch.ts';
import type { TurnSettings } from './jobs/turn.ts';

export type WorkerSettings = TurnSettings &
  Readonly<{
    /** Most turns of a lane that run at once, company-wide; undefined: as many as there are slots. */
    cap: (lane: Lane) => number | undefined;
    budgets: readonly WatchedBudget[];
  }>;

/** What the configuration means for turns; made once for each change. */
export function turnSettings(config: MoltbotConfig, env: NodeJS.ProcessEnv): WorkerSettings {
  const { defaults, list } = config.agents;
  return {
    catalogue: modelCatalogue(config, env),
    budget: (provider) => {
      const daily = config.models.providers[provider]?.budget?.daily;
      return daily === undefined ? undefined : { dailyUsd: daily };
    },
    budgets: Object.entries(config.models.providers).flatMap(([provider, { budget }]) =>
      budget === undefined ? [] : [{ provider, dailyUsd: budget.daily, alert: budget.alert }],
    ),
    timeoutMs: defaults.timeoutSeconds * 1_000,
    thinking: defaults.thinkingDefault ?? 'off',
    contextTokens: defaults.contextTokens,
    cap: (lane) => (lane === 'main' ? defaults.maxConcurrent : defaults.subagents.maxConcurrent),
    system: (agentId) => {
      const agent = list.find(({ id }) => id === agentId);
      const name = agent?.identity?.name ?? agent?.name ?? 'Moltbot';
      // @NOTE a stable prefix: anything that changes with time or user here would empty the provider's prompt cache
      return `You are ${name}, the assistant of a company's employees. Answer in the language of the user. Write Markdown.`;
    },
  };
}
