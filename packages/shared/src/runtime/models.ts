import { KNOWN_PROVIDERS, type ModelApi, type ModelEntry, type MoltbotConfig } from '../contracts/index.ts';

/** One model a turn may be answered by; `ref` is `provider/model`. */
export type CatalogModel = Readonly<{
  ref: string;
  provider: string;
  api: ModelApi;
  baseUrl: string;
  headers: Readonly<Record<string, string>>;
  bearer: boolean;
  entry: ModelEntry;
  /** Free-form, from `agents.defaults.models.<ref>.params`. */
  params: Readonly<Record<string, unknown>>;
}>;

export type ModelCatalogue = Readonly<{
  models: readonly CatalogModel[];
  /** First the model to ask, then what to fall back to. */
  choices(agentId: string, wanted?: string): CatalogModel[];
  /** By ref, by alias, or by an id only one provider has. */
  find(name: string): CatalogModel | undefined;
  /** The key of a provider; undefined when this process has none. */
  apiKey(provider: string): string | undefined;
}>;

type Environment = Readonly<Record<string, string | undefined>>;

/** The provider of `npm start` without a key; its address comes from the process that runs it. */
export const DEMO_PROVIDER = 'demo';
const DEMO_URL_ENV = 'MOLTBOT_DEMO_MODEL_URL';

/** Every model the configuration offers, as this process can reach them. */
export function modelCatalogue(config: MoltbotConfig, env: Environment): ModelCatalogue {
  const models = providerIds(config, env).flatMap((id) => providerModels(config, id, env));
  const find = (name: string): CatalogModel | undefined => findModel(models, config, name);
  const apiKey = (provider: string): string | undefined => providerKey(config, provider, env);
  return {
    models,
    find,
    apiKey,
    choices: (agentId, wanted) => {
      const named = wanted === undefined ? configuredRefs(config, agentId) : [wanted];
      const found = named.map(find).filter((model) => model !== undefined);
      if (wanted !== undefined || found.some((model) => apiKey(model.provider) !== undefined)) return found;
      const keyed = models.find((model) => apiKey(model.provider) !== undefined);
      return keyed ? [keyed] : found;
    },
  };
}

/** Configured ones first: whoever wrote a provider down means it. The demo model is the last resort. */
function providerIds(config: MoltbotConfig, env: Environment): string[] {
  const known = config.models.mode === 'replace' ? [] : Object.keys(KNOWN_PROVIDERS);
  const demo = env[DEMO_URL_ENV] ? [DEMO_PROVIDER] : [];
  return [...new Set([...Object.keys(config.models.providers), ...known, ...demo])];
}

const DEMO_MODEL: ModelEntry = {
  id: 'demo',
  name: 'Demo model (no key configured)',
  input: ['text', 'image'],
  reasoning: true,
  cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
  contextWindow: 200_000,
  maxTokens: 8_192,
};

function providerModels(config: MoltbotConfig, id: string, env: Environment): CatalogModel[] {
  const written = config.models.providers[id];
  const known = KNOWN_PROVIDERS[id];
  const demoUrl = id === DEMO_PROVIDER ? env[DEMO_URL_ENV] : undefined;
  const fromEnv = known?.baseUrlEnv === undefined ? undefined : env[known.baseUrlEnv];
  const baseUrl = written?.baseUrl ?? demoUrl ?? (fromEnv || known?.baseUrl);
  if (baseUrl === undefined) return [];
  const builtin = demoUrl === undefined ? (known?.models ?? []) : [DEMO_MODEL];
  const entries = new Map([...builtin, ...(written?.models ?? [])].map((entry) => [entry.id, entry]));
  return [...entries.values()].map((entry) => ({
    ref: `${id}/${entry.id}`,
    provider: id,
    api: entry.api ?? written?.api ?? known?.api ?? 'anthropic-messages',
    baseUrl,
    headers: { ...written?.headers, ...entry.headers },
    bearer: written?.authHeader === true || written?.auth === 'token',
    entry,
    params: config.agents.defaults.models[`${id}/${entry.id}`]?.params ?? {},
  }));
}

function providerKey(config: MoltbotConfig, id: string, env: Environment): string | undefined {
  if (id === DEMO_PROVIDER && env[DEMO_URL_ENV]) return 'demo';
  const variable = KNOWN_PROVIDERS[id]?.keyEnv;
  return (
    config.models.providers[id]?.apiKey || (variable === undefined ? undefined : env[variable] || undefined)
  );
}

function configuredRefs(config: MoltbotConfig, agentId: string): string[] {
  const own = config.agents.list.find((agent) => agent.id === agentId)?.model;
  const { primary, fallbacks } = own?.primary === undefined ? config.agents.defaults.model : own;
  return [...(primary === undefined ? [] : [primary]), ...fallbacks];
}

function findModel(
  models: readonly CatalogModel[],
  config: MoltbotConfig,
  name: string,
): CatalogModel | undefined {
  const exact = models.find((model) => model.ref === name);
  if (exact) return exact;
  const alias = Object.entries(config.agents.defaults.models).find(([, model]) => model.alias === name)?.[0];
  if (alias !== undefined) return models.find((model) => model.ref === alias) ?? unlisted(models, alias);
  const byId = models.filter((model) => model.entry.id === name);
  return byId.length === 1 ? byId[0] : unlisted(models, name);
}

/** A model the provider may know and our tables do not: no price, no known window. */
function unlisted(models: readonly CatalogModel[], ref: string): CatalogModel | undefined {
  const slash = ref.indexOf('/');
  const sibling = models.find((model) => model.provider === ref.slice(0, slash));
  if (slash < 1 || sibling === undefined || sibling.provider === DEMO_PROVIDER) return undefined;
  return { ...sibling, ref, entry: { id: ref.slice(slash + 1) }, params: {} };
}
