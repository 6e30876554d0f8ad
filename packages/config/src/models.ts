import {
  KNOWN_PROVIDERS,
  type Lane,
  type ModelApi,
  type ModelEntry,
  type MoltbotConfig,
} from '@moltbot/shared/contracts';
import { resolveProviders, splitModelRef, type ResolvedProvider } from './providers.ts';
import type { Environment } from './substitute.ts';

/** One model a turn may be answered by; `ref` is `provider/model`. */
export type CatalogModel = Readonly<{
  ref: string;
  provider: string;
  api: ModelApi;
  baseUrl: string;
  headers: Readonly<Record<string, string>>;
  bearer: boolean;
  entry: ModelEntry;
  /** What a call really costs; undefined when the model has no price. */
  price: ModelEntry['cost'];
  /** Free-form, from `agents.defaults.models.<ref>.params`. */
  params: Readonly<Record<string, unknown>>;
}>;

export type ModelCatalogue = Readonly<{
  /** What people may choose from. */
  models: readonly CatalogModel[];
  /** First the model to ask, then what to fall back to; none when the one that is wanted may not be asked. */
  choices: (agentId: string, wanted?: string, lane?: Lane) => CatalogModel[];
  /** By ref, by alias, or by an id only one provider has; undefined also for what people may not choose. */
  find: (name: string) => CatalogModel | undefined;
  /** Known, and not on the allowlist: to be refused, where an unknown name may mean nothing. */
  denies: (name: string) => boolean;
  /** The key of a provider; undefined when this process has none. */
  apiKey: (provider: string) => string | undefined;
}>;

/** The provider of `npm start` without a key; its address comes from the process that runs it. */
export const DEMO_PROVIDER = 'demo';
const DEMO_URL_ENV = 'MOLTBOT_DEMO_MODEL_URL';

const DEMO_MODEL: ModelEntry = {
  id: 'demo',
  name: 'Demo model (no key configured)',
  input: ['text', 'image'],
  reasoning: true,
  cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
  contextWindow: 200_000,
  maxTokens: 8_192,
  prefill: true,
};

/** Every model the configuration offers, as this process can reach them. */
export function modelCatalogue(config: MoltbotConfig, env: Environment): ModelCatalogue {
  const providers = [...resolveProviders(config, env), ...demoProvider(env)];
  const keys = new Map(providers.map(({ id, apiKey }) => [id, apiKey]));
  const known = providers.flatMap((provider) =>
    provider.models.map((entry) => catalogModel(config, provider, entry)),
  );
  const look = (name: string): CatalogModel | undefined => findModel(known, config, name);
  const allowed = allowedModels(config, look);
  const mayAsk = ({ ref }: CatalogModel): boolean => allowed?.has(ref) ?? true;
  const find = (name: string): CatalogModel | undefined => {
    const model = look(name);
    return model && mayAsk(model) ? model : undefined;
  };
  const models = allowed === undefined ? known : [...allowed.values()];
  const hasKey = (model: CatalogModel): boolean => keys.get(model.provider) !== undefined;
  return {
    models,
    find,
    denies: (name) => {
      const model = look(name);
      return model !== undefined && !mayAsk(model);
    },
    apiKey: (provider) => keys.get(provider),
    choices: (agentId, wanted, lane) => {
      const named = wanted === undefined ? configuredRefs(config, agentId, lane) : [wanted];
      const found = named.map(find).filter((model) => model !== undefined);
      if (wanted !== undefined || found.some(hasKey)) return found;
      const keyed = models.find(hasKey);
      return keyed ? [keyed] : found;
    },
  };
}

/**
 * While `agents.defaults.models` names any, people may choose these alone, and what the file itself
 * relies on: the models of agents, their fallbacks, the demo model. undefined: everything known.
 */
function allowedModels(
  config: MoltbotConfig,
  look: (name: string) => CatalogModel | undefined,
): ReadonlyMap<string, CatalogModel> | undefined {
  const { defaults, list } = config.agents;
  const named = Object.keys(defaults.models);
  if (named.length === 0) return undefined;
  const relied = [defaults.model, defaults.subagents.model, ...list.map(({ model }) => model)];
  const refs = relied.flatMap((choice) => [choice?.primary ?? '', ...(choice?.fallbacks ?? [])]);
  const models = [...named, ...refs, `${DEMO_PROVIDER}/${DEMO_MODEL.id}`].flatMap((name) => look(name) ?? []);
  return new Map(models.map((model) => [model.ref, model]));
}

function demoProvider(env: Environment): ResolvedProvider[] {
  const baseUrl = env[DEMO_URL_ENV];
  if (!baseUrl) return [];
  const reach = { baseUrl, api: 'anthropic-messages', apiKey: 'demo', bearer: false, headers: {} } as const;
  return [{ id: DEMO_PROVIDER, ...reach, models: [DEMO_MODEL], budget: undefined }];
}

function catalogModel(config: MoltbotConfig, provider: ResolvedProvider, entry: ModelEntry): CatalogModel {
  const ref = `${provider.id}/${entry.id}`;
  const params = config.agents.defaults.models[ref]?.params ?? {};
  return {
    ref,
    provider: provider.id,
    api: entry.api ?? provider.api,
    baseUrl: provider.baseUrl,
    headers: { ...provider.headers, ...entry.headers },
    bearer: provider.bearer,
    entry,
    price: priceOf(provider.id, entry, params),
    params,
  };
}

/**
 * Anthropic bills what is kept for an hour at twice the price of input, for five minutes at the listed
 * one. A price that the configuration names is a contract's, and taken as it is.
 */
function priceOf(provider: string, entry: ModelEntry, params: CatalogModel['params']): ModelEntry['cost'] {
  const { cost } = entry;
  const listed = KNOWN_PROVIDERS[provider]?.models.includes(entry) === true;
  if (cost === undefined || !listed || params['cacheControlTtl'] !== '1h') return cost;
  return { ...cost, cacheWrite: Math.max(cost.cacheWrite, 2 * cost.input) };
}

/** A subagent may have a model of its own; else it is the agent's, else everybody's. */
function configuredRefs(config: MoltbotConfig, agentId: string, lane: Lane = 'main'): string[] {
  const { defaults, list } = config.agents;
  const own = list.find((agent) => agent.id === agentId)?.model;
  const asked = [lane === 'subagent' ? defaults.subagents.model : undefined, own, defaults.model];
  const { primary, fallbacks } = asked.find((choice) => choice?.primary !== undefined) ?? defaults.model;
  return [...(primary === undefined ? [] : [primary]), ...fallbacks];
}

function findModel(
  models: readonly CatalogModel[],
  config: MoltbotConfig,
  name: string,
): CatalogModel | undefined {
  const aliased = Object.entries(config.agents.defaults.models).find(
    ([, model]) => model.alias === name,
  )?.[0];
  const wanted = aliased ?? name;
  const exact = models.find((model) => model.ref === wanted);
  if (exact) return exact;
  const byId = models.filter((model) => model.entry.id === wanted);
  return byId.length === 1 ? byId[0] : unlisted(models, config, wanted);
}

/** A model the provider may know and our tables do not: no price, no known window. */
function unlisted(
  models: readonly CatalogModel[],
  config: MoltbotConfig,
  ref: string,
): CatalogModel | undefined {
  const named = splitModelRef(ref);
  const sibling = models.find((model) => model.provider === named?.provider);
  if (named === undefined || sibling === undefined || sibling.provider === DEMO_PROVIDER) return undefined;
  const params = config.agents.defaults.models[ref]?.params ?? {};
  return { ...sibling, ref, entry: { id: named.model }, price: undefined, params };
}
