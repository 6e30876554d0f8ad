export { startAuth, type Auth } from './auth.ts';
export { readConfig, type AuthConfig } from './config.ts';
