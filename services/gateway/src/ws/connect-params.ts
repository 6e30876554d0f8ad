import { z } from 'zod';

const CLIENT_IDS = [
  'webchat-ui',
  'webchat',
  'cli',
  'gateway-client',
  'node-host',
  'test',
  'fingerprint',
  'clawdbot-control-ui',
  'clawdbot-macos',
  'clawdbot-ios',
  'clawdbot-android',
  'clawdbot-probe',
  'openclaw-control-ui',
  'openclaw-macos',
  'openclaw-ios',
  'openclaw-android',
  'openclaw-linux',
  'openclaw-watchos',
  'openclaw-tui',
  'openclaw-probe',
  'openclaw-worker',
  'openclaw-browser-copilot',
  'moltbot-control-ui',
  'moltbot-web',
] as const;

const Text = z.string().min(1);

/** Strict, as upstream: an unknown property is a refusal that names it. */
export const ConnectParams = z.strictObject({
  minProtocol: z.int().min(1),
  maxProtocol: z.int().min(1),
  client: z.strictObject({
    id: z.enum(CLIENT_IDS),
    mode: z.enum(['webchat', 'cli', 'ui', 'backend', 'node', 'probe', 'test']),
    version: Text,
    platform: Text,
    displayName: Text.optional(),
    deviceFamily: Text.optional(),
    modelIdentifier: Text.optional(),
    instanceId: Text.optional(),
  }),
  role: z.string().optional(),
  scopes: z.array(z.string()).optional(),
  caps: z.array(z.string()).optional(),
  commands: z.array(z.string()).optional(),
  permissions: z.record(z.string(), z.boolean()).optional(),
  pathEnv: z.string().optional(),
  locale: z.string().optional(),
  userAgent: z.string().optional(),
  auth: z
    .strictObject({
      token: z.string().optional(),
      password: z.string().optional(),
      deviceToken: z.string().optional(),
    })
    .optional(),
  device: z
    .strictObject({
      id: Text,
      publicKey: Text,
      signature: Text,
      signedAt: z.int().min(0),
      nonce: Text.optional(),
    })
    .optional(),
});
export type ConnectParams = z.infer<typeof ConnectParams>;
