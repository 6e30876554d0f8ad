export { createVerifier, type Verdict, type Verifier } from './adapters/credentials.ts';
export { readConfig as readGatewayConfig, type GatewayConfig } from './config.ts';
export { startGateway, type Gateway } from './gateway.ts';
