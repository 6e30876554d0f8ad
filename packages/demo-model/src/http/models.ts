import { sendJson } from './body.ts';
import type { Call } from './context.ts';

const CREATED_AT = '2026-01-01T00:00:00Z';
/** Listed for pickers; any other name is answered as well. */
const MODELS = [
  { id: 'demo-model', name: 'Demo model' },
  { id: 'demo-model-mini', name: 'Demo model mini' },
];

/** One list that clients of both APIs can read. */
export async function getModels({ res }: Call): Promise<void> {
  const data = MODELS.map(({ id, name }) => ({
    type: 'model',
    id,
    display_name: name,
    created_at: CREATED_AT,
    object: 'model',
    created: Date.parse(CREATED_AT) / 1000,
    owned_by: 'moltbot',
  }));
  const edges = { has_more: false, first_id: data[0]?.id, last_id: data.at(-1)?.id };
  sendJson(res, 200, JSON.stringify({ object: 'list', data, ...edges }));
}
