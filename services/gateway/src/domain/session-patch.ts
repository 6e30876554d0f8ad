import { z } from 'zod';
import { AppError } from '@moltbot/shared/errors';

const Nullable = z.union([z.string(), z.null()]).optional();

export const SessionPatch = z.strictObject({
  key: z.string().min(1),
  label: z.union([z.string().min(1).max(64), z.null()]).optional(),
  thinkingLevel: Nullable,
  verboseLevel: Nullable,
  reasoningLevel: Nullable,
  responseUsage: Nullable,
  elevatedLevel: Nullable,
  execHost: Nullable,
  execSecurity: Nullable,
  execAsk: Nullable,
  execNode: Nullable,
  model: Nullable,
  spawnedBy: Nullable,
  sendPolicy: Nullable,
  groupActivation: Nullable,
});

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  thinkingLevel: ['off', 'minimal', 'low', 'medium', 'high', 'xhigh'],
  verboseLevel: ['off', 'on', 'full'],
  reasoningLevel: ['off', 'on', 'stream'],
  responseUsage: ['off', 'tokens', 'full', 'on'],
  sendPolicy: ['allow', 'deny'],
  groupActivation: ['mention', 'always'],
};
/** What the refusal lists, in upstream's words: without the levels only some models have. */
const SHOWN: Readonly<Record<string, string>> = { thinkingLevel: 'off|minimal|low|medium|high' };

/** What to write: strings to set, null to clear. The model is left to be looked up. */
export function readPatch(params: z.output<typeof SessionPatch>): {
  patch: Record<string, string | null>;
  model: string | null | undefined;
} {
  const { key: _key, model, ...settings } = params;
  const patch: Record<string, string | null> = {};
  for (const [name, value] of Object.entries(settings)) {
    if (value === undefined) continue;
    const choices = CHOICES[name];
    const given = typeof value === 'string' ? value.trim() : value;
    const normal = typeof given === 'string' && choices ? given.toLowerCase() : given;
    if (normal !== null && choices && !choices.includes(normal))
      throw new AppError('INVALID_REQUEST', `invalid ${name} (use ${SHOWN[name] ?? choices.join('|')})`);
    patch[name] = normal;
  }
  if (model === null) patch['modelOverride'] = null;
  return { patch, model };
}
