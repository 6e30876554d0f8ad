import {
  KNOWN_PROVIDERS,
  type ModelApi,
  type ModelEntry,
  type MoltbotConfig,
  type ProviderConfig,
} from '@moltbot/shared/contracts';
import type { Environment } from './substitute.ts';

export type ResolvedProvider = Readonly<{
  id: string;
  baseUrl: string;
  api: ModelApi;
  apiKey: string | undefined;
  /** The key goes into `Authorization: Bearer` instead of the API's own header. */
  bearer: boolean;
  headers: Readonly<Record<string, string>>;
  models: readonly ModelEntry[];
  budget: ProviderConfig['budget'];
}>;

/** `provider/model`, split at the first slash; undefined for an alias or a bare name. */
export function splitModelRef(ref: string): { provider: string; model: string } | undefined {
  const slash = ref.indexOf('/');
  if (slash <= 0 || slash === ref.length - 1) return undefined;
  return { provider: ref.slice(0, slash), model: ref.slice(slash + 1) };
}

/** Known providers the configuration relies on without a block of their own: named by a model, or given a key. */
function implied(config: MoltbotConfig, env: Environment): string[] {
  const { model, models } = config.agents.defaults;
  const refs = [model.primary ?? '', ...model.fallbacks, ...Object.keys(models)];
  const named = new Set(refs.map((ref) => splitModelRef(ref)?.provider));
  return Object.entries(KNOWN_PROVIDERS)
    .filter(([id, known]) => named.has(id) || (config.models.mode === 'merge' && Boolean(env[known.keyEnv])))
    .map(([id]) => id);
}

function modelsOf(
  own: readonly ModelEntry[] | undefined,
  known: readonly ModelEntry[],
  mode: 'merge' | 'replace',
): readonly ModelEntry[] {
  if (mode === 'replace') return own ?? known;
  const written = new Set(own?.map(({ id }) => id));
  return [...(own ?? []), ...known.filter(({ id }) => !written.has(id))];
}

type Defaults = Readonly<{
  baseUrl: string | undefined;
  api: ModelApi;
  apiKey: string | undefined;
  models: readonly ModelEntry[];
}>;

function defaultsOf(id: string, env: Environment): Defaults {
  const known = Object.hasOwn(KNOWN_PROVIDERS, id) ? KNOWN_PROVIDERS[id] : undefined;
  if (!known) return { baseUrl: undefined, api: 'anthropic-messages', apiKey: undefined, models: [] };
  const elsewhere = known.baseUrlEnv === undefined ? undefined : env[known.baseUrlEnv];
  return {
    baseUrl: elsewhere || known.baseUrl,
    api: known.api,
    apiKey: env[known.keyEnv] || undefined,
    models: known.models,
  };
}

function resolveProvider(
  id: string,
  entry: ProviderConfig,
  mode: 'merge' | 'replace',
  env: Environment,
): ResolvedProvider | undefined {
  const known = defaultsOf(id, env);
  const baseUrl = entry.baseUrl ?? known.baseUrl;
  if (baseUrl === undefined) return undefined;
  return {
    id,
    baseUrl: baseUrl.replace(/\/+$/, ''),
    api: entry.api ?? known.api,
    apiKey: entry.apiKey ?? known.apiKey,
    bearer: entry.authHeader ?? (entry.auth === 'token' || entry.auth === 'oauth'),
    headers: entry.headers ?? {},
    models: modelsOf(entry.models, known.models, mode),
    budget: entry.budget,
  };
}

/** Every provider that can be called, ready to use; the ones without a key are listed too, so that status can say so. */
export function resolveProviders(config: MoltbotConfig, env: Environment): readonly ResolvedProvider[] {
  const { providers, mode } = config.models;
  const ids = new Set([...Object.keys(providers), ...implied(config, env)]);
  return [...ids].flatMap((id) => resolveProvider(id, providers[id] ?? {}, mode, env) ?? []);
}
