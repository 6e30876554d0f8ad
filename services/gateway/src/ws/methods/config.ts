import { z } from 'zod';
import { configJsonSchema, configUiHints, redactSnapshot, type ConfigWrite } from '@moltbot/config';
import { VERSION } from '@moltbot/shared/runtime';
import { method, type MethodContext, type Methods } from '../method.ts';

const Write = z.strictObject({
  raw: z.string().min(1),
  baseHash: z.string().min(1).optional(),
  sessionKey: z.string().optional(),
  note: z.string().optional(),
  restartDelayMs: z.int().min(0).optional(),
});
type WriteParams = z.output<typeof Write>;

const DEFAULT_DELAY_MS = 2_000;

export const configMethods: Methods = {
  // redacted, so that whoever may look may look
  'config.get': method('operator.read', z.strictObject({}), (_params, { services }) =>
    redactSnapshot(services.store.file()),
  ),
  'config.schema': method('operator.read', z.strictObject({}), () => ({
    schema: configJsonSchema(),
    uiHints: configUiHints(),
    version: VERSION,
    generatedAt: new Date().toISOString(),
  })),
  'config.set': method(
    'operator.admin',
    z.strictObject({ raw: z.string().min(1), baseHash: z.string().min(1).optional() }),
    async (params, context) => {
      const { path, config } = await store('set', params, context);
      return { ok: true, path, config };
    },
  ),
  'config.patch': method(
    'operator.admin',
    Write,
    async (params, context) => await change('patch', params, context),
  ),
  'config.apply': method(
    'operator.admin',
    Write,
    async (params, context) => await change('apply', params, context),
  ),
};

async function store(
  mode: ConfigWrite['mode'],
  { raw, baseHash }: Pick<WriteParams, 'raw' | 'baseHash'>,
  { services }: MethodContext,
) {
  const { next, restart } = await services.store.write({ mode, raw, baseHash });
  return { ...redactSnapshot(next), needsRestart: restart };
}

/** Applied live: the restart that upstream would make is described and does not happen. */
async function change(
  mode: 'patch' | 'apply',
  params: WriteParams,
  context: MethodContext,
): Promise<unknown> {
  const { path, config, needsRestart } = await store(mode, params, context);
  const { sessionKey, note = null, restartDelayMs: delayMs = DEFAULT_DELAY_MS } = params;
  const payload = {
    kind: 'config-apply',
    status: 'ok',
    ts: Date.now(),
    ...(sessionKey !== undefined && { sessionKey }),
    message: note,
    doctorHint: 'Run: moltbot doctor --non-interactive',
    stats: { mode: `config.${mode}`, root: path },
  };
  return {
    ok: true,
    path,
    config,
    /** Ours: the changed keys that wait for the next start; all others are in force. */
    needsRestart,
    restart: {
      ok: true,
      pid: context.services.host.pid,
      signal: 'SIGUSR1',
      delayMs,
      reason: `config.${mode}`,
      mode: 'emit',
    },
    sentinel: { path: null, payload },
  };
}
