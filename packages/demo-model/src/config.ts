import { z } from 'zod';
import type { DemoModelOptions } from './demo-model.ts';

const Switch = z.enum(['0', '1']).transform((value) => value === '1');

const Env = z.object({
  PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  DEMO_MODEL_TOKEN_DELAY_MS: z.coerce.number().int().min(0).default(0),
  DEMO_MODEL_RECORD: Switch.default(true),
  DEMO_MODEL_CONTROL: Switch.default(true),
  DEMO_MODEL_API_KEY: z.string().min(1).optional(),
});

export function readConfig(env: NodeJS.ProcessEnv): DemoModelOptions {
  const parsed = Env.safeParse(env);
  if (!parsed.success) throw new Error(`demo model config is not usable:\n${z.prettifyError(parsed.error)}`);
  const e = parsed.data;
  return {
    port: e.PORT,
    tokenDelayMs: e.DEMO_MODEL_TOKEN_DELAY_MS,
    record: e.DEMO_MODEL_RECORD,
    control: e.DEMO_MODEL_CONTROL,
    ...(e.DEMO_MODEL_API_KEY !== undefined && { apiKey: e.DEMO_MODEL_API_KEY }),
  };
}
