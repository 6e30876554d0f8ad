import type { Gateway } from '../../target/gateway.ts';

export type Model = Readonly<{
  id: string;
  name: string;
  provider: string;
  contextWindow?: number;
  input?: readonly string[];
}>;

/** Ours: which model answers, and whether its provider has a key. Keys themselves never leave the gateway. */
export type ModelStatus = Readonly<{
  configPath: string;
  defaultModel: string | null;
  /** The model behind the alias, as `provider/model`; null when none can be used. */
  resolvedDefault: string | null;
  fallbacks: readonly string[];
  aliases: Readonly<Record<string, string>>;
  allowed: readonly string[];
  ready: boolean;
  auth: Readonly<{ providers: readonly Readonly<{ provider: string; hasKey: boolean }>[] }>;
}>;

export const modelKey = (model: Model): string => `${model.provider}/${model.id}`;

export async function readModels(gateway: Gateway): Promise<readonly Model[]> {
  const { models } = await gateway.call<{ models: readonly Model[] }>('models.list', {});
  return models;
}

export const readModelStatus = (gateway: Gateway): Promise<ModelStatus> =>
  gateway.call<ModelStatus>('models.status', {});

/** Addresses of providers, where the configuration names them; to tell local models from bought ones. */
export async function readBaseUrls(gateway: Gateway): Promise<ReadonlyMap<string, string>> {
  const { config } = await gateway.call<{ config: RawConfig }>('config.get', {});
  const providers = Object.entries(config.models?.providers ?? {});
  return new Map(
    providers.flatMap(([id, { baseUrl }]) => (typeof baseUrl === 'string' ? [[id, baseUrl]] : [])),
  );
}

type RawConfig = Readonly<{ models?: { providers?: Record<string, { baseUrl?: unknown }> } }>;
