import { REDACTED } from '@moltbot/shared/contracts';
import { Failure } from '../../failure.ts';
import type { Gateway } from '../../target/gateway.ts';

export type Model = Readonly<{
  id: string;
  name: string;
  provider: string;
  contextWindow?: number;
  input?: readonly string[];
  /** Whether the provider has a key; absent where the server does not say. */
  available?: boolean;
}>;

type Provider = Readonly<{ apiKey?: unknown; baseUrl?: unknown }>;
type ModelChoice = string | Readonly<{ primary?: string; fallbacks?: readonly string[] }>;

/** The part of the configuration that is about models. */
export type ModelConfig = Readonly<{
  configPath: string;
  defaultModel: string | undefined;
  fallbacks: readonly string[];
  imageModel: string | undefined;
  aliases: Readonly<Record<string, string>>;
  allowed: readonly string[];
  providers: Readonly<Record<string, Provider>>;
}>;

export const modelKey = (model: Model): string => `${model.provider}/${model.id}`;

export async function readModels(gateway: Gateway): Promise<readonly Model[]> {
  const { models } = await gateway.call<{ models: readonly Model[] }>('models.list', {});
  return models;
}

/** undefined where the token's user may not read the configuration. */
export async function readModelConfig(gateway: Gateway): Promise<ModelConfig | undefined> {
  try {
    const { path, config } = await gateway.call<{ path: string; config: RawConfig }>('config.get', {});
    return summarize(path, config);
  } catch (error) {
    if (error instanceof Failure && error.message.includes('missing scope')) return undefined;
    throw error;
  }
}

type RawConfig = Readonly<{
  agents?: {
    defaults?: { model?: ModelChoice; imageModel?: ModelChoice; models?: Record<string, { alias?: string }> };
  };
  models?: { providers?: Record<string, Provider> };
}>;

function summarize(configPath: string, config: RawConfig): ModelConfig {
  const { model, imageModel, models = {} } = config.agents?.defaults ?? {};
  const aliases = Object.entries(models).flatMap(([key, { alias }]) => (alias ? [[alias, key]] : []));
  return {
    configPath,
    defaultModel: primaryOf(model),
    fallbacks: typeof model === 'object' ? (model.fallbacks ?? []) : [],
    imageModel: primaryOf(imageModel),
    aliases: Object.fromEntries(aliases) as Record<string, string>,
    allowed: Object.keys(models),
    providers: config.models?.providers ?? {},
  };
}

/** `best` may be an alias; what counts is the model behind it. */
export function resolvedDefault({ defaultModel, aliases }: ModelConfig): string | undefined {
  return defaultModel === undefined ? undefined : (aliases[defaultModel] ?? defaultModel);
}

const primaryOf = (choice: ModelChoice | undefined): string | undefined =>
  typeof choice === 'string' ? choice : choice?.primary;

export type KeyState = 'set' | 'reference' | 'missing';

/** What can be said about a key that we never see: it is set, it is an unresolved `${NAME}`, or it is not there. */
export function keyState(provider: Provider | undefined): KeyState {
  const { apiKey } = provider ?? {};
  if (typeof apiKey !== 'string' || apiKey === '') return 'missing';
  return apiKey !== REDACTED && apiKey.includes('${') ? 'reference' : 'set';
}
