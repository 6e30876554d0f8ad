export * from './agents.ts';
export * from './gateway.ts';
export type { ConfigApply, ConfigKeyHint } from './key.ts';
export * from './logging.ts';
export * from './models.ts';
export * from './moltbot-config.ts';
export * from './providers.ts';
export * from './session.ts';
export * from './snapshot.ts';
