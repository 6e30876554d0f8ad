import { useEffect, useMemo, useState } from 'react';
import { z } from 'zod';
import type { MoltbotClient } from '@moltbot/client';
import type { ModelRef } from '../sessions/rows.ts';

const DEMO_PROVIDER = 'demo';

const Model = z.looseObject({ id: z.string(), name: z.string().nullish(), provider: z.string() });
const ModelsListed = z.looseObject({ models: z.array(Model) });
type Model = z.infer<typeof Model>;

export type ModelView = Readonly<{ name: string; isDemo: boolean }>;

export function useModels(client: MoltbotClient): { describe: (ref: ModelRef) => ModelView | undefined } {
  const [models, setModels] = useState<readonly Model[]>([]);
  useEffect(() => {
    const load = (): void => {
      client.request('models.list', {}).then(
        (raw) => setModels(ModelsListed.safeParse(raw).data?.models ?? []),
        () => undefined, // the header then shows the id that the session names
      );
    };
    load();
    return client.on('hello', load);
  }, [client]);
  return useMemo(() => ({ describe: (ref) => describeModel(ref, models) }), [models]);
}

export function describeModel(ref: ModelRef, models: readonly Model[]): ModelView | undefined {
  const known = findModel(ref, models);
  const name = known?.name ?? known?.id ?? ref.id;
  if (name === undefined) return undefined;
  return { name, isDemo: (known?.provider ?? ref.provider) === DEMO_PROVIDER };
}

/** Sessions name a model as `id` or as `provider/id`; a session without one has the only one there is. */
function findModel(ref: ModelRef, models: readonly Model[]): Model | undefined {
  const [only] = models;
  if (ref.id === undefined) return models.length === 1 ? only : undefined;
  return models.find(
    ({ id, provider }) =>
      ref.id === `${provider}/${id}` ||
      (ref.id === id && (ref.provider === undefined || ref.provider === provider)),
  );
}
