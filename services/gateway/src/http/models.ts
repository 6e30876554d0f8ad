import type { RequestHandler } from 'express';
import { AppError } from '@moltbot/shared/errors';
import type { Services } from '../services.ts';

/** `GET /v1/models` and `/v1/models/<id>`, in a form both the openai and the Anthropic SDK can read. */
export function modelList(services: Services): RequestHandler {
  const created = Math.floor(Date.now() / 1_000);
  return (request, response) => {
    const own = {
      id: 'moltbot',
      object: 'model',
      created,
      owned_by: 'moltbot',
      type: 'model',
      display_name: 'Moltbot (default model)',
      created_at: new Date(created * 1_000).toISOString(),
    };
    const data = [
      own,
      ...services.catalogue().models.map(({ ref, provider, entry }) => ({
        ...own,
        id: ref,
        owned_by: provider,
        display_name: entry.name ?? entry.id,
      })),
    ];
    const { id } = request.params;
    if (id === undefined)
      return void response.json({
        object: 'list',
        data,
        has_more: false,
        first_id: data[0]?.id ?? null,
        last_id: data.at(-1)?.id ?? null,
      });
    const found = data.find((model) => model.id === String(id));
    if (!found) throw new AppError('NOT_FOUND', `model ${String(id)} is not configured`);
    response.json(found);
  };
}
