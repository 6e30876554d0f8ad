import { z } from 'zod';
import { inert, key } from './key.ts';
import { KNOWN_PROVIDERS } from './providers.ts';
import { HttpUrl, PositiveInt, Unread } from './scalars.ts';

export const MODEL_APIS = [
  'anthropic-messages',
  'openai-completions',
  'openai-responses',
  'google-generative-ai',
  'github-copilot',
  'bedrock-converse-stream',
] as const;
export const ModelApi = z.enum(MODEL_APIS);
export type ModelApi = z.infer<typeof ModelApi>;

const Usd = z.number().min(0);

const Headers = key(
  z.record(z.string(), z.string()).optional(),
  'Further request headers; the ones that look like credentials are redacted.',
  {
    advanced: true,
  },
);

export const ModelEntry = z.strictObject({
  id: key(z.string().min(1), 'Name the provider knows it by.'),
  name: key(z.string().optional(), 'Shown to people. Unset: the id.'),
  api: key(ModelApi.optional(), 'Overrides the provider’s `api`.', { advanced: true }),
  reasoning: key(z.boolean().optional(), 'The model can think before it answers.'),
  input: key(z.array(z.enum(['text', 'image'])).optional(), 'What a message may hold. Unset: text.'),
  cost: key(
    z
      .strictObject({
        input: Usd.default(0),
        output: Usd.default(0),
        cacheRead: Usd.default(0),
        cacheWrite: Usd.default(0),
      })
      .optional(),
    'USD per million tokens. Unset: the turn is counted as unpriced, and refused where its provider has a budget.',
    { placeholder: '{ input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25 }' },
  ),
  contextWindow: key(PositiveInt.optional(), 'Tokens the model can read.'),
  maxTokens: key(PositiveInt.optional(), 'Tokens the model may write in one answer.'),
  prefill: key(
    z.boolean().optional(),
    'The model continues a started answer, so that a turn whose worker died goes on in mid-sentence instead of starting over. Of `anthropic-messages`, and of turns without thinking and tools.',
    { advanced: true, differs: 'Not in upstream.' },
  ),
  headers: Headers,
  compat: Unread,
});
export type ModelEntry = z.infer<typeof ModelEntry>;

export const ProviderBudget = z.strictObject({
  daily: key(
    z.number().positive(),
    'USD a day (UTC) for all users of this provider together; a turn that would exceed it is refused.',
  ),
  alert: key(z.boolean().default(true), 'Log and count a warning at 80 % and at 100 %.'),
});

export const ProviderConfig = z.strictObject({
  baseUrl: key(HttpUrl.optional(), 'Address of the API. Needed unless the provider is known by name.', {
    placeholder: 'https://open.bigmodel.cn/api/anthropic',
  }),
  apiKey: key(
    z.string().optional(),
    'Key of the API; workers alone read it. Unset: the provider’s variable.',
    {
      sensitive: true,
      placeholder: '${ANTHROPIC_API_KEY}',
    },
  ),
  auth: key(
    z.enum(['api-key', 'aws-sdk', 'oauth', 'token']).optional(),
    '`token` sends the key as a bearer. Unset: as the `api` has it.',
  ),
  api: key(ModelApi.optional(), 'Form of the API. Unset: the known provider’s, else `anthropic-messages`.'),
  headers: Headers,
  authHeader: key(
    z.boolean().optional(),
    'Send `Authorization: Bearer` instead of the API’s own key header.',
    { advanced: true },
  ),
  models: key(z.array(ModelEntry).optional(), 'Models of this provider. Unset: the known provider’s.'),
  budget: key(ProviderBudget.optional(), 'Daily limit of the provider.', {
    placeholder: '{ daily: 100, alert: true }',
    differs: 'Unknown to upstream, where a file that holds it does not start.',
  }),
});
export type ProviderConfig = z.infer<typeof ProviderConfig>;

function nameFaults(
  id: string,
  provider: ProviderConfig,
): { field: 'baseUrl' | 'models'; message: string }[] {
  if (Object.hasOwn(KNOWN_PROVIDERS, id)) return [];
  const known = Object.keys(KNOWN_PROVIDERS).join(', ');
  const message = `required, because "${id}" is not a provider known by name (${known})`;
  return (['baseUrl', 'models'] as const)
    .filter((field) => provider[field] === undefined)
    .map((field) => ({ field, message }));
}

export const ModelsConfig = z
  .strictObject({
    mode: key(
      z.enum(['merge', 'replace']).default('merge'),
      '`merge` adds to the models known by name, `replace` offers only those written here.',
    ),
    providers: key(z.record(z.string(), ProviderConfig).default({}), 'Providers by name.'),
    bedrockDiscovery: inert(z.unknown().optional()),
  })
  .superRefine((models, context) => {
    for (const [id, provider] of Object.entries(models.providers)) {
      for (const { field, message } of nameFaults(id, provider)) {
        context.addIssue({ code: 'custom', path: ['providers', id, field], message });
      }
    }
  });
export type ModelsConfig = z.infer<typeof ModelsConfig>;
