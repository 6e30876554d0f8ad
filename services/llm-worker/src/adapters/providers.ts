import { KNOWN_PROVIDERS } from '@moltbot/shared/contracts';
import { AppError } from '@moltbot/shared/errors';
import type { CatalogModel } from '@moltbot/config';
import type { AskModel } from '../domain/model.ts';
import { anthropicModel, type ProviderLimits } from './anthropic.ts';
import { openaiModel } from './openai.ts';

/** One SDK client (and its connection pool) for each model and key; a changed configuration makes new ones. */
export function createProviders(
  limits: ProviderLimits,
): (model: CatalogModel, apiKey: string | undefined) => AskModel {
  const clients = new Map<string, AskModel>();
  return (model, apiKey) => {
    if (apiKey === undefined) throw new AppError('PROVIDER_FAILED', missingKey(model.provider));
    const identity = JSON.stringify([
      model.ref,
      model.api,
      model.baseUrl,
      model.headers,
      model.bearer,
      model.params,
      model.entry,
      apiKey,
    ]);
    const known = clients.get(identity);
    if (known) return known;
    const made = make(model, apiKey, limits);
    clients.set(identity, made);
    return made;
  };
}

function missingKey(provider: string): string {
  const setting = `models.providers.${provider}.apiKey`;
  const variable = Object.hasOwn(KNOWN_PROVIDERS, provider) ? KNOWN_PROVIDERS[provider]?.keyEnv : undefined;
  const places = variable === undefined ? setting : `${variable} or ${setting}`;
  return `no API key for provider ${provider}: set ${places}`;
}

function make(model: CatalogModel, apiKey: string, limits: ProviderLimits): AskModel {
  if (model.api === 'anthropic-messages') return anthropicModel(model, apiKey, limits);
  if (model.api === 'openai-completions') return openaiModel(model, apiKey, limits);
  throw new AppError(
    'PROVIDER_FAILED',
    `provider ${model.provider} has api ${model.api}; this product speaks anthropic-messages and openai-completions`,
  );
}
