export { createVerifier, type Verifier } from './adapters/credentials.ts';
export { internalClient, type InternalClient } from './adapters/internal-client.ts';
export { createRunViews, replayOf, type RunViews } from './adapters/run-views.ts';
export { readConfig as readGatewayConfig, type GatewayConfig } from './config.ts';
export type { Verdict } from './domain/principal.ts';
export { startGateway, type Gateway } from './gateway.ts';
export { resumeFrom } from './ws/replay.ts';
export { createRunFeed, type RunFeed } from './ws/run-feed.ts';
