import type { ModelApi, ModelEntry } from './models.ts';

export type KnownProvider = Readonly<{
  label: string;
  baseUrl: string;
  api: ModelApi;
  /** Variable that holds the key when the file names none. */
  keyEnv: string;
  /** Variable that replaces `baseUrl` when the file names none. */
  baseUrlEnv?: string;
  models: readonly ModelEntry[];
}>;

type Price = readonly [input: number, output: number, cacheRead: number, cacheWrite: number];

function model(
  id: string,
  name: string,
  [contextWindow, maxTokens]: readonly [number, number],
  price: Price,
  images = true,
): ModelEntry {
  const [input, output, cacheRead, cacheWrite] = price;
  return {
    id,
    name,
    input: images ? ['text', 'image'] : ['text'],
    reasoning: true,
    contextWindow,
    maxTokens,
    cost: { input, output, cacheRead, cacheWrite },
  };
}

const CLAUDE = [200_000, 64_000] as const;

/**
 * Providers that need a key and nothing else in the file. Prices are list prices in USD per million
 * tokens; a contract with other prices, or a newer model, goes into `models.providers.<id>.models`.
 */
export const KNOWN_PROVIDERS: Readonly<Record<string, KnownProvider>> = {
  anthropic: {
    label: 'Anthropic',
    baseUrl: 'https://api.anthropic.com',
    api: 'anthropic-messages',
    keyEnv: 'ANTHROPIC_API_KEY',
    baseUrlEnv: 'ANTHROPIC_BASE_URL',
    models: [
      model('claude-opus-4-5', 'Claude Opus 4.5', CLAUDE, [5, 25, 0.5, 6.25]),
      model('claude-sonnet-4-5', 'Claude Sonnet 4.5', CLAUDE, [3, 15, 0.3, 3.75]),
      model('claude-haiku-4-5', 'Claude Haiku 4.5', CLAUDE, [1, 5, 0.1, 1.25]),
    ],
  },
  bigmodel: {
    label: 'BigModel',
    baseUrl: 'https://open.bigmodel.cn/api/anthropic',
    api: 'anthropic-messages',
    keyEnv: 'BIGMODEL_API_KEY',
    models: [
      model('glm-4.7', 'GLM 4.7', [200_000, 128_000], [0.6, 2.2, 0.11, 0], false),
      model('glm-4.6', 'GLM 4.6', [200_000, 128_000], [0.6, 2.2, 0.11, 0], false),
      model('glm-4.5-air', 'GLM 4.5 Air', [128_000, 96_000], [0.2, 1.1, 0.03, 0], false),
    ],
  },
  openai: {
    label: 'OpenAI',
    baseUrl: 'https://api.openai.com/v1',
    api: 'openai-completions',
    keyEnv: 'OPENAI_API_KEY',
    baseUrlEnv: 'OPENAI_BASE_URL',
    models: [
      model('gpt-5', 'GPT-5', [400_000, 128_000], [1.25, 10, 0.125, 0]),
      model('gpt-5-mini', 'GPT-5 mini', [400_000, 128_000], [0.25, 2, 0.025, 0]),
      model('gpt-4.1', 'GPT-4.1', [1_047_576, 32_768], [2, 8, 0.5, 0]),
    ],
  },
};
