import { z } from 'zod';
import { AgentsConfig } from './agents.ts';
import { GatewayConfig } from './gateway.ts';
import { inert, key } from './key.ts';
import { LoggingConfig } from './logging.ts';
import { ModelsConfig } from './models.ts';
import { SessionConfig } from './session.ts';

const Section = inert(
  z.record(z.string(), z.unknown()).optional(),
  'Accepted for compatibility; nothing here reads the section.',
);

/** `moltbot.json` after `$include` and `${ENV}`. Unknown keys are refused: a typing error must not be a silent default. */
export const MoltbotConfig = z.strictObject({
  $schema: key(z.string().optional(), 'Address of a JSON schema, for editors.', { advanced: true }),
  meta: inert(z.record(z.string(), z.unknown()).optional(), 'Written by upstream tools; kept as it is.'),
  env: key(
    z.record(z.string(), z.unknown()).optional(),
    'Defaults of variables for `${NAME}` in this file, as `{NAME: "x"}` or `{vars: {NAME: "x"}}`; the process’s own environment wins.',
    { advanced: true },
  ),
  gateway: GatewayConfig.prefault({}),
  session: SessionConfig.prefault({}),
  logging: LoggingConfig.prefault({}),
  models: ModelsConfig.prefault({}),
  agents: AgentsConfig.prefault({}),
  wizard: Section,
  diagnostics: Section,
  update: Section,
  browser: Section,
  ui: Section,
  auth: Section,
  nodeHost: Section,
  tools: Section,
  bindings: inert(z.array(z.unknown()).optional()),
  broadcast: Section,
  audio: Section,
  media: Section,
  messages: Section,
  commands: Section,
  approvals: Section,
  cron: Section,
  hooks: Section,
  web: Section,
  channels: Section,
  discovery: Section,
  canvasHost: Section,
  talk: Section,
  skills: Section,
  plugins: Section,
});
export type MoltbotConfig = z.infer<typeof MoltbotConfig>;
